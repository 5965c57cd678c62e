// Lays outgoing PDUs one behind the other in a borrowed buffer and hands them to the socket in one write.
import { type BufferPool } from './buffer-pool.ts';
import { crc32c } from './crc32c.ts';
import { basicHeader, headerBytes } from './pdu.ts';

const { dataSegmentLength } = basicHeader.fields;

/** A borrowed buffer, and how many writes and pending reads still need its bytes. */
interface Slab {
  readonly buffer: Buffer;
  users: number;
  readonly release: () => void;
}

/** A region of a slab that a PDU was reserved in, for a device that fills it later. */
export interface HeldRegion {
  readonly buffer: Buffer;
  /** Where the PDU's header begins. */
  readonly at: number;
  readonly length: number;
  readonly slab: Slab;
}

export interface ByteSink {
  write(bytes: Buffer, done: () => void): void;
}

/**
 * `reserve(n)` makes room for a PDU with n bytes of data and returns where its header begins in `buffer`; the header
 * is zeroed. Then the caller fills header and data, and calls `seal(at, n)`, or `hold(at, n)` where the data comes
 * later. `flush()` sends everything that is sealed.
 */
export class PduWriter {
  buffer: Buffer = Buffer.alloc(0);
  headerDigest = false;
  dataDigest = false;
  /** Bytes given to the socket that it has not sent yet. */
  backlog = 0;

  readonly #pool: BufferPool;
  readonly #sink: ByteSink;
  readonly #onSent: () => void;
  readonly #outgoing: { used: number };
  #slab: Slab | undefined;
  #start = 0;
  #end = 0;

  /**
   * @param onSent is called each time the socket has taken bytes over.
   * @param outgoing the backlogs of all writers together.
   */
  constructor(pool: BufferPool, sink: ByteSink, onSent: () => void, outgoing: { used: number }) {
    this.#outgoing = outgoing;
    this.#pool = pool;
    this.#sink = sink;
    this.#onSent = onSent;
  }

  /** Where the data segment begins, from the header's start. */
  get dataOffset(): number {
    return this.headerDigest ? headerBytes + 4 : headerBytes;
  }

  reserve(dataBytes: number): number {
    const needed = this.#sizeOf(dataBytes);
    if (this.#slab === undefined || this.#end + needed > this.#slab.buffer.length) this.#takeSlab(needed);
    const at = this.#end;
    this.#end += needed;
    this.buffer.fill(0, at, at + headerBytes);
    return at;
  }

  /** Completes the PDU at `at`: data segment length, padding and digests. */
  seal(at: number, dataBytes: number): void {
    this.#complete(this.buffer, at, dataBytes);
  }

  /** Takes back the last reserved PDU. */
  cancel(at: number): void {
    this.#end = at;
  }

  /** Takes the last reserved PDU out of the stream; what is before it stays. Its bytes are left alone until `sendHeld` or `drop`. */
  hold(at: number, dataBytes: number): HeldRegion {
    const slab = this.#slab;
    if (slab === undefined) throw new RangeError('nothing is reserved');
    const region: HeldRegion = { buffer: this.buffer, at, length: dataBytes, slab };
    const end = this.#end;
    this.#end = at;
    this.flush();
    slab.users += 1;
    this.#slab = slab;
    this.buffer = slab.buffer;
    this.#start = end;
    this.#end = end;
    return region;
  }

  /** Completes and sends a held PDU after all that is sealed. */
  sendHeld(region: HeldRegion): void {
    this.flush();
    this.#complete(region.buffer, region.at, region.length);
    region.slab.users -= 1;
    this.#send(region.slab, region.at, region.at + this.#sizeOf(region.length));
  }

  /** Gives up a held PDU, once nobody writes to its region any more. */
  drop(region: HeldRegion): void {
    region.slab.release();
  }

  flush(): void {
    const slab = this.#slab;
    if (slab === undefined || this.#end === this.#start) return;
    const start = this.#start;
    this.#start = this.#end;
    this.#send(slab, start, this.#end);
  }

  /** Lets go of the buffer; no call may follow but `drop`. */
  close(): void {
    const slab = this.#slab;
    this.#slab = undefined;
    if (slab !== undefined && slab.users === 0) this.#pool.give(slab.buffer);
  }

  #sizeOf(dataBytes: number): number {
    let size = this.dataOffset;
    if (dataBytes > 0) {
      size += (dataBytes + 3) & ~3;
      if (this.dataDigest) size += 4;
    }
    return size;
  }

  #complete(buffer: Buffer, at: number, dataBytes: number): void {
    dataSegmentLength.write(buffer, at, dataBytes);
    if (this.headerDigest) {
      buffer.writeUInt32LE(crc32c(buffer, at, at + headerBytes), at + headerBytes);
    }
    if (dataBytes === 0) return;
    const dataAt = at + this.dataOffset;
    const padded = dataAt + ((dataBytes + 3) & ~3);
    if (padded !== dataAt + dataBytes) buffer.fill(0, dataAt + dataBytes, padded);
    if (this.dataDigest) buffer.writeUInt32LE(crc32c(buffer, dataAt, padded), padded);
  }

  #takeSlab(needed: number): void {
    this.flush();
    const old = this.#slab;
    this.#slab = undefined;
    if (old !== undefined && old.users === 0) this.#pool.give(old.buffer);
    const buffer = this.#pool.take(needed);
    const slab: Slab = {
      buffer,
      users: 0,
      release: () => {
        slab.users -= 1;
        if (slab.users > 0) return;
        if (this.#slab !== slab) {
          this.#pool.give(buffer);
        } else if (this.#start === this.#end) {
          // All was sent: an idle connection holds no buffer.
          this.#slab = undefined;
          this.#pool.give(buffer);
        }
      },
    };
    this.#slab = slab;
    this.buffer = buffer;
    this.#start = 0;
    this.#end = 0;
  }

  #send(slab: Slab, start: number, end: number): void {
    slab.users += 1;
    this.backlog += end - start;
    this.#outgoing.used += end - start;
    this.#sink.write(slab.buffer.subarray(start, end), () => {
      this.backlog -= end - start;
      this.#outgoing.used -= end - start;
      slab.release();
      this.#onSent();
    });
  }
}
