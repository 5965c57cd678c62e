// Cuts a stream of bytes into PDUs (RFC 7143 §11.2): pull one, look at it in place, pull the next.
import { type BufferPool } from './buffer-pool.ts';
import { crc32c } from './crc32c.ts';
import { basicHeader, headerBytes } from './pdu.ts';

/** The peer broke the framing: nothing after this can be understood, and the connection ends. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
}

export interface FramingLimits {
  /** Longest data segment in bytes that a PDU may carry: what we declared as MaxRecvDataSegmentLength. */
  maxDataSegment: number;
  headerDigest: boolean;
  dataDigest: boolean;
}

const { totalAhsLength, dataSegmentLength } = basicHeader.fields;
const digestBytes = 4;
/** PDUs up to this size are put together in a buffer of their own, larger ones in a pooled buffer. */
const smallPdu = 16 * 1024;

/**
 * After `next()` returned true, the PDU lies in `buffer`: its header at `at`, its additional header segments at
 * `ahsAt`, its data segment (without padding) at `dataAt`. That holds until `next()` or `keep()` is called.
 */
export class PduReader {
  buffer: Buffer = Buffer.alloc(0);
  at = 0;
  ahsAt = 0;
  ahsLength = 0;
  dataAt = 0;
  dataLength = 0;
  /** The data segment does not match its digest. */
  dataDigestBad = false;

  readonly limits: FramingLimits;
  readonly #pool: BufferPool;
  readonly #chunks: Buffer[] = [];
  #chunk: Buffer | undefined;
  #chunkAt = 0;
  /** Bytes of a PDU that came in more than one chunk, and how many of `#needed` are there. */
  #partial: Buffer | undefined;
  #filled = 0;
  #needed = 0;
  /** The pooled buffer that the present PDU lies in. */
  #borrowed: Buffer | undefined;

  constructor(pool: BufferPool, limits: FramingLimits) {
    this.#pool = pool;
    this.limits = limits;
  }

  /** Whether bytes of an unfinished PDU are waiting for the rest. */
  get unfinished(): boolean {
    return this.#partial !== undefined;
  }

  /** Adds bytes; they are looked at where they are, so nobody may write to the chunk before `keep()`. */
  push(chunk: Buffer): void {
    if (this.#chunk === undefined) {
      this.#chunk = chunk;
      this.#chunkAt = 0;
    } else {
      this.#chunks.push(chunk);
    }
  }

  /** Copies what was pushed last and not looked at yet, so that the chunk may be overwritten. @returns whether there was any. */
  keep(): boolean {
    const chunk = this.#chunks.pop();
    if (chunk !== undefined) this.#chunks.push(Buffer.from(chunk));
    else if (this.#chunk !== undefined) {
      this.#chunk = Buffer.from(this.#chunk.subarray(this.#chunkAt));
      this.#chunkAt = 0;
    }
    return this.#chunk !== undefined;
  }

  /**
   * Moves to the next whole PDU; false where more bytes are needed.
   * @throws {FramingError} on a length beyond the limits or a wrong header digest.
   */
  next(): boolean {
    if (this.#borrowed !== undefined) {
      this.#pool.give(this.#borrowed);
      this.#borrowed = undefined;
    }
    while (this.#chunk !== undefined) {
      const chunk = this.#chunk;
      const left = chunk.length - this.#chunkAt;
      if (this.#partial !== undefined) {
        if (this.#continue(chunk, left)) return true;
        continue;
      }
      if (left >= headerBytes) {
        const total = this.#measure(chunk, this.#chunkAt);
        if (total <= left) {
          this.#locate(chunk, this.#chunkAt);
          this.#advance(total);
          return true;
        }
        this.#begin(total);
      } else if (left > 0) {
        this.#begin(headerBytes);
      } else {
        this.#advance(0);
      }
    }
    return false;
  }

  /** Gives back what it borrowed; no call may follow. */
  close(): void {
    if (this.#borrowed !== undefined) this.#pool.give(this.#borrowed);
    if (this.#partial !== undefined) this.#pool.give(this.#partial);
    this.#borrowed = undefined;
    this.#partial = undefined;
    this.#chunk = undefined;
    this.#chunks.length = 0;
  }

  #begin(total: number): Buffer {
    const partial = total > smallPdu ? this.#pool.take(total) : Buffer.allocUnsafe(total);
    this.#partial = partial;
    this.#filled = 0;
    this.#needed = total;
    return partial;
  }

  /** Fills the unfinished PDU from the chunk; true where it is whole. */
  #continue(chunk: Buffer, left: number): boolean {
    const partial = this.#partial;
    if (partial === undefined) return false;
    const count = Math.min(left, this.#needed - this.#filled);
    chunk.copy(partial, this.#filled, this.#chunkAt, this.#chunkAt + count);
    this.#filled += count;
    this.#advance(count);
    if (this.#filled < this.#needed) return false;
    if (this.#needed === headerBytes) {
      const total = this.#measure(partial, 0);
      if (total > headerBytes) {
        partial.copy(this.#begin(total), 0, 0, headerBytes);
        this.#filled = headerBytes;
        return false;
      }
    }
    this.#partial = undefined;
    if (this.#needed > smallPdu) this.#borrowed = partial;
    this.#locate(partial, 0);
    return true;
  }

  #advance(count: number): void {
    this.#chunkAt += count;
    if (this.#chunk !== undefined && this.#chunkAt >= this.#chunk.length) {
      this.#chunk = this.#chunks.shift();
      this.#chunkAt = 0;
    }
  }

  #measure(buffer: Buffer, at: number): number {
    const data = dataSegmentLength.read(buffer, at);
    if (data > this.limits.maxDataSegment) {
      throw new FramingError(`a data segment of ${data} bytes, of at most ${this.limits.maxDataSegment}`);
    }
    let total = headerBytes + totalAhsLength.read(buffer, at) * 4;
    if (this.limits.headerDigest) total += digestBytes;
    if (data > 0) {
      total += (data + 3) & ~3;
      if (this.limits.dataDigest) total += digestBytes;
    }
    return total;
  }

  #locate(buffer: Buffer, at: number): void {
    this.buffer = buffer;
    this.at = at;
    this.ahsAt = at + headerBytes;
    this.ahsLength = totalAhsLength.read(buffer, at) * 4;
    this.dataLength = dataSegmentLength.read(buffer, at);
    this.dataDigestBad = false;
    let end = this.ahsAt + this.ahsLength;
    if (this.limits.headerDigest) {
      if (crc32c(buffer, at, end) !== buffer.readUInt32LE(end)) throw new FramingError('a wrong header digest');
      end += digestBytes;
    }
    this.dataAt = end;
    if (this.limits.dataDigest && this.dataLength > 0) {
      const padded = end + ((this.dataLength + 3) & ~3);
      this.dataDigestBad = crc32c(buffer, end, padded) !== buffer.readUInt32LE(padded);
    }
  }
}
