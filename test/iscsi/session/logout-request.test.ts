// A disk is detached, or the target stops: initiators are asked to log out first (RFC 7143 §11.9.1).
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scsiStatus } from '../../../src/iscsi/scsi/status.ts';
import { asyncMessage, targetOpcode } from '../../../src/iscsi/wire/pdu.ts';
import { diskTarget, MemoryDisk } from '../disks.ts';
import { startTarget, type TestTarget } from '../fixture.ts';
import { Initiator } from '../initiator.ts';

const requestLogout = 1;
const dropsSession = 3;

let served: TestTarget;
let initiator: Initiator;
beforeEach(async () => {
  served = await startTarget(new MemoryDisk(1024 * 1024), { logoutMilliseconds: 2_000 });
  ({ initiator } = await Initiator.login(served.port, diskTarget));
});
afterEach(async () => {
  await initiator.end();
  await served.target.close();
});

async function expectEvent(asyncEvent: number): Promise<ReturnType<typeof asyncMessage.read>> {
  const { opcode, header } = await initiator.next();
  expect(opcode).toBe(targetOpcode.asyncMessage);
  const message = asyncMessage.read(header);
  expect(message.asyncEvent).toBe(asyncEvent);
  return message;
}

describe('an initiator whose disk is detached', () => {
  test('is asked to log out, is served until it does, and its grant is given back', async () => {
    const ended = served.target.endSessions(diskTarget);
    const { parameter3, initiatorTaskTag } = await expectEvent(requestLogout);
    expect({ parameter3, initiatorTaskTag }).toEqual({ parameter3: 2, initiatorTaskTag: 0xffffffff });
    initiator.read(0, 8);
    expect(await initiator.status()).toMatchObject({ status: scsiStatus.good });
    expect(served.directory.granted).toBe(1);
    initiator.logout();
    expect((await initiator.next()).opcode).toBe(targetOpcode.logoutResponse);
    await ended;
    expect(served.directory.granted).toBe(0);
    await initiator.closed;
  });

  test('is told that its session ends where it does not', async () => {
    const ended = served.target.endSessions(diskTarget);
    await expectEvent(requestLogout);
    served.pass(1_999);
    initiator.read(0, 8);
    expect(await initiator.status()).toMatchObject({ status: scsiStatus.good });
    served.pass(1);
    expect(await expectEvent(dropsSession)).toMatchObject({ parameter2: 2, parameter3: 0 });
    await Promise.all([ended, initiator.closed]);
    expect(served.directory.granted).toBe(0);
  });

  test('is asked once, however often it is detached', async () => {
    const ended = [served.target.endSessions(diskTarget), served.target.endSessions(diskTarget)];
    await expectEvent(requestLogout);
    initiator.logout();
    expect((await initiator.next()).opcode).toBe(targetOpcode.logoutResponse);
    await Promise.all(ended);
  });
});

describe('a target that stops', () => {
  test('lets nobody in any more, and waits for its initiators to leave', async () => {
    const closed = served.target.close();
    await expectEvent(requestLogout);
    await expect(Initiator.connect(served.port)).rejects.toThrow('ECONNREFUSED');
    initiator.logout();
    await Promise.all([closed, initiator.closed]);
    expect(served.directory.granted).toBe(0);
  });

  test('does not wait for who has not logged in, or does not log out', async () => {
    const stranger = await Initiator.connect(served.port);
    await expect.poll(() => served.target.connections, { timeout: 20_000 }).toBe(2);
    const closed = served.target.close();
    await expectEvent(requestLogout);
    await stranger.closed;
    served.pass(2_000);
    await Promise.all([closed, initiator.closed]);
  });
});
