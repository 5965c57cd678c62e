// Large buffers that connections borrow while bytes are on their way, so that idle connections hold none.

/** Bytes of one pooled buffer. */
export const pooledBytes = 512 * 1024;

export class BufferPool {
  readonly #free: Buffer[] = [];
  readonly #keep: number;

  /** @param keep how many free buffers are kept for later. */
  constructor(keep: number) {
    this.#keep = keep;
  }

  /** A buffer of at least `bytes` bytes, with whatever it held before. */
  take(bytes: number): Buffer {
    if (bytes > pooledBytes) return Buffer.allocUnsafeSlow(bytes);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(pooledBytes);
  }

  /** Gives back what nobody reads or writes any more. */
  give(buffer: Buffer): void {
    if (buffer.length === pooledBytes && this.#free.length < this.#keep) this.#free.push(buffer);
  }
}
