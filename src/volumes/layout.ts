// Fields of binary layouts: one description of place and width, used both to read and to write. All are little-endian.

export interface Field {
  /** Byte offset of the field in its record. */
  readonly at: number;
  get(bytes: Buffer, base: number): number;
  set(bytes: Buffer, base: number, value: number): void;
}

/** Unsigned, one byte. */
export function u8(at: number): Field {
  return {
    at,
    get: (bytes, base) => bytes.readUInt8(base + at),
    set: (bytes, base, value) => void bytes.writeUInt8(value, base + at),
  };
}

/** Unsigned, four bytes. */
export function u32(at: number): Field {
  return {
    at,
    get: (bytes, base) => bytes.readUInt32LE(base + at),
    set: (bytes, base, value) => void bytes.writeUInt32LE(value, base + at),
  };
}

/** Unsigned, eight bytes of which the upper two are zero: a JavaScript number holds every value. */
export function u48(at: number): Field {
  return {
    at,
    get: (bytes, base) => bytes.readUIntLE(base + at, 6),
    set: (bytes, base, value) => void bytes.writeUIntLE(value, base + at, 6),
  };
}
