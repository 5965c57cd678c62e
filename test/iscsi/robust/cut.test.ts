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
const patience = 60_000;

/** What came back, without the session's identifiers. */
function anonymous(answer: Buffer): string {
  const known = Buffer.from(answer);
  known.fill(0, 8, 16);
  return known.toString('hex');
}

const conversation = (isid: Buffer, digests: boolean): Buffer[] => [
  login(isid, digests ? digestKeys : {}),
  ...requests(digests),
];

/** The conversation in pieces that end at byte `at` of each PDU, of those that are so long. */
function cutAt(at: number, pdus: readonly Buffer[]): Buffer[] {
  const pieces: Buffer[] = [];
  let begun: Buffer[] = [];
  for (const pdu of pdus) {
    pieces.push(Buffer.concat([...begun, pdu.subarray(0, at)]));
    begun = [pdu.subarray(at)];
  }
  return [...pieces, ...begun];
}

describe('a conversation', () => {
  test.each([
    ['without digests, at every byte', false, 1],
    ['with digests, at every seventh byte', true, 7],
  ])('is the same wherever its PDUs are cut: %s', { timeout: patience }, async (_, digests, step) => {
    const whole = conversation(isidOf(0), digests);
    const reference = anonymous(await talk(served.port, [Buffer.concat(whole)], patience));
    const longest = Math.max(...whole.map(({ length }) => length));
    const different: number[] = [];
    await eachOf(Math.floor(longest / step), width, async (number) => {
      const at = (number + 1) * step;
      const answer = await talk(served.port, cutAt(at, conversation(isidOf(at), digests)), patience);
      if (anonymous(answer) !== reference) different.push(at);
    });
    expect(different).toEqual([]);
    await bystander.nextRead();
  });

  test('leaves nothing behind wherever it ends', { timeout: patience }, async () => {
    const { length } = Buffer.concat(conversation(isidOf(0), false));
    await eachOf(Math.ceil(length / 2), width, async (half) => {
      await talk(served.port, [Buffer.concat(conversation(isidOf(half), false)).subarray(0, 2 * half)], 0);
    });
    await allAccepted(served.port);
    await expect.poll(() => served.target.connections, { timeout: patience }).toBe(1);
    expect(served.target.sessions().filter(({ target }) => target === diskTarget)).toEqual([]);
    await expect.poll(() => served.directory.granted, { timeout: patience }).toBe(1);
    await bystander.nextRead();
  });
});
