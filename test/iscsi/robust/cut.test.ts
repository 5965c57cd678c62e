// Every PDU cut at every byte: the rest comes later, or never.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diskTarget, MemoryDisk, quietTarget } from '../disks.ts';
import { startTarget, type TestTarget } from '../fixture.ts';
import { Bystander, numberedDisk } from './bystander.ts';
import { isidOf, login, requests } from './conversation.ts';
import { allAccepted, eachOf, talk } from './stranger.ts';

let served: TestTarget;
let bystander: Bystander;
beforeAll(async () => {
  served = await startTarget(new MemoryDisk(1024 * 1024), {}, [[quietTarget, numberedDisk()]]);
  bystander = await Bystander.start(served.port);
});
afterAll(async () => {
  await bystander.stop();
  await served.target.close();
});

const digestKeys = { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' };
const width = 8;
/** Milliseconds; the target closes long before. */
const patience = 20_000;

/** What came back, without the session's identifiers. */
function anonymous(answer: Buffer): string {
  const known = Buffer.from(answer);
  known.fill(0, 8, 16);
  return known.toString('hex');
}

const conversation = (isid: Buffer, digests: boolean): Buffer =>
  Buffer.concat([login(isid, digests ? digestKeys : {}), ...requests(digests)]);

describe('a conversation', () => {
  test.each([
    ['without digests, at every byte', false, 1],
    ['with digests, at every fifth byte', true, 5],
  ])('is the same wherever it is cut: %s', async (_, digests, step) => {
    const reference = anonymous(await talk(served.port, [conversation(isidOf(0), digests)], patience));
    const cuts = Math.floor((conversation(isidOf(0), digests).length - 1) / step);
    const different: number[] = [];
    await eachOf(cuts, width, async (number) => {
      const cut = (number + 1) * step;
      const whole = conversation(isidOf(cut), digests);
      const answer = await talk(served.port, [whole.subarray(0, cut), whole.subarray(cut)], patience);
      if (anonymous(answer) !== reference) different.push(cut);
    });
    expect(different).toEqual([]);
    await bystander.nextRead();
  });

  test('leaves nothing behind wherever it ends', async () => {
    await eachOf(conversation(isidOf(0), false).length, width, async (cut) => {
      await talk(served.port, [conversation(isidOf(cut), false).subarray(0, cut)], 0);
    });
    await allAccepted(served.port);
    await expect.poll(() => served.target.connections, { timeout: patience }).toBe(1);
    expect(served.target.sessions().filter(({ target }) => target === diskTarget)).toEqual([]);
    await expect.poll(() => served.directory.granted).toBe(1);
    await bystander.nextRead();
  });
});
