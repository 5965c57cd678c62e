// Disks whose bytes are not here yet: nothing else waits for them, and nothing of them comes out of order.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { scsiStatus } from '../../../src/iscsi/scsi/status.ts';
import { nopIn, targetOpcode, taskManagementResponse } from '../../../src/iscsi/wire/pdu.ts';
import { ColdDisk, diskTarget, type MemoryDisk } from '../disks.ts';
import { startTarget, type TestTarget } from '../fixture.ts';
import { Initiator } from '../initiator.ts';

const abortTask = 1;
const logicalUnitReset = 5;
const size = 4 * 1024 * 1024;
let running: TestTarget | undefined;
afterEach(async () => {
  await running?.target.close();
  running = undefined;
});

async function start(disk: MemoryDisk): Promise<{ served: TestTarget; initiator: Initiator }> {
  const served = await startTarget(disk);
  running = served;
  const { initiator, status } = await Initiator.login(served.port, diskTarget);
  expect(status).toBe(0);
  return { served, initiator };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn();
}

describe('while a disk is slow', () => {
  test('pings and other commands are answered, and the data comes in the end', async () => {
    const disk = new ColdDisk(size);
    disk.bytes.fill(7, 0, 4096);
    const { initiator } = await start(disk);
    const tag = initiator.read(0, 8);
    initiator.nop();
    const pong = await initiator.next();
    expect(pong.opcode).toBe(targetOpcode.nopIn);
    expect(nopIn.read(pong.header).maxCmdSn).toBeGreaterThan(2);
    initiator.command([0x00, 0, 0, 0, 0, 0]);
    expect(await initiator.status()).toMatchObject({ status: scsiStatus.good });
    disk.thaw();
    const answer = await initiator.status();
    expect(answer).toMatchObject({ tag, status: scsiStatus.good });
    expect(answer.data.equals(Buffer.alloc(4096, 7))).toBe(true);
    await initiator.end();
  });

  test('reads come back whole in whatever order the disk has them', async () => {
    const disk = new ColdDisk(size);
    for (let block = 0; block < 64; block++) disk.bytes.fill(block + 1, block * 512, (block + 1) * 512);
    const { initiator } = await start(disk);
    const tags = new Map(Array.from({ length: 64 }, (_, block) => [initiator.read(block, 1), block]));
    await until(() => disk.waiting === 64);
    for (let count = 0; count < 64; count += 1) disk.thaw(1);
    for (let count = 0; count < 64; count += 1) {
      const { tag, data } = await initiator.status();
      expect(data.equals(Buffer.alloc(512, (tags.get(tag) ?? 0) + 1))).toBe(true);
    }
    await initiator.end();
  });

  test('a read is answered BUSY after eight seconds, and its late data is dropped', async () => {
    const disk = new ColdDisk(size);
    const { served, initiator } = await start(disk);
    const tag = initiator.read(0, 8);
    await until(() => disk.waiting === 1);
    served.pass(7_900);
    served.pass(200);
    expect(await initiator.status()).toMatchObject({ tag, status: scsiStatus.busy });
    disk.thaw();
    initiator.nop();
    expect((await initiator.next()).opcode).toBe(targetOpcode.nopIn);
    await initiator.end();
  });

  test('a disk that fails is a medium error of that command alone', async () => {
    const disk = new ColdDisk(size);
    const { initiator } = await start(disk);
    initiator.read(0, 8);
    await until(() => disk.waiting === 1);
    disk.fail();
    expect(await initiator.status()).toMatchObject({ status: scsiStatus.checkCondition, sense: '3/1100' });
    initiator.command([0x00, 0, 0, 0, 0, 0]);
    expect(await initiator.status()).toMatchObject({ status: scsiStatus.good });
    await initiator.end();
  });

  test('ABORT TASK is answered at once, and the command never', async () => {
    const disk = new ColdDisk(size);
    const { initiator } = await start(disk);
    const tag = initiator.read(0, 8);
    await until(() => disk.waiting === 1);
    initiator.manage(abortTask, tag);
    expect(taskManagementResponse.read((await initiator.next()).header).response).toBe(0);
    initiator.manage(abortTask, tag);
    expect(taskManagementResponse.read((await initiator.next()).header).response).toBe(1);
    disk.thaw();
    initiator.nop();
    expect((await initiator.next()).opcode).toBe(targetOpcode.nopIn);
    await initiator.end();
  });

  test('a write that was aborted cannot undo a later one', async () => {
    const disk = new ColdDisk(size);
    const { initiator } = await start(disk);
    const early = initiator.write(0, Buffer.alloc(4096, 1));
    await until(() => disk.waiting === 1);
    initiator.manage(abortTask, early);
    await initiator.next();
    const late = initiator.write(0, Buffer.alloc(4096, 2));
    const elsewhere = initiator.write(64, Buffer.alloc(512, 3));
    await until(() => disk.waiting === 2);
    disk.thaw();
    expect(await initiator.status()).toMatchObject({ tag: elsewhere, status: scsiStatus.good });
    await until(() => disk.waiting === 1);
    disk.thaw();
    expect(await initiator.status()).toMatchObject({ tag: late, status: scsiStatus.good });
    expect(disk.bytes.subarray(0, 4096).equals(Buffer.alloc(4096, 2))).toBe(true);
    await initiator.end();
  });

  test('the grant is given back only when the disk has finished', async () => {
    const disk = new ColdDisk(size);
    const { served, initiator } = await start(disk);
    initiator.read(0, 8);
    await until(() => disk.waiting === 1);
    await initiator.end();
    await until(() => served.target.sessions().length === 0);
    expect(served.directory.granted).toBe(1);
    disk.thaw();
    await until(() => served.directory.granted === 0);
    expect(served.directory.granted).toBe(0);
  });

  test('too many bytes at once are refused with TASK SET FULL', async () => {
    const disk = new ColdDisk(size);
    const served = await startTarget(disk, { sessionBytes: 10_000 });
    running = served;
    const { initiator } = await Initiator.login(served.port, diskTarget);
    initiator.read(0, 8);
    initiator.read(8, 8);
    const third = initiator.read(16, 8);
    expect(await initiator.status()).toMatchObject({ tag: third, status: scsiStatus.taskSetFull });
    disk.thaw();
    expect(await initiator.status()).toMatchObject({ status: scsiStatus.good });
    await initiator.end();
  });

  test('a reset ends what waits, and is told to every session', async () => {
    const disk = new ColdDisk(size);
    const { served, initiator } = await start(disk);
    const { initiator: other } = await Initiator.login(served.port, diskTarget, { isid: '800000000002' });
    other.read(0, 8);
    await until(() => disk.waiting === 1);
    initiator.manage(logicalUnitReset);
    expect(taskManagementResponse.read((await initiator.next()).header).response).toBe(0);
    disk.thaw();
    for (const each of [initiator, other]) {
      each.command([0x00, 0, 0, 0, 0, 0]);
      expect(await each.status()).toMatchObject({ status: scsiStatus.checkCondition, sense: '6/2903' });
      await each.end();
    }
  });
});
