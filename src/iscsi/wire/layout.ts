// Binary layouts as tables: each field knows its place, and the same description reads and writes it.

/** One field of a layout. `at` is where the whole structure begins in the buffer. All numbers are big-endian. */
export interface Field<T> {
  /** First byte past the field, from the start of the structure. */
  readonly end: number;
  read(from: Buffer, at: number): T;
  write(into: Buffer, at: number, value: T): void;
}

class Unsigned8 implements Field<number> {
  readonly end: number;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
    this.end = offset + 1;
  }
  read(from: Buffer, at: number): number {
    return from[at + this.offset] ?? 0;
  }
  write(into: Buffer, at: number, value: number): void {
    into[at + this.offset] = value;
  }
}

class Unsigned16 implements Field<number> {
  readonly end: number;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
    this.end = offset + 2;
  }
  read(from: Buffer, at: number): number {
    return from.readUInt16BE(at + this.offset);
  }
  write(into: Buffer, at: number, value: number): void {
    into.writeUInt16BE(value, at + this.offset);
  }
}

class Unsigned24 implements Field<number> {
  readonly end: number;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
    this.end = offset + 3;
  }
  read(from: Buffer, at: number): number {
    return from.readUInt16BE(at + this.offset) * 256 + (from[at + this.offset + 2] ?? 0);
  }
  write(into: Buffer, at: number, value: number): void {
    into.writeUIntBE(value, at + this.offset, 3);
  }
}

class Unsigned32 implements Field<number> {
  readonly end: number;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
    this.end = offset + 4;
  }
  read(from: Buffer, at: number): number {
    return from.readUInt32BE(at + this.offset);
  }
  write(into: Buffer, at: number, value: number): void {
    into.writeUInt32BE(value >>> 0, at + this.offset);
  }
}

/** As a number: exact below 2^53, and past every disk's end above. */
class Unsigned64 implements Field<number> {
  readonly end: number;
  readonly offset: number;
  constructor(offset: number) {
    this.offset = offset;
    this.end = offset + 8;
  }
  read(from: Buffer, at: number): number {
    return from.readUInt32BE(at + this.offset) * 0x1_0000_0000 + from.readUInt32BE(at + this.offset + 4);
  }
  write(into: Buffer, at: number, value: number): void {
    into.writeUInt32BE(Math.floor(value / 0x1_0000_0000), at + this.offset);
    into.writeUInt32BE(value % 0x1_0000_0000, at + this.offset + 4);
  }
}

class Bits implements Field<number> {
  readonly end: number;
  readonly offset: number;
  readonly shift: number;
  readonly mask: number;
  constructor(offset: number, shift: number, width: number) {
    this.offset = offset;
    this.shift = shift;
    this.mask = (1 << width) - 1;
    this.end = offset + 1;
  }
  read(from: Buffer, at: number): number {
    return ((from[at + this.offset] ?? 0) >> this.shift) & this.mask;
  }
  write(into: Buffer, at: number, value: number): void {
    const others = (into[at + this.offset] ?? 0) & ~(this.mask << this.shift);
    into[at + this.offset] = others | ((value & this.mask) << this.shift);
  }
}

class Flag implements Field<boolean> {
  readonly end: number;
  readonly offset: number;
  readonly mask: number;
  constructor(offset: number, bit: number) {
    this.offset = offset;
    this.mask = 1 << bit;
    this.end = offset + 1;
  }
  read(from: Buffer, at: number): boolean {
    return ((from[at + this.offset] ?? 0) & this.mask) !== 0;
  }
  write(into: Buffer, at: number, value: boolean): void {
    const others = (into[at + this.offset] ?? 0) & ~this.mask;
    into[at + this.offset] = value ? others | this.mask : others;
  }
}

class Bytes implements Field<Buffer> {
  readonly end: number;
  readonly offset: number;
  constructor(offset: number, length: number) {
    this.offset = offset;
    this.end = offset + length;
  }
  read(from: Buffer, at: number): Buffer {
    return from.subarray(at + this.offset, at + this.end);
  }
  write(into: Buffer, at: number, value: Buffer): void {
    value.copy(into, at + this.offset, 0, this.end - this.offset);
  }
}

/** ASCII, left-aligned and padded with spaces (SPC-4 §4.4.1); longer text is cut. */
class Ascii implements Field<string> {
  readonly end: number;
  readonly offset: number;
  constructor(offset: number, length: number) {
    this.offset = offset;
    this.end = offset + length;
  }
  read(from: Buffer, at: number): string {
    return from.toString('latin1', at + this.offset, at + this.end).trimEnd();
  }
  write(into: Buffer, at: number, value: string): void {
    const length = this.end - this.offset;
    into.write(value.padEnd(length).slice(0, length), at + this.offset, 'latin1');
  }
}

export const u8 = (offset: number): Field<number> => new Unsigned8(offset);
export const u16 = (offset: number): Field<number> => new Unsigned16(offset);
export const u24 = (offset: number): Field<number> => new Unsigned24(offset);
export const u32 = (offset: number): Field<number> => new Unsigned32(offset);
export const u64 = (offset: number): Field<number> => new Unsigned64(offset);
/** `width` bits of the byte at `offset`, the lowest of them being bit `shift`. */
export const bits = (offset: number, shift: number, width: number): Field<number> => new Bits(offset, shift, width);
/** Bit `bit` (7 is the highest) of the byte at `offset`. */
export const flag = (offset: number, bit: number): Field<boolean> => new Flag(offset, bit);
export const bytes = (offset: number, length: number): Field<Buffer> => new Bytes(offset, length);
export const ascii = (offset: number, length: number): Field<string> => new Ascii(offset, length);

type Fields = Readonly<Record<string, Field<unknown>>>;
type ValueOf<F> = F extends Field<infer T> ? T : never;
export type Values<F extends Fields> = { readonly [name in keyof F]: ValueOf<F[name]> };

/** A structure of `size` bytes with named fields; bytes that no field names are zero. */
export interface Layout<F extends Fields> {
  readonly size: number;
  readonly fields: F;
  /** All fields of the structure at `at`, which must lie inside the buffer. */
  read(from: Buffer, at?: number): Values<F>;
  /** Writes the structure over zeros at `at`; fields that are left out stay zero. */
  write(into: Buffer, at: number, values: Partial<Values<F>>): void;
  /** The structure in a buffer of its own, with `extra` zero bytes after it. */
  build(values: Partial<Values<F>>, extra?: number): Buffer;
}

export function layout<F extends Fields>(size: number, fields: F): Layout<F> {
  const entries = Object.entries<Field<unknown>>(fields);
  for (const [name, field] of entries) {
    if (field.end > size) throw new RangeError(`field ${name} ends at ${field.end}, past ${size}`);
  }
  const self: Layout<F> = {
    size,
    fields,
    read(from, at = 0) {
      return Object.fromEntries(entries.map(([name, field]) => [name, field.read(from, at)])) as Values<F>;
    },
    write(into, at, values) {
      into.fill(0, at, at + size);
      const given = values as Readonly<Record<string, unknown>>;
      for (const [name, field] of entries) {
        if (given[name] !== undefined) field.write(into, at, given[name]);
      }
    },
    build(values, extra = 0) {
      const built = Buffer.alloc(size + extra);
      self.write(built, 0, values);
      return built;
    },
  };
  return self;
}
