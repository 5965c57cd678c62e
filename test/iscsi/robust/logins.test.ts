// Logins that never end, and very many that do. LOGINS=10000 npx vitest run test/iscsi/robust/logins.test.ts
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MemoryDisk, quietTarget } from '../disks.ts';
import { startTarget, type TestTarget } from '../fixture.ts';
import { Initiator } from '../initiator.ts';
import { Bystander, numberedDisk } from './bystander.ts';
import { isidOf, login, logout } from './conversation.ts';
import { allAccepted, eachOf, talk } from './stranger.ts';

const total = Number(process.env['LOGINS'] ?? 1_000);
const patience = 40_000 + total * 20;
const mostLogins = 64;

let served: TestTarget;
let bystander: Bystander;
beforeEach(async () => {
  const limits = { logins: mostLogins, connections: mostLogins + 8 };
  served = await startTarget(new MemoryDisk(1024 * 1024), limits, [[quietTarget, numberedDisk()]]);
  bystander = await Bystander.start(served.port);
});
afterEach(async () => {
  await bystander.stop();
  await served.target.close();
});

describe('logins that take for ever', () => {
  test('end at their deadline, however often they send another byte', async () => {
    const whole = login(isidOf(1));
    const slow = await Promise.all(Array.from({ length: mostLogins - 1 }, () => Initiator.connect(served.port)));
    await allAccepted(served.port);
    for (let sent = 0; sent < 10; sent += 1) {
      for (const { socket } of slow) socket.write(whole.subarray(sent, sent + 1));
      await bystander.nextRead();
      served.pass(1_400);
    }
    await expect.poll(() => served.target.connections, { timeout: 20_000 }).toBe(mostLogins);
    served.pass(1_400);
    await Promise.all(slow.map(({ closed }) => closed));
    expect(served.target.connections).toBe(1);
    await bystander.nextRead();
  });

  test('make room for those who log in, oldest first, and never cost a session', async () => {
    const slow: Initiator[] = [];
    for (let count = 0; count < 3 * mostLogins; count += 1) slow.push(await Initiator.connect(served.port));
    await allAccepted(served.port);
    await Promise.all(slow.slice(0, 2 * mostLogins).map(({ closed }) => closed));
    expect(slow.slice(2 * mostLogins + 1).map(({ socket }) => socket.destroyed)).not.toContain(true);
    await bystander.nextRead();
    await Promise.all(slow.map(async (each) => await each.end()));
  });
});

describe('very many logins and logouts', () => {
  test('leave no session, no handle and no memory behind', { timeout: patience }, async () => {
    const batch = Math.floor(total / 4);
    const logInAndOut = async (first: number): Promise<void> => {
      await eachOf(batch, 8, async (number) => {
        await talk(served.port, [Buffer.concat([login(isidOf(first + number)), logout(1)])], patience);
      });
      await allAccepted(served.port);
      await expect.poll(() => served.target.connections, { timeout: 20_000 }).toBe(1);
      await expect.poll(() => served.directory.granted, { timeout: 20_000 }).toBe(1);
      expect(served.target.sessions()).toHaveLength(1);
    };
    await logInAndOut(0);
    const before = usage();
    const used = [before];
    for (let round = 1; round < 4; round += 1) {
      await logInAndOut(round * batch);
      used.push(usage());
    }
    const after = used.at(-1) ?? before;
    // What leaks does so in every round; what the engine itself lays by, it lays by once.
    const growths = used.slice(1).map(({ heap }, round) => heap - (used[round]?.heap ?? 0));

    // What one session weighs, as a measure for what is too much.
    const several = await Promise.all(Array.from({ length: mostLogins }, (_, number) => session(number)));
    const weight = (usage().heap - after.heap) / mostLogins;
    await Promise.all(several.map(async (each) => await each.end()));
    expect(weight).toBeGreaterThan(0);
    expect(Math.min(...growths) / batch).toBeLessThan(weight / 4);
    expect(after.handles).toBeLessThanOrEqual(before.handles + 2);
  });
});

async function session(number: number): Promise<Initiator> {
  const { initiator } = await Initiator.login(served.port, undefined, { isid: isidOf(number).toString('hex') });
  return initiator;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function usage(): { readonly heap: number; readonly handles: number } {
  collectGarbage();
  collectGarbage();
  return { heap: process.memoryUsage().heapUsed, handles: process.getActiveResourcesInfo().length };
}
