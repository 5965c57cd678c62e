// Where each chunk lies: hash → pack, offset, length. It is made from the packs' own indexes and can be made again.
import { packEntry, type ChunkKind } from './pack.ts';
import { hashBytes } from './manifest.ts';

export interface ChunkLocation {
  /** Name of the pack, hex. */
  readonly pack: string;
  /** Number of the chunk in the pack. */
  readonly entry: number;
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  readonly encoding: number;
  readonly kind: ChunkKind;
}

export interface IndexedPack {
  readonly name: string;
  /** Bytes of the object. */
  readonly bytes: number;
  readonly entries: number;
  /** Entries as {@link packEntry} describes them. */
  readonly index: Buffer;
  /** The writer that has not committed it yet: readable by all, relied on by that writer alone. */
  writer: string | undefined;
  /** About to be collected: nobody may come to rely on it any more. */
  condemned: boolean;
  /** Numbers of the chunks that were found damaged here. */
  readonly damaged: Set<number>;
}

// A table of open addressing over numbers of packs and entries: 8 bytes for a chunk beside the 48 of its entry. A hash may
// stand in it several times, once for every copy of the chunk.
export class LocationIndex {
  readonly #packs = new Map<string, { readonly number: number; readonly pack: IndexedPack }>();
  readonly #byNumber: (IndexedPack | undefined)[] = [];
  #slots = new Uint32Array(2 * 1024);
  #used = 0;

  get chunks(): number {
    let count = 0;
    for (const { pack } of this.#packs.values()) count += pack.entries;
    return count;
  }

  /** Whether any copy of any chunk is known as damaged. */
  get hasDamage(): boolean {
    for (const { pack } of this.#packs.values()) if (pack.damaged.size > 0) return true;
    return false;
  }

  packs(): IterableIterator<IndexedPack> {
    return [...this.#packs.values()].map(({ pack }) => pack).values();
  }

  pack(name: string): IndexedPack | undefined {
    return this.#packs.get(name)?.pack;
  }

  addPack(name: string, bytes: number, index: Buffer, writer?: string): IndexedPack {
    const known = this.#packs.get(name)?.pack;
    if (known !== undefined) return known;
    const entries = index.length / packEntry.bytes;
    const pack: IndexedPack = { name, bytes, entries, index, writer, condemned: false, damaged: new Set() };
    const number = this.#byNumber.push(pack) - 1;
    this.#packs.set(name, { number, pack });
    const needed = this.#used + entries;
    if (needed * 10 > this.#capacity * 6) this.#grow(needed);
    else this.#insertAll(number, pack);
    return pack;
  }

  /** Forgets packs: they were removed. */
  removePacks(names: Iterable<string>): void {
    let removed = false;
    for (const name of names) {
      const known = this.#packs.get(name);
      if (known === undefined) continue;
      this.#packs.delete(name);
      this.#byNumber[known.number] = undefined;
      removed = true;
    }
    if (removed) this.#grow(this.chunks);
  }

  /** Every copy of the chunk. */
  *find(sha256: Buffer): Generator<{ readonly pack: IndexedPack; readonly location: ChunkLocation }> {
    const mask = this.#capacity - 1;
    for (let slot = sha256.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      const stored = this.#slots[2 * slot] ?? 0;
      if (stored === 0) return;
      const pack = this.#byNumber[stored - 1];
      const entry = this.#slots[2 * slot + 1] ?? 0;
      const at = entry * packEntry.bytes;
      if (pack === undefined || pack.index.compare(sha256, 0, hashBytes, at, at + hashBytes) !== 0) continue;
      const { offset, storedBytes, plainBytes, encoding, kind } = packEntry.decode(pack.index, at);
      yield {
        pack,
        location: { pack: pack.name, entry, offset, storedBytes, plainBytes, encoding, kind: kind as ChunkKind },
      };
    }
  }

  get #capacity(): number {
    return this.#slots.length / 2;
  }

  #grow(needed: number): void {
    let capacity = 1024;
    while (needed * 10 > capacity * 6) capacity *= 2;
    this.#slots = new Uint32Array(2 * capacity);
    this.#used = 0;
    for (const { number, pack } of this.#packs.values()) this.#insertAll(number, pack);
  }

  #insertAll(number: number, pack: IndexedPack): void {
    const mask = this.#capacity - 1;
    for (let entry = 0; entry < pack.entries; entry += 1) {
      let slot = pack.index.readUInt32LE(entry * packEntry.bytes) & mask;
      while (this.#slots[2 * slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[2 * slot] = number + 1;
      this.#slots[2 * slot + 1] = entry;
    }
    this.#used += pack.entries;
  }
}
