// The formats to the byte: golden objects, the tables of docs/vault-format.md, and parsers that bear any bytes.
import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/errors/fault.ts';
import { layout, octets, text, u16, u32, u53, u8, type Layout } from '../../src/vault/layout.ts';
import { decodeManifest, encodeManifest, manifestHeader, sha256Of } from '../../src/vault/manifest.ts';
import {
  checkPackIndex,
  chunkKinds,
  decodePackTrailer,
  encodePack,
  packEntry,
  packHeader,
  packTrailer,
} from '../../src/vault/pack.ts';
import { imageRecord } from '../../src/vault/records.ts';
import { openRecord, sealRecord } from '../../src/vault/sealed-record.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { identifierOf, imageOf } from './fresh-vault.ts';

const bytesOf = (...parts: readonly string[]): Buffer => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');
const packId = bytesOf('000102030405060708090a0b 00000007');
const plain = Buffer.from('plants and animals');
const sha256 = sha256Of(plain);
const goldenPack = bytesOf(
  '4d4d5041434b0d0a 01000000 00000000',
  plain.toString('hex'),
  sha256.toString('hex'),
  '10000000 12000000 12000000 00 00 0000',
  '4d504b45 01000000 01000000 22000000 000102030405060708090a0b00000007',
);

describe('a pack', () => {
  const { parts, index } = encodePack(packId, [
    { sha256, kind: chunkKinds.data, encoding: 0, plainBytes: plain.length, stored: plain },
  ]);
  const pack = Buffer.concat(parts);

  test('is, byte for byte, what docs/vault-format.md says', () => {
    expect(pack.subarray(0, -32).toString('hex')).toBe(goldenPack.toString('hex'));
    expect(pack.subarray(-32).equals(sha256Of(pack.subarray(16 + plain.length, -32)))).toBe(true);
    expect(sha256Of(pack).toString('hex')).toMatchInlineSnapshot(
      `"6dc9cfe2835cedabfd76d8c36e1287e4b495ea45c6b21d17c18bb7497887048b"`,
    );
  });

  test('reads as it was written', () => {
    expect(decodePackTrailer(pack, pack.length, 'x')).toEqual({ packId, entries: 1, indexOffset: 34, indexBytes: 48 });
    expect(() => checkPackIndex(index, pack, 'x')).not.toThrow();
  });

  test('damaged anywhere behind its chunks, is refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 34, max: pack.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const copy = Buffer.from(pack);
        copy[at] = (copy[at] ?? 0) ^ flip;
        expect(() => {
          const trailer = decodePackTrailer(copy, copy.length, 'x');
          checkPackIndex(copy.subarray(trailer.indexOffset, trailer.indexOffset + trailer.indexBytes), copy, 'x');
        }).toThrow(Fault);
      }),
    );
  });

  test('of any bytes at all is refused or read, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const noise = Buffer.from(bytes);
        expect(() => decodePackTrailer(noise, noise.length, 'x')).toThrow(Fault);
      }),
      { interruptAfterTimeLimit: 1000 },
    );
  });
});

describe('a manifest', () => {
  const leaves = Buffer.alloc(32, 0xab);
  const golden = bytesOf(
    '4d4d4449534b0d0a 01000000 00000000 0002040000000000 00000400 00040000 01000000 00000000',
    '00'.repeat(32),
    'ab'.repeat(32),
  );

  test('is, byte for byte, what docs/vault-format.md says', () => {
    const root = encodeManifest({ size: chunkBytes + 512, leaves });
    expect(root.toString('hex')).toBe(golden.toString('hex'));
    expect(sha256Of(root).toString('hex')).toMatchInlineSnapshot(
      `"f78bda983d1591231655976354adc364577003f563100035e9d130f854ad7fa0"`,
    );
    expect(decodeManifest(golden, 'x')).toEqual({ size: chunkBytes + 512, leaves });
  });

  test('of any bytes at all, or with any byte changed, is refused or read, and nothing else', () => {
    fc.assert(
      fc.property(fc.nat(golden.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }), (at, change) => {
        const copy = Buffer.from(golden);
        copy.set(change.subarray(0, copy.length - at), at);
        try {
          expect(decodeManifest(copy, 'x').leaves).toHaveLength(32);
        } catch (error) {
          if (!(error instanceof Fault)) throw error;
        }
      }),
      { interruptAfterTimeLimit: 1000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => decodeManifest(Buffer.from(bytes), 'x')).toThrow(Fault);
      }),
      { interruptAfterTimeLimit: 1000 },
    );
  });
});

describe('a record', () => {
  const image = {
    format: 'mintmark-image',
    version: 1,
    ...imageOf(identifierOf(1), 'ab'.repeat(32), plain),
    writer: 'cd'.repeat(12),
  };
  test('is a line of JSON and its checksum', () => {
    const [line = '', checksum, end] = sealRecord(image).toString().split('\n');
    expect(JSON.parse(line)).toEqual(image);
    expect([checksum, end]).toEqual([sha256Of(Buffer.from(line)).toString('hex'), '']);
    expect(openRecord(sealRecord(image), imageRecord, 'x')).toEqual(image);
  });

  test('changed anywhere is refused', () => {
    const sealed = sealRecord(image);
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const copy = Buffer.from(sealed);
        copy[at] = (copy[at] ?? 0) ^ flip;
        expect(() => openRecord(copy, imageRecord, 'x')).toThrow(Fault);
      }),
    );
  });
});

test('a layout reads what it wrote, whatever the values', () => {
  const record = layout({ a: u8, b: u16, c: u32, d: u53, e: octets(5), f: text(3) });
  fc.assert(
    fc.property(
      fc.record({
        a: fc.integer({ min: 0, max: 0xff }),
        b: fc.integer({ min: 0, max: 0xffff }),
        c: fc.integer({ min: 0, max: 0xffffffff }),
        d: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
        e: fc.uint8Array({ minLength: 5, maxLength: 5 }).map((bytes) => Buffer.from(bytes)),
        f: fc.constantFrom('abc', 'xyz'),
      }),
      (values) => {
        expect(record.decode(record.encode(values))).toEqual(values);
      },
    ),
  );
  expect(() => record.decode(Buffer.alloc(record.bytes - 1))).toThrow(RangeError);
});

test('docs/vault-format.md lists every field where the code has it', async () => {
  const page = await readFile('docs/vault-format.md', 'utf8');
  const tables: readonly Layout<never>[] = [packHeader, packEntry, packTrailer, manifestHeader] as never;
  for (const { fields } of tables) {
    for (const { name, at, bytes } of fields)
      expect(page).toMatch(new RegExp(`\\| ${at} +\\| ${bytes} +\\| ${name} +\\|`));
  }
});
