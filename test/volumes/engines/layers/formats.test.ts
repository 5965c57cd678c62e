// The binary formats of docs/volume-format.md: golden bytes, and readers that take no bytes for granted.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { machineFiles } from '../../../../src/volumes/files.ts';
import { blockState, BlockStates } from '../../../../src/volumes/engines/layers/block-states.ts';
import { MapFile, writeMap } from '../../../../src/volumes/engines/layers/checkpoint.ts';
import { readJournal } from '../../../../src/volumes/engines/layers/journal.ts';
import {
  decodeJournalHeader,
  decodeRecord,
  encodeJournalHeader,
  encodeMapRecord,
  encodeRecord,
  recordKind,
} from '../../../../src/volumes/engines/layers/journal-record.ts';
import { replay } from '../../../../src/volumes/engines/layers/replay.ts';
import {
  encodeResidencyHeader,
  encodeResidencyRecord,
  residencyKind,
  ResidencyJournal,
} from '../../../../src/volumes/engines/layers/residency.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'mintmark-formats-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const header = { generation: 3, firstSequence: 17, salt: 0x1234_5678_9abc };
const identity = { manifestId: '0123456789abcdef'.repeat(4), size: 1_000_448, chunkBytes: 262_144 };

/** Bytes as hex, with runs of zeros at the end left out. */
function hex(bytes: Buffer): string {
  return bytes.toString('hex');
}

function mapRecord(seed: number): Buffer {
  const bytes = Buffer.alloc(64);
  encodeMapRecord(bytes, 0, seed, 17, 5, 2, Buffer.alloc(8192, 0x41), 0, 4096);
  return bytes;
}

describe('golden bytes', () => {
  test('journal', () => {
    const { bytes, seed } = encodeJournalHeader(header);
    expect(hex(bytes)).toMatchInlineSnapshot(
      `"4d4d4a4c0100000003000000000000001100000000000000bc9a7856341200000000000000000000000000000000000000000000000000000000000087fd3f74"`,
    );
    expect(hex(mapRecord(seed))).toMatchInlineSnapshot(
      `"0100000002000000110000000000000005000000000000004034a6fe4034a6fe00000000000000000000000000000000000000000000000000000000d8bb877c"`,
    );
    const zero = Buffer.alloc(64);
    encodeRecord(zero, 0, seed, recordKind.zero, 18, 70_000, 1_000_000);
    expect(hex(zero)).toMatchInlineSnapshot(
      `"0200000040420f0012000000000000007011010000000000000000000000000000000000000000000000000000000000000000000000000000000000ef77e4da"`,
    );
  });

  test('map', async () => {
    const states = new BlockStates(() => undefined);
    states.set(65_537, 3, blockState.fresh);
    states.set(65_540, 2, blockState.zero);
    const file = machineFiles.openSync(join(folder, 'golden-map'), 'create');
    const values = { generation: 3, nextSequence: 17, salt: header.salt };
    await writeMap(file, values, 2, (page) => states.freeze()[page]);
    const bytes = Buffer.alloc(file.bytes());
    file.readSync(bytes, 0, bytes.length, 0);
    expect(bytes.length).toBe(64 + 16 + 16_384);
    expect(hex(bytes.subarray(0, 84))).toMatchInlineSnapshot(
      `"4d4d4d4d0100000003000000000000001100000000000000bc9a78563412000002000000316b6230000000000000000000000000000000000000000002399c8100000000000000000100000015a40948540a0000"`,
    );
    const read = new BlockStates((page) => MapFile.read(file).page(page));
    expect(MapFile.read(file).values).toEqual(values);
    expect([65_536, 65_537, 65_539, 65_540, 65_542].map((block) => read.get(block))).toEqual([0, 1, 1, 2, 0]);
    file.closeSync();
  });

  test('residency', () => {
    const bytes = encodeResidencyHeader(identity);
    expect(hex(bytes)).toMatchInlineSnapshot(
      `"4d4d524c0100000000440f0000000000000004000123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0000000000000000112edc68"`,
    );
    const values = { kind: residencyKind.data, chunk: 2, dataCheck: 0xdeadbeef };
    expect(hex(encodeResidencyRecord(values, bytes.readUInt32LE(60)))).toMatchInlineSnapshot(
      `"0100000002000000efbeadde477b8a78"`,
    );
  });
});

describe('readers', () => {
  test('a record reads as it was written, and not under another seed or with a bit flipped', () => {
    const { bytes, seed } = encodeJournalHeader(header);
    expect(decodeJournalHeader(bytes)).toEqual({ ...header, seed });
    const record = mapRecord(seed);
    expect(decodeRecord(record, 0, seed)).toMatchObject({ kind: recordKind.map, sequence: 17, block: 5, count: 2 });
    expect(decodeRecord(record, 0, seed + 1)).toBeUndefined();
    fc.assert(
      fc.property(fc.nat(511), (bit) => {
        const flipped = Buffer.from(record);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(decodeRecord(flipped, 0, seed)).toBeUndefined();
      }),
    );
  });

  test('no bytes after a journal header stop a start', () => {
    const { bytes, seed } = encodeJournalHeader(header);
    const path = join(folder, 'journal');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (noise, whole) => {
        writeFileSync(path, Buffer.concat([whole ? bytes : bytes.subarray(1), mapRecord(seed), noise]));
        const file = machineFiles.openSync(path, 'read');
        const journal = readJournal(file);
        file.closeSync();
        expect(journal?.records.length).toBe(whole ? 1 : undefined);
        const states = new BlockStates(() => undefined);
        replay(states, journal === undefined ? [] : [journal], 17, () => 0);
        expect(states.get(5)).toBe(blockState.inherit);
      }),
      { interruptAfterTimeLimit: 2000 },
    );
  });

  test('no bytes are taken for a map', () => {
    const path = join(folder, 'map');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (noise) => {
        writeFileSync(path, Buffer.concat([Buffer.from('MMMM\u0001\0\0\0', 'latin1'), noise]));
        const file = machineFiles.openSync(path, 'read');
        expect(() => MapFile.read(file)).toThrow('does not match its checksum');
        file.closeSync();
      }),
      { interruptAfterTimeLimit: 2000 },
    );
  });

  test('what follows the sound records of a residency journal is cut off', () => {
    const path = join(folder, 'residency');
    const head = encodeResidencyHeader(identity);
    const record = encodeResidencyRecord({ kind: residencyKind.zero, chunk: 1, dataCheck: 0 }, head.readUInt32LE(60));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (noise) => {
        writeFileSync(path, Buffer.concat([head, record, noise]));
        const file = machineFiles.openSync(path, 'change');
        const found = ResidencyJournal.read(file, identity);
        expect(found?.records).toEqual([{ kind: residencyKind.zero, chunk: 1, dataCheck: 0 }]);
        expect(file.bytes()).toBe(80);
        expect(ResidencyJournal.read(file, { ...identity, size: 512 })).toBeUndefined();
        file.closeSync();
      }),
      { interruptAfterTimeLimit: 2000 },
    );
  });
});
