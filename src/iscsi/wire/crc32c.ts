// CRC32C (Castagnoli), the digest of iSCSI (RFC 7143 §13.1), eight bytes a step.

const polynomial = 0x82f63b78;

function makeTables(): Uint32Array {
  const tables = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ polynomial : value >>> 1;
    tables[byte] = value;
  }
  for (let byte = 0; byte < 256; byte++) {
    let value = tables[byte] ?? 0;
    for (let table = 1; table < 8; table++) {
      value = (value >>> 8) ^ (tables[value & 0xff] ?? 0);
      tables[table * 256 + byte] = value;
    }
  }
  return tables;
}

const tables = makeTables();

/** The CRC32C of bytes [start, end), as an unsigned 32-bit number. On the wire it goes little-endian (RFC 7143 §13.1). */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const table = tables;
  let crc = 0xffffffff | 0;
  let at = start;
  // Indices below are always inside, so `as number` costs nothing where `?? 0` would cost a branch per byte.
  for (const wide = end - 7; at < wide; at += 8) {
    const low =
      crc ^
      ((bytes[at] as number) |
        ((bytes[at + 1] as number) << 8) |
        ((bytes[at + 2] as number) << 16) |
        ((bytes[at + 3] as number) << 24));
    crc =
      (table[1792 + (low & 0xff)] as number) ^
      (table[1536 + ((low >>> 8) & 0xff)] as number) ^
      (table[1280 + ((low >>> 16) & 0xff)] as number) ^
      (table[1024 + (low >>> 24)] as number) ^
      (table[768 + (bytes[at + 4] as number)] as number) ^
      (table[512 + (bytes[at + 5] as number)] as number) ^
      (table[256 + (bytes[at + 6] as number)] as number) ^
      (table[bytes[at + 7] as number] as number);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return ~crc >>> 0;
}
