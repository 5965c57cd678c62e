// What a stranger may send: cut, changed and made-up bytes never hurt another connection.
import { connect } from 'node:net';
import { once } from 'node:events';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatText } from '../../../src/iscsi/login/text.ts';
import * as pdu from '../../../src/iscsi/wire/pdu.ts';
import { diskTarget, MemoryDisk } from '../disks.ts';
import { startTarget, type TestTarget } from '../fixture.ts';
import { Initiator, initiatorName } from '../initiator.ts';
import { withinTime } from '../../setup/within-time.ts';

let served: TestTarget;
beforeAll(async () => {
  served = await startTarget(new MemoryDisk(1024 * 1024));
});
afterAll(() => served.target.close());

const isid = Buffer.from('800000000099', 'hex');
const lun = Buffer.from('0001000000000000', 'hex');

function withData(header: Buffer, data: Buffer): Buffer {
  pdu.basicHeader.fields.dataSegmentLength.write(header, 0, data.length);
  return Buffer.concat([header, data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}

const login = withData(
  pdu.loginRequest.build({
    opcode: pdu.initiatorOpcode.login,
    immediate: true,
    transit: true,
    currentStage: 1,
    nextStage: 3,
    isid,
    cmdSn: 1,
  }),
  formatText([
    ['InitiatorName', initiatorName],
    ['TargetName', diskTarget],
  ]),
);

const write = (cmdSn: number): Buffer =>
  withData(
    pdu.scsiCommand.build({
      opcode: pdu.initiatorOpcode.scsiCommand,
      final: true,
      write: true,
      lun,
      initiatorTaskTag: cmdSn,
      expectedDataTransferLength: 512,
      cmdSn,
      cdb: Buffer.from('2a000000000000000100000000000000', 'hex'),
    }),
    Buffer.alloc(512, 1),
  );

const logout = pdu.logoutRequest.build({
  opcode: pdu.initiatorOpcode.logout,
  immediate: true,
  final: true,
  initiatorTaskTag: 3,
  cmdSn: 2,
});

/** Sends the pieces one by one and returns all that comes until the target, or we after a while, close. */
async function talk(pieces: readonly Buffer[], patience = 30): Promise<Buffer> {
  const socket = connect(served.port, '127.0.0.1');
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.setNoDelay(true);
  for (const piece of pieces) {
    if (socket.writable) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  }
  const timer = setTimeout(() => socket.destroy(), patience);
  if (!socket.closed) await once(socket, 'close');
  clearTimeout(timer);
  return Buffer.concat(received);
}

/** Whether a newcomer can log in and read. */
async function serves(): Promise<boolean> {
  const { initiator, status } = await Initiator.login(served.port, diskTarget, { isid: '800000000055' });
  initiator.read(0, 1);
  const answer = await initiator.status();
  await initiator.end();
  return status === 0 && answer.status === 0;
}

describe('hostile bytes', () => {
  test('a conversation that is cut at any byte is the same conversation', async () => {
    const whole = Buffer.concat([login, write(1), logout]);
    const reference = await talk([whole], 2_000);
    expect(reference.length).toBeGreaterThan(3 * 48);
    for (let cut = 1; cut < whole.length; cut += cut < 64 ? 1 : 17) {
      const answer = await talk([whole.subarray(0, cut), whole.subarray(cut)], 2_000);
      expect(answer.length).toBe(reference.length);
    }
  });

  test('a conversation that ends at any byte leaves nothing behind', async () => {
    const whole = Buffer.concat([login, write(1), write(2)]);
    for (let cut = 0; cut < whole.length; cut += 13) await talk([whole.subarray(0, cut)], 1);
    expect(await serves()).toBe(true);
    expect(served.target.sessions().length).toBeLessThanOrEqual(1);
  });

  const byte = fc.record({ at: fc.nat(1_000), value: fc.nat(255) });

  test('bytes that are changed anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(byte, { minLength: 1, maxLength: 4 }),
        withinTime(4_000, async (changes) => {
          const bytes = Buffer.concat([login, write(1), write(2), logout]);
          for (const { at, value } of changes) bytes[at % bytes.length] = value;
          await talk([bytes], 5);
        }),
      ),
      { numRuns: 300 },
    );
    expect(await serves()).toBe(true);
  });

  test('any header after a login', async () => {
    const header = fc.uint8Array({ minLength: 48, maxLength: 48 });
    const opcode = fc.constantFrom(...Object.values(pdu.initiatorOpcode));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(opcode, header, fc.boolean()), { minLength: 1, maxLength: 6 }),
        withinTime(4_000, async (all) => {
          const parts = all.map(([code, bytes, plausible]) => {
            const made = Buffer.from(bytes);
            made[0] = code | ((made[0] ?? 0) & 0x40);
            if (!plausible) return made;
            // Plausible enough to get past the framing and the sequence numbers.
            made[4] = 0;
            pdu.basicHeader.fields.dataSegmentLength.write(made, 0, 0);
            lun.copy(made, 8);
            made.writeUInt32BE(1, 24);
            return made;
          });
          await talk([login, ...parts], 5);
        }),
      ),
      { numRuns: 300 },
    );
    expect(await serves()).toBe(true);
  });

  test('any CDB is answered once', async () => {
    const { initiator } = await Initiator.login(served.port, diskTarget, { isid: '800000000056' });
    const cdb = fc.uint8Array({ minLength: 16, maxLength: 16 });
    await fc.assert(
      fc.asyncProperty(
        cdb,
        fc.nat(64),
        withinTime(4_000, async (bytes, lunNumber) => {
          // SANITIZE would keep the disk for a while, and RESERVE keep others out.
          fc.pre(![0x48, 0x16, 0x5f].includes(bytes[0] ?? 0));
          const tag = initiator.command([...bytes], { read: 65_536, lun: lunNumber % 3 });
          let answer = await initiator.next();
          while (answer.opcode === pdu.targetOpcode.dataIn && !pdu.dataIn.read(answer.header).statusPresent) {
            answer = await initiator.next();
          }
          expect(pdu.basicHeader.read(answer.header).initiatorTaskTag).toBe(tag);
        }),
      ),
      { numRuns: 2_000 },
    );
    await initiator.end();
    expect(await serves()).toBe(true);
  });

  test('many logins and logouts leave nothing behind', async () => {
    for (let count = 0; count < 300; count += 1) {
      const { initiator } = await Initiator.login(served.port, diskTarget, { isid: '800000000057' });
      initiator.logout();
      await initiator.closed;
    }
    await expect.poll(() => served.target.sessions().length).toBe(0);
    await expect.poll(() => served.directory.granted).toBe(0);
  });
});
