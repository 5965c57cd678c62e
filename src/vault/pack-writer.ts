// Gathers chunks into packs and puts those that are full, a few at a time, so that memory stays bounded.
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { type Catalog } from './catalog.ts';
import { type ObjectStore } from './object-store.ts';
import { encodePack, encodings, packTargetBytes, type ChunkKind, type PackChunk } from './pack.ts';
import { packKey } from './records.ts';

const deflate = promisify(deflateRaw);
const packsInFlight = 2;
/** A compressed chunk is kept only where it saves at least an eighth. */
const worthwhile = 7 / 8;

export interface PackWriter {
  /** Whether this writer has the chunk in hand, though it is not in the store yet. */
  holds(hashHex: string): boolean;
  /** Takes the chunk over: `bytes` must not change until `done` is told, if ever. Rejects where an earlier pack could not be put. */
  add(sha256: Buffer, bytes: Buffer, kind: ChunkKind, done?: () => void): Promise<void>;
  /** Puts what is left; all chunks are in the store once this returns. */
  flush(): Promise<void>;
  /** Waits for what is in flight, whatever becomes of it. */
  settle(): Promise<void>;
  /** Names of the packs that were put, or may have been, those of an earlier time included. */
  readonly packs: readonly string[];
  /** Bytes put, indexes included. */
  readonly storedBytes: number;
}

/** Numbers that are left out after those of an earlier time: a put of then may still come to its end. */
const numbersLeftOut = 16;

const numberOf = (packName: string): number => Number.parseInt(packName.slice(24), 16);

/** `earlier` are the packs of this writer that are there from a time before it was suspended. */
export function createPackWriter(
  store: ObjectStore,
  catalog: Catalog,
  writer: string,
  compress: boolean,
  earlier: readonly string[] = [],
): PackWriter {
  const packs = [...earlier];
  let number = earlier.length === 0 ? 0 : Math.max(...earlier.map(numberOf)) + numbersLeftOut;
  const inHand = new Set<string>();
  const inFlight = new Set<Promise<void>>();
  let chunks: PackChunk[] = [];
  /** What is to be told once these chunks are in the store. */
  let released: (() => void)[] = [];
  let bytes = 0;
  let storedBytes = 0;
  let failure: { readonly error: unknown } | undefined;

  async function put(batch: readonly PackChunk[], dones: readonly (() => void)[]): Promise<void> {
    const packId = Buffer.concat([Buffer.from(writer, 'hex'), Buffer.alloc(4)]);
    packId.writeUInt32BE(number, 12);
    number += 1;
    const name = packId.toString('hex');
    packs.push(name);
    const { parts, index } = encodePack(packId, batch);
    let length = 0;
    for (const part of parts) length += part.length;
    await store.put(packKey(name), parts);
    storedBytes += length;
    catalog.add(name, length, index, writer);
    for (const { sha256 } of batch) inHand.delete(sha256.toString('hex'));
    for (const done of dones) done();
  }

  async function close(): Promise<void> {
    if (chunks.length === 0) return;
    const [batch, dones] = [chunks, released];
    chunks = [];
    released = [];
    bytes = 0;
    const run: Promise<void> = put(batch, dones)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => inFlight.delete(run));
    inFlight.add(run);
    if (inFlight.size >= packsInFlight) await Promise.race(inFlight);
  }

  async function encode(plain: Buffer): Promise<{ readonly encoding: number; readonly stored: Buffer }> {
    if (!compress) return { encoding: encodings.plain, stored: plain };
    const stored = await deflate(plain, { level: 1 });
    if (stored.length > plain.length * worthwhile) return { encoding: encodings.plain, stored: plain };
    return { encoding: encodings.deflate, stored };
  }

  return {
    packs,
    get storedBytes() {
      return storedBytes;
    },
    holds: (hashHex) => inHand.has(hashHex),
    async add(sha256, plain, kind, done) {
      inHand.add(sha256.toString('hex'));
      const { encoding, stored } = await encode(plain);
      if (done !== undefined && stored === plain) released.push(done);
      else done?.();
      chunks.push({ sha256, kind, encoding, plainBytes: plain.length, stored });
      bytes += stored.length;
      if (bytes >= packTargetBytes) await close();
      if (failure !== undefined) throw failure.error;
    },
    async flush() {
      await close();
      await Promise.all(inFlight);
      if (failure !== undefined) throw failure.error;
    },
    async settle() {
      await Promise.all(inFlight);
    },
  };
}
