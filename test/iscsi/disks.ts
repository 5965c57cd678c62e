// Disks in memory for tests: one that answers at once, and one that answers when it is told to.
import { type BlockDevice, type Extent } from '../../src/block/device.ts';
import { type LoginAnswer, type TargetDirectory } from '../../src/iscsi/directory.ts';

export class MemoryDisk implements BlockDevice {
  readonly bytes: Buffer;
  readonly readOnly = false;

  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
  }

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, into: Buffer): undefined | Promise<void> {
    this.bytes.copy(into, 0, offset, offset + into.length);
    return undefined;
  }

  write(offset: number, data: Buffer): undefined | Promise<void> {
    data.copy(this.bytes, offset);
    return undefined;
  }

  flush(): undefined {
    return undefined;
  }

  unmap(offset: number, length: number): undefined {
    this.bytes.fill(0, offset, offset + length);
  }

  writeZeroes(offset: number, length: number): undefined {
    this.bytes.fill(0, offset, offset + length);
  }

  extents(offset: number, length: number): readonly Extent[] {
    return [{ offset, length, allocation: 'data' }];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Answers nothing until `thaw`, or with an error after `fail`. */
export class ColdDisk extends MemoryDisk {
  #waiting: { readonly go: () => void; readonly stop: (error: Error) => void }[] = [];

  get waiting(): number {
    return this.#waiting.length;
  }

  override read(offset: number, into: Buffer): Promise<void> {
    return this.#later(() => super.read(offset, into));
  }

  override write(offset: number, data: Buffer): Promise<void> {
    const kept = Buffer.from(data);
    return this.#later(() => super.write(offset, kept));
  }

  /** Answers the oldest request, or all. */
  thaw(count = Infinity): void {
    for (const { go } of this.#waiting.splice(0, count)) go();
  }

  fail(): void {
    for (const { stop } of this.#waiting.splice(0)) stop(new Error('the vault is gone'));
  }

  #later(work: () => unknown): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        go: () => {
          work();
          resolve();
        },
        stop: reject,
      });
    });
  }
}

export const diskTarget = 'iqn.2026-01.org.mintmark:disk';

/** Another target beside it. */
export const quietTarget = 'iqn.2026-01.org.mintmark:quiet';

/** Serves disks to everybody, each as LUN 1 of a target, and counts the grants that are out. */
export class NamedDisks implements TargetDirectory {
  granted = 0;
  readonly #disks: ReadonlyMap<string, BlockDevice>;

  constructor(disks: ReadonlyMap<string, BlockDevice>) {
    this.#disks = disks;
  }

  list(): readonly string[] {
    return [...this.#disks.keys()];
  }

  login(target: string): LoginAnswer {
    const device = this.#disks.get(target);
    if (device === undefined) return { outcome: 'refused', reason: 'not-found' };
    this.granted += 1;
    const luns = new Map([[1, { device, identity: target, readOnly: false }]]);
    return {
      outcome: 'granted',
      grant: {
        luns,
        release: () => {
          this.granted -= 1;
        },
      },
    };
  }
}
