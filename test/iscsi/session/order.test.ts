// ORDERED and HEAD OF QUEUE commands (SAM-5 §8) on a disk that takes its time.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scsiStatus } from '../../../src/iscsi/scsi/status.ts';
import { readyToTransfer, targetOpcode, taskManagementResponse } from '../../../src/iscsi/wire/pdu.ts';
import { ColdDisk, diskTarget } from '../disks.ts';
import { startTarget, type TestTarget } from '../fixture.ts';
import { Initiator } from '../initiator.ts';

const ordered = 2;
const headOfQueue = 3;
const abortTask = 1;

let disk: ColdDisk;
let served: TestTarget;
let initiator: Initiator;
beforeEach(async () => {
  disk = new ColdDisk(1024 * 1024);
  served = await startTarget(disk);
  ({ initiator } = await Initiator.login(served.port, diskTarget));
});
afterEach(async () => {
  await initiator.end();
  disk.thaw();
  await served.target.close();
});

/** The target has seen all that was sent: it answers a ping. */
async function seen(by = initiator): Promise<void> {
  by.nop();
  expect((await by.next()).opcode).toBe(targetOpcode.nopIn);
}

const block = (value: number): Buffer => Buffer.alloc(4096, value);

describe('ORDERED', () => {
  test('waits for what came before, and what comes after waits for it', async () => {
    const first = initiator.write(0, block(1));
    const between = initiator.write(0, block(2), ordered);
    const last = initiator.read(0, 8);
    await seen();
    expect(disk.waiting).toBe(1);
    let answer: { readonly tag: number; readonly data: Buffer } = { tag: 0, data: Buffer.alloc(0) };
    for (const tag of [first, between, last]) {
      await seen();
      expect(disk.waiting).toBe(1);
      disk.thaw(1);
      answer = await initiator.status();
      expect(answer).toMatchObject({ tag, status: scsiStatus.good });
    }
    expect(answer.data.equals(block(2))).toBe(true);
  });

  test('a read, and a write whose data is asked for, keep their place too', async () => {
    const first = initiator.write(0, block(1));
    const readTag = initiator.read(0, 8, ordered);
    const writeTag = initiator.command([0x2a, 0, 0, 0, 0, 0, 0, 0, 8, 0], { write: 4096, attributes: ordered });
    const asked = await initiator.next();
    expect(asked.opcode).toBe(targetOpcode.readyToTransfer);
    initiator.dataOut(writeTag, readyToTransfer.read(asked.header).targetTransferTag, block(3));
    await seen();
    expect(disk.waiting).toBe(1);
    disk.thaw(1);
    expect(await initiator.status()).toMatchObject({ tag: first });
    await seen();
    disk.thaw(1);
    const answer = await initiator.status();
    expect(answer.tag).toBe(readTag);
    expect(answer.data.equals(block(1))).toBe(true);
    await seen();
    disk.thaw(1);
    expect(await initiator.status()).toMatchObject({ tag: writeTag, status: scsiStatus.good });
  });

  test('holds for the commands of every session of the disk', async () => {
    const { initiator: other } = await Initiator.login(served.port, diskTarget, { isid: '800000000002' });
    const theirs = other.write(0, block(1));
    await seen(other);
    const ours = initiator.read(0, 8, ordered);
    await seen();
    expect(disk.waiting).toBe(1);
    disk.thaw(1);
    expect(await other.status()).toMatchObject({ tag: theirs });
    await seen();
    disk.thaw(1);
    const answer = await initiator.status();
    expect(answer.tag).toBe(ours);
    expect(answer.data.equals(block(1))).toBe(true);
    await other.end();
  });

  test('a write that is aborted before its turn is never done', async () => {
    const first = initiator.write(0, block(1));
    const second = initiator.write(0, block(2), ordered);
    await seen();
    initiator.manage(abortTask, second);
    expect(taskManagementResponse.read((await initiator.next()).header).response).toBe(0);
    disk.thaw();
    expect(await initiator.status()).toMatchObject({ tag: first });
    await seen();
    expect(disk.waiting).toBe(0);
    expect(disk.bytes.subarray(0, 4096).equals(block(1))).toBe(true);
  });

  test('who waits too long is answered BUSY like every other', async () => {
    initiator.write(0, block(1));
    const second = initiator.read(0, 8, ordered);
    await seen();
    served.pass(8_001);
    const answers = [await initiator.status(), await initiator.status()];
    expect(answers.map(({ status }) => status)).toEqual([scsiStatus.busy, scsiStatus.busy]);
    expect(answers.map(({ tag }) => tag)).toContain(second);
  });
});

describe('HEAD OF QUEUE', () => {
  test('passes those that wait, and what comes after it waits', async () => {
    initiator.write(0, block(1));
    initiator.write(0, block(2), ordered);
    const urgent = initiator.read(64, 8, headOfQueue);
    initiator.read(0, 8);
    await seen();
    // The first write and the urgent read.
    expect(disk.waiting).toBe(2);
    disk.thaw(1);
    await initiator.status();
    await seen();
    expect(disk.waiting).toBe(1);
    disk.thaw(1);
    expect(await initiator.status()).toMatchObject({ tag: urgent });
    while (disk.waiting === 0) await nextTurn();
    disk.thaw();
    await initiator.status();
    while (disk.waiting === 0) await nextTurn();
    disk.thaw();
    expect((await initiator.status()).data.equals(block(2))).toBe(true);
  });
});
