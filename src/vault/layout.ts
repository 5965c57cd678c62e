// Binary layouts as tables: one list of fields says how a record is read and how it is written.

/** How one field of a record looks in bytes. All numbers are little-endian. */
export interface FieldType<T> {
  readonly bytes: number;
  write(into: Buffer, at: number, value: T): void;
  read(from: Buffer, at: number): T;
}

export const u8: FieldType<number> = {
  bytes: 1,
  write: (into, at, value) => void into.writeUInt8(value, at),
  read: (from, at) => from.readUInt8(at),
};

export const u16: FieldType<number> = {
  bytes: 2,
  write: (into, at, value) => void into.writeUInt16LE(value, at),
  read: (from, at) => from.readUInt16LE(at),
};

export const u32: FieldType<number> = {
  bytes: 4,
  write: (into, at, value) => void into.writeUInt32LE(value, at),
  read: (from, at) => from.readUInt32LE(at),
};

/** 64 bits of which this program uses 53: a greater number reads as NaN, which no check of a range accepts. */
export const u53: FieldType<number> = {
  bytes: 8,
  write: (into, at, value) => void into.writeBigUInt64LE(BigInt(value), at),
  read: (from, at) => {
    const value = from.readBigUInt64LE(at);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.NaN;
  },
};

/** `length` bytes as they are. */
export function octets(length: number): FieldType<Buffer> {
  return {
    bytes: length,
    write: (into, at, value) => {
      if (value.length !== length) throw new RangeError(`a field of ${length} bytes was given ${value.length}`);
      value.copy(into, at);
    },
    read: (from, at) => Buffer.from(from.subarray(at, at + length)),
  };
}

/** Text of a fixed length in Latin-1, such as a magic number. */
export function text(length: number): FieldType<string> {
  return {
    bytes: length,
    write: (into, at, value) => void into.write(value.padEnd(length, '\0').slice(0, length), at, 'latin1'),
    read: (from, at) => from.toString('latin1', at, at + length),
  };
}

// A table holds fields of differing types, and only an unknown in both directions admits them all.
type AnyField = {
  readonly bytes: number;
  write(into: Buffer, at: number, value: never): void;
  read(from: Buffer, at: number): unknown;
};
type ValuesOf<Fields extends Record<string, AnyField>> = { [name in keyof Fields]: ReturnType<Fields[name]['read']> };

export interface Layout<Values> {
  /** Length of the record in bytes. */
  readonly bytes: number;
  /** Where each field begins and how long it is, for the documentation and its test. */
  readonly fields: readonly { readonly name: string; readonly at: number; readonly bytes: number }[];
  encode(values: Values): Buffer;
  /** Reads the record that begins at `at`. Throws a RangeError where `from` ends before the record does. */
  decode(from: Buffer, at?: number): Values;
}

/** A record whose fields follow one another without gaps, in the order of `table`. */
export function layout<Fields extends Record<string, AnyField>>(table: Fields): Layout<ValuesOf<Fields>> {
  let length = 0;
  const fields = Object.entries(table).map(([name, type]) => {
    const at = length;
    length += type.bytes;
    return { name, at, bytes: type.bytes, type };
  });
  return {
    bytes: length,
    fields: fields.map(({ name, at, bytes }) => ({ name, at, bytes })),
    encode(values) {
      const record = Buffer.alloc(length);
      for (const { name, at, type } of fields) type.write(record, at, values[name] as never);
      return record;
    },
    decode(from, at = 0) {
      if (at < 0 || at + length > from.length) throw new RangeError(`a record of ${length} bytes does not fit`);
      return Object.fromEntries(
        fields.map((field) => [field.name, field.type.read(from, at + field.at)]),
      ) as ValuesOf<Fields>;
    },
  };
}
