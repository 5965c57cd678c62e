// Fuzz against the live socket: PDUs with changed fields, and bytes of any kind, while another initiator reads on.
// For an hour: FUZZ_SECONDS=3600 npx vitest run test/iscsi/robust/fuzz.test.ts   (SEED=… runs one again)
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { targetOpcode } from '../../../src/iscsi/wire/pdu.ts';
import { withinTime } from '../../setup/within-time.ts';
import { diskTarget, MemoryDisk, quietTarget } from '../disks.ts';
import { startTarget, type TestTarget } from '../fixture.ts';
import { Initiator } from '../initiator.ts';
import { Bystander, numberedDisk } from './bystander.ts';
import { isidOf, login, requests } from './conversation.ts';
import { anyPdu } from './mutations.ts';
import { allAccepted, talk } from './stranger.ts';

/** Of the whole file. */
const seconds = Number(process.env['FUZZ_SECONDS'] ?? 6);
const parts = 4;
const milliseconds = (seconds * 1000) / parts;
const bounds = {
  numRuns: 200 * seconds,
  ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }),
};
const patience = 30_000 + seconds * 2_000;

/** All bytes that commands in progress may hold: so few that what is not given back is missed at once. */
const totalBytes = 1024 * 1024;
const spareTarget = 'iqn.2026-01.org.mintmark:spare';
/** Milliseconds that a stranger listens. */
const listening = 4;

let served: TestTarget;
let bystander: Bystander;
beforeAll(async () => {
  const spare = [spareTarget, new MemoryDisk(totalBytes)] as const;
  const limits = { totalBytes, sessionBytes: totalBytes };
  served = await startTarget(new MemoryDisk(1024 * 1024), limits, [[quietTarget, numberedDisk()], spare]);
  bystander = await Bystander.start(served.port);
});
afterAll(async () => {
  await bystander.stop();
  await served.target.close();
});

/** Nobody is left but the bystander, and not a byte of the budget is missing. */
async function expectSound(): Promise<void> {
  await allAccepted(served.port);
  await expect.poll(() => served.target.connections, { timeout: 20_000 }).toBe(1);
  await expect.poll(() => served.directory.granted, { timeout: 20_000 }).toBe(1);
  const keys = { InitialR2T: 'Yes', ImmediateData: 'No' };
  const { initiator } = await Initiator.login(served.port, spareTarget, { isid: '8000000000fd', keys });
  initiator.command([0x2a, 0, 0, 0, 0, 0, 0, 0x08, 0, 0], { write: totalBytes });
  // TASK SET FULL would be a SCSI Response.
  expect((await initiator.next()).opcode).toBe(targetOpcode.readyToTransfer);
  await initiator.end();
}

async function attack(pieces: readonly Buffer[]): Promise<void> {
  await talk(served.port, pieces, listening);
  await bystander.nextRead();
}

const isid = isidOf(1);
const keys = fc.constantFrom(
  {},
  { InitialR2T: 'No', ImmediateData: 'Yes', FirstBurstLength: '512' },
  { InitialR2T: 'Yes', ImmediateData: 'No', MaxBurstLength: '512', MaxRecvDataSegmentLength: '512' },
  { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' },
  { MaxOutstandingR2T: '8', MaxBurstLength: '1024' },
);

describe('a stranger who sends', () => {
  test('valid PDUs with changed fields', { timeout: patience }, async () => {
    await fc.assert(
      fc.asyncProperty(
        keys,
        fc.array(anyPdu, { minLength: 1, maxLength: 12 }),
        withinTime(milliseconds, async (agreed, shapes) => {
          let cmdSn = 1;
          const bytes = shapes.map((shape) => {
            const built = shape.build(cmdSn);
            if (built.usesCmdSn) cmdSn += 1;
            return built.bytes;
          });
          await attack([login(isid, agreed), Buffer.concat(bytes)]);
        }),
      ),
      bounds,
    );
    await expectSound();
  });

  test('a login of any keys and stages', { timeout: patience }, async () => {
    const name = fc.constantFrom(
      'TargetName',
      'AuthMethod',
      'CHAP_A',
      'CHAP_N',
      'CHAP_R',
      'SessionType',
      'MaxBurstLength',
    );
    const value = fc.oneof(
      fc.constantFrom('CHAP', 'None', '5,7', '0x00', 'Discovery', '1', '-1', '0xffffffffff'),
      fc.string(),
    );
    const text = fc.dictionary(name, value, { maxKeys: 5 });
    const stages = fc.record({ flags: fc.nat(255), tsih: fc.constantFrom(0, 1, 0xffff) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(text, stages), { minLength: 1, maxLength: 4 }),
        withinTime(milliseconds, async (steps) => {
          const pieces = steps.map(([pairs, { flags, tsih }]) => {
            const bytes = login(isid, pairs);
            bytes.writeUInt8(flags, 1);
            bytes.writeUInt16BE(tsih, 14);
            return bytes;
          });
          await attack(pieces);
        }),
      ),
      bounds,
    );
    await expectSound();
  });

  test('a conversation with bytes changed anywhere', { timeout: patience }, async () => {
    const change = fc.record({ at: fc.nat(5_000), value: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(change, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        withinTime(milliseconds, async (changes, digests) => {
          const begin = login(isid, digests ? { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' } : {});
          const bytes = Buffer.concat([begin, ...requests(digests)]);
          for (const { at, value } of changes) bytes.writeUInt8(value, at % bytes.length);
          await attack([bytes]);
        }),
      ),
      bounds,
    );
    await expectSound();
  });

  test('bytes of any kind, before a login and after it', { timeout: patience }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 4_096 }),
        fc.boolean(),
        withinTime(milliseconds, async (bytes, loggedIn) => {
          await attack(loggedIn ? [login(isid), Buffer.from(bytes)] : [Buffer.from(bytes)]);
        }),
      ),
      bounds,
    );
    await expectSound();
  });
});

describe('an initiator', () => {
  test('gets one answer to a read that takes many Data-In PDUs', async () => {
    const { initiator } = await Initiator.login(served.port, diskTarget, { isid: '8000000000fb' });
    const read6 = [0x08, 0, 0, 0, 0, 0];
    for (let turn = 0; turn < 2; turn += 1) {
      const tag = initiator.command(read6, { read: 65_536 });
      expect(await initiator.status()).toMatchObject({ tag, status: 0, data: { length: 65_536 } });
    }
    await initiator.end();
  });

  test('gets one answer to any CDB', { timeout: patience }, async () => {
    const { initiator } = await Initiator.login(served.port, diskTarget, { isid: '8000000000fc' });
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.nat(64),
        withinTime(milliseconds, async (bytes, lunNumber) => {
          const tag = initiator.command([...bytes], { read: 65_536, lun: lunNumber % 3 });
          expect((await initiator.status()).tag).toBe(tag);
        }),
      ),
      bounds,
    );
    await initiator.end();
    await expectSound();
  });
});
