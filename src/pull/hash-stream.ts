// One stream through the threads that hash: its bytes in blocks that are shared with them, used again once nobody needs them.
import { type ChecksumAlgorithm } from '../metadata/model.ts';
import { type DiskChunk } from '../vault/disk-writer.ts';
import { hashBytes } from '../vault/manifest.ts';
import { chunkBytes } from '../vault/stored-disk.ts';
import { paddedSize } from './served-image.ts';

/** Bytes that are handed to the threads at a time: whole chunks. */
export const hashBlockBytes = 4 * chunkBytes;
/** Blocks that the threads have not come to yet. */
const mostBehind = 6;

/** Lower-case hex, by algorithm. */
export type Digests = Readonly<Record<ChecksumAlgorithm, string>>;

export interface HashStream {
  /** Copies the bytes away and hashes them; waits only while the threads are behind. */
  update(bytes: Buffer): Promise<void>;
  /**
   * Copies the pieces away, hashes them, and hands them on as the chunks of a disk, with the SHA-256 of each whole one. What came before the source
   * fails is handed on too. The memory of a chunk is used again once it is said to be done.
   */
  chunks(pieces: AsyncIterable<Buffer>): AsyncGenerator<DiskChunk>;
  digests(): Promise<Digests>;
  /** Forgets the stream, once what it handed on has its SHA-256. */
  drop(): void;
}

/** What a thread answers to a block, or to the end. */
export interface HashReply {
  readonly digest?: string;
  /** SHA-256 of each whole chunk of the block, one after another. */
  readonly chunks?: Uint8Array;
}

export interface HashThreads {
  readonly threads: number;
  readonly post: (
    message:
      | { readonly block: SharedArrayBuffer; readonly bytes: number; readonly chunkBytes: number }
      | { readonly end: 'digest' | 'drop' },
  ) => void;
  /** Each thread answers in order. */
  readonly listen: (listener: (algorithm: ChecksumAlgorithm, reply: HashReply | Error) => void) => void;
  readonly forget: () => void;
}

interface Block {
  readonly shared: SharedArrayBuffer;
  readonly bytes: Buffer;
  filled: number;
  /** Threads that have not come to it yet, and chunks of it that are not done. */
  threads: number;
  holders: number;
  /** Ends the wait for the SHA-256 of its chunks. */
  settle?: (digests: Buffer | Error) => void;
}

function newBlock(): Block {
  const shared = new SharedArrayBuffer(hashBlockBytes);
  return { shared, bytes: Buffer.from(shared), filled: 0, threads: 0, holders: 0 };
}

export function createHashStream({ threads, post, listen, forget }: HashThreads): HashStream {
  const free: Block[] = [];
  /** In the order in which they were posted, from the first that a thread has not answered. */
  const posted: Block[] = [];
  let released = 0;
  const answered = new Map<ChecksumAlgorithm, number>();
  const digests = new Map<ChecksumAlgorithm, string>();
  const state: { failure?: Error; wake?: () => void; filling?: Block | undefined; dropped?: true } = {};

  function giveBack(block: Block): void {
    if (block.threads === 0 && block.holders === 0) free.push(block);
  }

  function fail(error: Error): void {
    state.failure = error;
    for (const block of posted) block.settle?.(error);
  }

  listen((algorithm, reply) => {
    if (reply instanceof Error) fail(reply);
    else if (reply.digest !== undefined) digests.set(algorithm, reply.digest);
    else {
      const number = answered.get(algorithm) ?? 0;
      answered.set(algorithm, number + 1);
      const block = posted[number - released];
      if (block !== undefined) {
        block.threads -= 1;
        if (reply.chunks !== undefined) block.settle?.(Buffer.from(reply.chunks));
      }
      for (let first = posted[0]; first?.threads === 0; first = posted[0]) {
        posted.shift();
        released += 1;
        giveBack(first);
      }
      if (state.dropped === true && posted.length === 0) forget();
    }
    state.wake?.();
  });
  const change = (): Promise<void> =>
    new Promise((resolve) => {
      state.wake = resolve;
    });

  async function emptyBlock(): Promise<Block> {
    for (;;) {
      if (state.failure !== undefined) throw state.failure;
      if (posted.length < mostBehind) break;
      await change();
    }
    const block = free.pop() ?? newBlock();
    block.filled = 0;
    return block;
  }

  function send(block: Block, ofChunks: number): void {
    block.threads = threads;
    posted.push(block);
    post({ block: block.shared, bytes: block.filled, chunkBytes: ofChunks });
  }

  /** Copies as much of the piece as fits; returns how much that was. */
  function fill(block: Block, piece: Buffer, at: number): number {
    const taken = piece.copy(block.bytes, block.filled, at);
    block.filled += taken;
    return taken;
  }

  function sendLast(): void {
    const { filling } = state;
    state.filling = undefined;
    if (filling !== undefined) send(filling, 0);
  }

  /** Posts the block and returns its chunks, the last of them padded with zeros and without its SHA-256 where it is not whole. */
  function chunksOf(block: Block, index: number): DiskChunk[] {
    if (state.failure !== undefined) throw state.failure;
    const arrived = new Promise<Buffer>((resolve, reject) => {
      block.settle = (result) => (result instanceof Error ? reject(result) : resolve(result));
    });
    arrived.catch(() => undefined);
    const chunks: DiskChunk[] = [];
    for (let at = 0; at + chunkBytes <= block.filled; at += chunkBytes) {
      const number = chunks.length * hashBytes;
      const sha256 = arrived.then((all) => all.subarray(number, number + hashBytes));
      sha256.catch(() => undefined);
      let held = true;
      const done = (): void => {
        if (!held) return;
        held = false;
        block.holders -= 1;
        giveBack(block);
      };
      chunks.push({ index: index + chunks.length, data: block.bytes.subarray(at, at + chunkBytes), sha256, done });
    }
    block.holders = chunks.length;
    const whole = chunks.length * chunkBytes;
    if (whole < block.filled) {
      const data = Buffer.alloc(paddedSize(block.filled) - whole);
      block.bytes.copy(data, 0, whole, block.filled);
      chunks.push({ index: index + chunks.length, data });
    }
    send(block, chunkBytes);
    return chunks;
  }

  return {
    async update(bytes) {
      for (let at = 0; at < bytes.length;) {
        state.filling ??= await emptyBlock();
        at += fill(state.filling, bytes, at);
        if (state.filling.filled === hashBlockBytes) sendLast();
      }
    },
    async *chunks(pieces) {
      let index = 0;
      let failure: { readonly error: unknown } | undefined;
      let block: Block | undefined;
      try {
        for await (const piece of pieces) {
          for (let at = 0; at < piece.length;) {
            block ??= await emptyBlock();
            at += fill(block, piece, at);
            if (block.filled < hashBlockBytes) continue;
            const full = block;
            block = undefined;
            yield* chunksOf(full, index);
            index += hashBlockBytes / chunkBytes;
          }
        }
      } catch (error) {
        failure = { error };
      }
      if (failure !== undefined && block !== undefined) block.filled -= block.filled % chunkBytes;
      if (block !== undefined && block.filled > 0) yield* chunksOf(block, index);
      if (failure !== undefined) throw failure.error;
    },
    async digests() {
      sendLast();
      post({ end: 'digest' });
      while (digests.size < threads && state.failure === undefined) await change();
      forget();
      if (state.failure !== undefined) throw state.failure;
      return Object.fromEntries(digests) as Digests;
    },
    drop() {
      if (state.dropped === true) return;
      state.dropped = true;
      post({ end: 'drop' });
      if (posted.length === 0 || state.failure !== undefined) forget();
    },
  };
}
