// Who sends more than is taken has to wait: nothing is read ahead without bound.
import { EventEmitter, once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatText } from '../../../src/iscsi/login/text.ts';
import { initiatorOpcode, nopOut, noTag, targetOpcode, textRequest } from '../../../src/iscsi/wire/pdu.ts';
import { diskTarget, MemoryDisk } from '../disks.ts';
import { startTarget, type TestTarget } from '../fixture.ts';
import { Initiator } from '../initiator.ts';

const totalBacklog = 8 * 1024 * 1024;
const leastBacklog = 64 * 1024;

let served: TestTarget;
beforeEach(async () => {
  served = await startTarget(new MemoryDisk(1024 * 1024), { totalBacklog, leastBacklog });
});
afterEach(() => served.target.close());

const pings = 512;
const pingBytes = 128 * 1024;

test('an initiator that floods a session which waits is not read from, and all is answered in the end', async () => {
  const directory = new EventEmitter();
  const list = once(directory, 'answer');
  Object.assign(served.directory, { list: () => list });
  const { initiator } = await Initiator.login(served.port, diskTarget);
  const tagged = { immediate: true, final: true, targetTransferTag: noTag, cmdSn: 1 } as const;
  initiator.send(
    textRequest.build({ ...tagged, opcode: initiatorOpcode.text, initiatorTaskTag: 1 }),
    formatText([['SendTargets', '']]),
  );
  const flood = Buffer.alloc(pingBytes);
  for (let tag = 2; tag < 2 + pings; tag += 1) {
    initiator.send(nopOut.build({ ...tagged, opcode: initiatorOpcode.nopOut, initiatorTaskTag: tag }), flood);
  }
  const { initiator: other } = await Initiator.login(served.port, diskTarget, { isid: '800000000002' });
  for (let round = 0; round < 200; round += 1) {
    other.read(0, 8);
    expect(await other.status()).toMatchObject({ status: 0 });
  }
  // The sockets' buffers hold a part; most of it has not left the initiator.
  expect(initiator.socket.writableLength).toBeGreaterThan((pings * pingBytes) / 2);
  directory.emit('answer', diskTarget);
  expect((await initiator.next()).opcode).toBe(targetOpcode.textResponse);
  for (let tag = 2; tag < 2 + pings; tag += 1) {
    const { opcode, header } = await initiator.next();
    expect([opcode, nopOut.fields.initiatorTaskTag.read(header, 0)]).toEqual([targetOpcode.nopIn, tag]);
  }
  await Promise.all([initiator.end(), other.end()]);
});

test('initiators that read and do not take their data hold little between them, and get it all in the end', async () => {
  const readers = 8;
  const reads = 256;
  const blocks = 128;
  const keys = { MaxRecvDataSegmentLength: String(blocks * 512) };
  const lazy: Initiator[] = [];
  for (let number = 1; number <= readers; number += 1) {
    const isid = `80000000010${number}`;
    const { initiator } = await Initiator.login(served.port, diskTarget, { isid, keys });
    initiator.socket.pause();
    for (let count = 0; count < reads; count += 1) initiator.read(0, blocks);
    lazy.push(initiator);
  }
  const { initiator: other } = await Initiator.login(served.port, diskTarget, { isid: '800000000002' });
  for (let round = 0; round < 200; round += 1) {
    other.read(0, 8);
    expect(await other.status()).toMatchObject({ status: 0 });
  }
  // One turn's answers may go beyond: a batch of commands for each.
  expect(served.target.outgoingBytes).toBeLessThan(2 * totalBacklog);
  for (const initiator of lazy) {
    initiator.socket.resume();
    for (let count = 0; count < reads; count += 1) {
      const { status, data } = await initiator.status();
      expect([status, data.length]).toEqual([0, blocks * 512]);
    }
  }
  expect(served.target.outgoingBytes).toBe(0);
  await Promise.all([other, ...lazy].map(async (each) => await each.end()));
});
