// Logical unit numbers as PDUs carry them (SAM-5 §4.7).

/** The LUN of a PDU, or -1 where it is no single-level LUN. */
export function lunOf(buffer: Buffer, at: number): number {
  const first = buffer.readUInt16BE(at + 8);
  if (buffer.readUInt32BE(at + 10) !== 0 || buffer.readUInt16BE(at + 14) !== 0) return -1;
  if (first < 0x100) return first;
  return first >> 14 === 1 ? first & 0x3fff : -1;
}
