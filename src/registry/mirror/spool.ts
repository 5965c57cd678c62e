// Leaves that have been fetched and not yet proven: beyond a few they wait in a file, not in memory and not in the database.
import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBundle, writeBundle } from '../log/tile.ts';

/** Leaves of one batch. */
const batchSize = 500;

export class LeafSpool {
  readonly #ends: number[] = [];
  #last: Buffer[] = [];
  #folder: string | undefined;
  #file: FileHandle | undefined;

  async add(leaf: Buffer): Promise<void> {
    this.#last.push(leaf);
    if (this.#last.length < batchSize) return;
    if (this.#file === undefined) {
      this.#folder = await mkdtemp(join(tmpdir(), 'mintmark-leaves-'));
      this.#file = await open(join(this.#folder, 'leaves'), 'wx+', 0o600);
    }
    const bytes = writeBundle(this.#last);
    const start = this.#ends.at(-1) ?? 0;
    await this.#file.write(bytes, 0, bytes.length, start);
    this.#ends.push(start + bytes.length);
    this.#last = [];
  }

  /** All leaves in their order, in batches. */
  async *batches(): AsyncGenerator<readonly Buffer[]> {
    let start = 0;
    for (const end of this.#ends) {
      const bytes = Buffer.alloc(end - start);
      await this.#file?.read(bytes, 0, bytes.length, start);
      yield readBundle(bytes) ?? [];
      start = end;
    }
    if (this.#last.length > 0) yield this.#last;
  }

  async close(): Promise<void> {
    await this.#file?.close();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
  }
}
