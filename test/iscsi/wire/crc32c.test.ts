// CRC32C against the examples of RFC 7143 appendix A.4 and a slow definition of the same.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { crc32c } from '../../../src/iscsi/wire/crc32c.ts';

function slowly(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

const onWire = (bytes: Buffer): string => {
  const digest = Buffer.alloc(4);
  digest.writeUInt32LE(crc32c(bytes));
  return digest.toString('hex');
};

test('the examples of RFC 7143', () => {
  expect(onWire(Buffer.alloc(32))).toBe('aa36918a');
  expect(onWire(Buffer.alloc(32, 0xff))).toBe('43aba862');
  expect(onWire(Buffer.from(Array.from({ length: 32 }, (_, index) => index)))).toBe('4e79dd46');
  expect(onWire(Buffer.from(Array.from({ length: 32 }, (_, index) => 31 - index)))).toBe('5cdb3f11');
});

test('any bytes, from any start to any end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(40), fc.nat(40), (bytes, skip, cut) => {
      const start = Math.min(skip, bytes.length);
      const end = Math.max(start, bytes.length - cut);
      expect(crc32c(bytes, start, end)).toBe(slowly(bytes.subarray(start, end)));
    }),
  );
});
