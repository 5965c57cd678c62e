// Sessions as a whole: one per initiator port, limits in time, discovery, and what is left behind.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loginStatus } from '../../../src/iscsi/login/status.ts';
import { formatText, parseText } from '../../../src/iscsi/login/text.ts';
import {
  initiatorOpcode,
  logoutResponse,
  noTag,
  readyToTransfer,
  reject,
  rejectReason,
  scsiResponse,
  targetOpcode,
  textRequest,
  scsiCommand,
} from '../../../src/iscsi/wire/pdu.ts';
import { scsiStatus } from '../../../src/iscsi/scsi/status.ts';
import { diskTarget, MemoryDisk } from '../disks.ts';
import { startTarget, type TestTarget } from '../fixture.ts';
import { Initiator } from '../initiator.ts';

let served: TestTarget;
let disk: MemoryDisk;
beforeEach(async () => {
  disk = new MemoryDisk(1024 * 1024);
  served = await startTarget(disk);
});
afterEach(() => served.target.close());

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

describe('sessions', () => {
  test('a login of the same initiator port replaces its old session', async () => {
    const first = await Initiator.login(served.port, diskTarget);
    const second = await Initiator.login(served.port, diskTarget);
    await first.initiator.closed;
    expect(second.status).toBe(0);
    second.initiator.read(0, 1);
    expect(await second.initiator.status()).toMatchObject({ status: scsiStatus.good });
    await until(() => served.directory.granted === 1);
    expect(served.target.sessions()).toHaveLength(1);
    await second.initiator.end();
  });

  test('a second connection of a session is one too many, and an unknown session does not exist', async () => {
    const first = await Initiator.login(served.port, diskTarget);
    const more = await Initiator.login(served.port, diskTarget, { tsih: first.tsih, cid: 2 });
    expect(more.status).toBe(loginStatus.tooManyConnections);
    const unknown = await Initiator.login(served.port, diskTarget, { tsih: first.tsih + 1 });
    expect(unknown.status).toBe(loginStatus.sessionDoesNotExist);
    const same = await Initiator.login(served.port, diskTarget, { tsih: first.tsih });
    expect(same).toMatchObject({ status: 0, tsih: first.tsih });
    await Promise.all([more, unknown, same].map(({ initiator }) => initiator.end()));
    await until(() => served.directory.granted === 0);
  });

  test('a logout is answered and closes the connection', async () => {
    const { initiator } = await Initiator.login(served.port, diskTarget);
    initiator.logout();
    const answer = await initiator.next();
    expect(answer.opcode).toBe(targetOpcode.logoutResponse);
    expect(logoutResponse.read(answer.header).response).toBe(0);
    await initiator.closed;
    await until(() => served.directory.granted === 0);
  });

  test('an unknown target is not found', async () => {
    const { status, initiator } = await Initiator.login(served.port, 'iqn.2026-01.org.mintmark:other');
    expect(status).toBe(loginStatus.targetNotFound);
    await initiator.closed;
  });

  test('a discovery session lists targets and nothing more', async () => {
    const { initiator, status } = await Initiator.login(served.port, undefined);
    expect(status).toBe(0);
    initiator.send(
      textRequest.build({
        opcode: initiatorOpcode.text,
        immediate: true,
        final: true,
        initiatorTaskTag: 9,
        targetTransferTag: noTag,
        cmdSn: 1,
      }),
      formatText([['SendTargets', 'All']]),
    );
    const answer = await initiator.next();
    expect(Object.fromEntries(parseText(answer.data))).toEqual({
      TargetName: diskTarget,
      TargetAddress: `127.0.0.1:${served.port},1`,
    });
    initiator.read(0, 1);
    const refused = await initiator.next();
    expect(reject.read(refused.header).reason).toBe(rejectReason.commandNotSupported);
    await initiator.end();
  });

  test('the administrator can end the sessions of a target', async () => {
    const { initiator } = await Initiator.login(served.port, diskTarget);
    await served.target.endSessions(diskTarget);
    await initiator.closed;
    expect(served.directory.granted).toBe(0);
  });
});

describe('time', () => {
  test('who does not log in is dropped', async () => {
    const silent = await Initiator.connect(served.port);
    const slow = await Initiator.connect(served.port);
    slow.socket.write(Buffer.of(0x43));
    await nextTurn();
    const { initiator } = await Initiator.login(served.port, diskTarget);
    served.pass(15_001);
    await Promise.all([silent.closed, slow.closed]);
    initiator.read(0, 1);
    expect(await initiator.status()).toMatchObject({ status: scsiStatus.good });
    await initiator.end();
  });

  test('who is silent is pinged, and dropped where no answer comes', async () => {
    const { initiator } = await Initiator.login(served.port, diskTarget);
    served.pass(30_001);
    expect((await initiator.next()).opcode).toBe(targetOpcode.nopIn);
    served.pass(30_001);
    await initiator.closed;
    await until(() => served.directory.granted === 0);
    expect(served.directory.granted).toBe(0);
  });

  test('who owes the data of a write is dropped', async () => {
    const { initiator } = await Initiator.login(served.port, diskTarget);
    initiator.command([0x2a, 0, 0, 0, 0, 0, 0, 0, 8, 0], { write: 4096 });
    expect((await initiator.next()).opcode).toBe(targetOpcode.readyToTransfer);
    served.pass(29_000);
    initiator.nop();
    await initiator.next();
    served.pass(29_000);
    initiator.nop();
    await initiator.next();
    served.pass(29_000);
    await initiator.closed;
  });
});

describe('data from the initiator', () => {
  const burst = 65_536;

  test('a large write is asked for in bursts and lands where it belongs', async () => {
    const keys = { InitialR2T: 'Yes', ImmediateData: 'No', MaxBurstLength: String(burst), MaxOutstandingR2T: '2' };
    const { initiator } = await Initiator.login(served.port, diskTarget, { keys });
    const data = Buffer.from(Array.from({ length: 5 * burst - 512 }, (_, index) => (index * 7) & 0xff));
    const blocks = data.length / 512;
    const tag = initiator.command([0x2a, 0, 0, 0, 0, 16, 0, blocks >> 8, blocks & 0xff, 0], { write: data.length });
    for (let asked = 0; asked < data.length;) {
      const { opcode, header } = await initiator.next();
      expect(opcode).toBe(targetOpcode.readyToTransfer);
      const { targetTransferTag, bufferOffset, desiredLength } = readyToTransfer.read(header);
      expect(bufferOffset).toBe(asked);
      const part = data.subarray(bufferOffset, bufferOffset + desiredLength);
      initiator.dataOut(tag, targetTransferTag, part, bufferOffset, 10_000);
      asked += desiredLength;
    }
    expect(await initiator.status()).toMatchObject({ tag, status: scsiStatus.good });
    expect(disk.bytes.subarray(8192, 8192 + data.length).equals(data)).toBe(true);
    await initiator.end();
  });

  test('unsolicited data after the command is taken, up to the first burst', async () => {
    const keys = { InitialR2T: 'No', ImmediateData: 'Yes', FirstBurstLength: '4096' };
    const { initiator } = await Initiator.login(served.port, diskTarget, { keys });
    const data = Buffer.alloc(8192, 0x5a);
    const lun = Buffer.alloc(8);
    lun.writeUInt8(1, 1);
    initiator.send(
      scsiCommand.build({
        opcode: initiatorOpcode.scsiCommand,
        write: true,
        lun,
        initiatorTaskTag: 77,
        expectedDataTransferLength: data.length,
        cmdSn: initiator.cmdSn,
        cdb: Buffer.from([0x2a, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0]),
      }),
      data.subarray(0, 1024),
    );
    initiator.dataOut(77, noTag, data.subarray(1024, 4096), 1024, 1024);
    const { opcode, header } = await initiator.next();
    expect(opcode).toBe(targetOpcode.readyToTransfer);
    const r2t = readyToTransfer.read(header);
    expect(r2t).toMatchObject({ bufferOffset: 4096, desiredLength: 4096 });
    initiator.dataOut(77, r2t.targetTransferTag, data.subarray(4096), 4096, 4096);
    expect(await initiator.status()).toMatchObject({ tag: 77, status: scsiStatus.good });
    expect(disk.bytes.subarray(0, 8192).equals(data)).toBe(true);
    await initiator.end();
  });

  test('less announced than the command takes: whole blocks are written, and the rest is residual', async () => {
    const { initiator } = await Initiator.login(served.port, diskTarget);
    initiator.command([0x2a, 0, 0, 0, 0, 0, 0, 0, 4, 0], { write: 1024, data: Buffer.alloc(1024, 9) });
    const { header } = await initiator.next();
    expect(scsiResponse.read(header)).toMatchObject({ status: 0, overflow: true, residualCount: 1024 });
    expect(disk.bytes.subarray(0, 2048).equals(Buffer.concat([Buffer.alloc(1024, 9), Buffer.alloc(1024)]))).toBe(true);
    await initiator.end();
  });
});
