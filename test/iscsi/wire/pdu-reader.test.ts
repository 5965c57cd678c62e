// Framing: whatever way the bytes are cut, the same PDUs come out.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BufferPool } from '../../../src/iscsi/wire/buffer-pool.ts';
import { nopOut } from '../../../src/iscsi/wire/pdu.ts';
import { FramingError, PduReader } from '../../../src/iscsi/wire/pdu-reader.ts';
import { PduWriter } from '../../../src/iscsi/wire/pdu-writer.ts';

const { initiatorTaskTag } = nopOut.fields;

/** PDUs with these data segments, as our own writer lays them. */
function stream(segments: readonly Uint8Array[], headerDigest: boolean, dataDigest: boolean): Buffer {
  const parts: Buffer[] = [];
  const writer = new PduWriter(
    new BufferPool(4),
    {
      write(bytes, done) {
        parts.push(Buffer.from(bytes));
        done();
      },
    },
    () => undefined,
    { used: 0 },
  );
  writer.headerDigest = headerDigest;
  writer.dataDigest = dataDigest;
  for (const [index, segment] of segments.entries()) {
    const at = writer.reserve(segment.length);
    nopOut.write(writer.buffer, at, { final: true, initiatorTaskTag: index });
    Buffer.from(segment).copy(writer.buffer, at + writer.dataOffset);
    writer.seal(at, segment.length);
  }
  writer.flush();
  return Buffer.concat(parts);
}

function readAll(reader: PduReader): { tag: number; data: Buffer; bad: boolean }[] {
  const found = [];
  while (reader.next()) {
    found.push({
      tag: initiatorTaskTag.read(reader.buffer, reader.at),
      data: Buffer.from(reader.buffer.subarray(reader.dataAt, reader.dataAt + reader.dataLength)),
      bad: reader.dataDigestBad,
    });
  }
  return found;
}

const newReader = (headerDigest: boolean, dataDigest: boolean): PduReader =>
  new PduReader(new BufferPool(4), { maxDataSegment: 65_536, headerDigest, dataDigest });

describe('PDUs', () => {
  test('come out whole from any cuts, with and without digests', () => {
    const segments = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 });
    fc.assert(
      fc.property(
        segments,
        fc.boolean(),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 90 })),
        (data, h, d, cuts) => {
          const bytes = stream(data, h, d);
          const reader = newReader(h, d);
          const found = [];
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            if (at < bytes.length) reader.push(bytes.subarray(at, at + cut));
            at += cut;
            found.push(...readAll(reader));
          }
          expect(found).toEqual(data.map((each, tag) => ({ tag, data: Buffer.from(each), bad: false })));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('large ones come out of pooled buffers', () => {
    const data = [Buffer.alloc(40_000, 1), Buffer.alloc(50_001, 2), Buffer.alloc(3, 3)];
    const bytes = stream(data, true, true);
    const reader = newReader(true, true);
    const found = [];
    for (let at = 0; at < bytes.length; at += 16_384) {
      reader.push(bytes.subarray(at, at + 16_384));
      found.push(...readAll(reader));
    }
    expect(found.map((each) => each.data.equals(data[each.tag] ?? Buffer.alloc(0)))).toEqual([true, true, true]);
  });

  test('a wrong data digest is told, a wrong header digest ends it', () => {
    const bytes = stream([Buffer.from('abcd')], true, true);
    const spoiltData = Buffer.from(bytes);
    spoiltData[53] = 0;
    const reader = newReader(true, true);
    reader.push(spoiltData);
    expect(readAll(reader)).toMatchObject([{ bad: true }]);
    const spoiltHeader = Buffer.from(bytes);
    spoiltHeader[20] = 1;
    const other = newReader(true, true);
    other.push(spoiltHeader);
    expect(() => other.next()).toThrow(FramingError);
  });

  test('a data segment beyond the limit ends it before anything is kept', () => {
    const header = nopOut.build({ dataSegmentLength: 65_537 });
    const reader = newReader(false, false);
    reader.push(header);
    expect(() => reader.next()).toThrow(FramingError);
  });
});
