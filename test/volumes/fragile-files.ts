// Files in memory that lose their power: what was not synced is kept, dropped or torn by sector, as a dice decides.
import { basename, dirname, join } from 'node:path';
import { Fault } from '../../src/errors/fault.ts';
import { type StorageFile, type StorageFiles } from '../../src/volumes/files.ts';

const sectorBytes = 512;

/** A number in [0, 1). */
export type Dice = () => number;

/** Repeatable dice. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0 || 1;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

class Inode {
  current: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  /** Contents that each sector had since the last sync, oldest first. */
  pending = new Map<number, Buffer[]>();
  /** Pages that take space. */
  readonly pages = new Set<number>();

  resize(bytes: number): void {
    if (bytes <= this.current.length) {
      this.current = this.current.subarray(0, bytes);
      return;
    }
    const grown = Buffer.alloc(bytes);
    this.current.copy(grown);
    this.current = grown;
  }

  write(from: Buffer, at: number, length: number, position: number): void {
    if (position + length > this.current.length) this.resize(position + length);
    from.copy(this.current, position, at, at + length);
    const last = Math.floor((position + length - 1) / sectorBytes);
    for (let sector = Math.floor(position / sectorBytes); sector <= last; sector += 1) {
      const versions = this.pending.get(sector) ?? [];
      versions.push(Buffer.from(this.current.subarray(sector * sectorBytes, (sector + 1) * sectorBytes)));
      this.pending.set(sector, versions);
    }
  }

  /** What a power cut leaves: of each sector the durable content or any that it had since. */
  afterCut(dice: Dice): Buffer {
    const keepsLength = dice() < 0.7;
    const length = keepsLength ? this.current.length : Math.min(this.durable.length, this.current.length);
    const left = Buffer.alloc(length);
    this.durable.copy(left);
    const share = dice();
    for (const [sector, versions] of this.pending) {
      if (dice() < share) continue;
      const version = versions[Math.floor(dice() * versions.length)];
      if (version !== undefined && sector * sectorBytes < length) version.copy(left, sector * sectorBytes);
    }
    return left;
  }
}

class FragileFile implements StorageFile {
  readonly #inode: Inode;
  readonly #files: FragileFiles;

  constructor(inode: Inode, files: FragileFiles) {
    this.#inode = inode;
    this.#files = files;
  }

  bytes(): number {
    return this.#inode.current.length;
  }

  readSync(into: Buffer, at: number, length: number, position: number): void {
    into.fill(0, at, at + length);
    this.#inode.current.copy(into, at, position, Math.min(position + length, this.#inode.current.length));
  }

  async read(into: Buffer, at: number, length: number, position: number): Promise<void> {
    await Promise.resolve();
    this.readSync(into, at, length, position);
  }

  writeSync(from: Buffer, at: number, length: number, position: number): void {
    this.#files.step();
    const fits = this.#files.takeSpace(this.#inode, length, position);
    if (fits > 0) this.#inode.write(from, at, fits, position);
    if (fits < length) throw new Fault('volumes.full', 'No space is left.');
  }

  async punch(position: number, length: number): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    const end = Math.min(position + length, this.#inode.current.length);
    if (this.#files.hasPower && position < end) {
      this.#inode.write(Buffer.alloc(end - position), 0, end - position, position);
    }
    return true;
  }

  truncateSync(bytes: number): void {
    this.#files.step();
    this.#inode.resize(bytes);
  }

  async synchronize(): Promise<void> {
    const content = Buffer.from(this.#inode.current);
    const pending = this.#inode.pending;
    this.#inode.pending = new Map();
    // Until the sync is done, its sectors may be on the disk or not.
    this.#files.syncing.add({ inode: this.#inode, pending });
    await new Promise((resolve) => setImmediate(resolve));
    this.#files.step();
    for (const entry of this.#files.syncing) {
      if (entry.pending === pending) this.#files.syncing.delete(entry);
    }
    this.#inode.durable = content;
  }

  closeSync(): void {
    // Nothing is held.
  }
}

type Entries = Map<string, Inode>;

/** Directories hold files only; a directory itself is there once it was made. */
export class FragileFiles implements StorageFiles {
  readonly #dice: Dice;
  #entries: Entries = new Map();
  /** For each directory, what its entries were at the last sync and after each change since. */
  #histories = new Map<string, Entries[]>();
  readonly syncing = new Set<{ inode: Inode; pending: Map<number, Buffer[]> }>();
  /** Writes and syncs until the power goes; none where it stays. */
  #stepsLeft: number;

  constructor(dice: Dice, stepsLeft = Number.POSITIVE_INFINITY) {
    this.#dice = dice;
    this.#stepsLeft = stepsLeft;
  }

  /** Throws once the power is gone. */
  step(): void {
    if (this.#stepsLeft <= 0) throw new Fault('volumes.io', 'The power is gone.');
    this.#stepsLeft -= 1;
  }

  get hasPower(): boolean {
    return this.#stepsLeft > 0;
  }

  /** Pages of 4 KiB that may still be written for the first time. */
  freePages = Number.POSITIVE_INFINITY;

  /** Takes space for a write, and answers how much of it has room. */
  takeSpace(inode: Inode, length: number, position: number): number {
    for (let at = position - (position % 4096); at < position + length; at += 4096) {
      if (inode.pages.has(at)) continue;
      if (this.freePages <= 0) return Math.max(0, at - position);
      this.freePages -= 1;
      inode.pages.add(at);
    }
    return length;
  }

  /** The machine after a power cut, with its power back: `stepsLeft` until the next cut. */
  afterPowerCut(stepsLeft?: number): FragileFiles {
    const next = new FragileFiles(this.#dice, stepsLeft);
    for (const { inode, pending } of this.syncing) {
      for (const [sector, versions] of pending) {
        inode.pending.set(sector, [...versions, ...(inode.pending.get(sector) ?? [])]);
      }
    }
    for (const history of this.#histories.values()) {
      const entries = history[Math.floor(this.#dice() * history.length)] ?? new Map<string, Inode>();
      const directory = new Map<string, Inode>();
      for (const [path, inode] of entries) {
        const left = new Inode();
        left.durable = inode.afterCut(this.#dice);
        left.current = Buffer.from(left.durable);
        directory.set(path, left);
        next.#entries.set(path, left);
      }
    }
    for (const directory of this.#histories.keys()) next.#histories.set(directory, [next.#within(directory)]);
    return next;
  }

  /** The machine after `kill -9` of the process: what was written is there, synced or not. */
  afterKill(stepsLeft?: number): FragileFiles {
    const next = new FragileFiles(this.#dice, stepsLeft);
    for (const { inode, pending } of this.syncing) {
      for (const [sector, versions] of pending) {
        inode.pending.set(sector, [...versions, ...(inode.pending.get(sector) ?? [])]);
      }
    }
    next.#entries = this.#entries;
    next.#histories = this.#histories;
    return next;
  }

  #within(directory: string): Entries {
    return new Map([...this.#entries].filter(([path]) => dirname(path) === directory));
  }

  #changed(path: string): void {
    const directory = dirname(path);
    const history = this.#histories.get(directory) ?? [new Map<string, Inode>()];
    history.push(this.#within(directory));
    this.#histories.set(directory, history);
  }

  openSync(path: string, how: 'create' | 'change' | 'read'): StorageFile {
    this.step();
    const present = this.#entries.get(path);
    if ((how === 'create') === (present !== undefined)) throw new Fault('volumes.io', `${path}: ${how}`);
    const inode = present ?? new Inode();
    if (present === undefined) {
      this.#entries.set(path, inode);
      this.#changed(path);
    }
    return new FragileFile(inode, this);
  }

  async makeDirectory(path: string): Promise<void> {
    await Promise.resolve();
    this.step();
    if (!this.#histories.has(path)) this.#histories.set(path, [new Map()]);
  }

  async list(path: string): Promise<readonly string[]> {
    await Promise.resolve();
    return [...this.#within(path).keys()].map((entry) => basename(entry)).sort();
  }

  async readText(path: string): Promise<string> {
    await Promise.resolve();
    return this.#entries.get(path)?.current.toString('utf8') ?? '';
  }

  async replaceText(directory: string, name: string, text: string): Promise<void> {
    const file = this.openSync(join(directory, `${name}.tmp`), 'create');
    file.writeSync(Buffer.from(text), 0, Buffer.byteLength(text), 0);
    await file.synchronize();
    await this.rename(join(directory, `${name}.tmp`), join(directory, name));
    await this.synchronizeDirectory(directory);
  }

  async rename(from: string, to: string): Promise<void> {
    await Promise.resolve();
    this.step();
    const inode = this.#entries.get(from);
    if (inode === undefined) throw new Fault('volumes.io', `${from} is not there.`);
    this.#entries.delete(from);
    this.#entries.set(to, inode);
    this.#changed(from);
  }

  async remove(path: string): Promise<void> {
    await Promise.resolve();
    this.step();
    if (this.#entries.delete(path)) this.#changed(path);
  }

  outlive(): Promise<void> {
    return Promise.resolve();
  }

  async synchronizeDirectory(path: string): Promise<void> {
    const now = this.#within(path);
    await new Promise((resolve) => setImmediate(resolve));
    this.step();
    const history = this.#histories.get(path) ?? [];
    const at = history.findIndex(
      (entries) => entries.size === now.size && [...now].every(([k, v]) => entries.get(k) === v),
    );
    this.#histories.set(path, history.slice(Math.max(0, at)));
  }
}
