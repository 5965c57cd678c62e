// `mintmark image probe`: whether the locations of an image still serve it, said by words, as JSON and by the exit code.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launcher, mintmarkJson, run, type Ended } from './command.ts';
import { Site } from './site.ts';

const image = Buffer.alloc(100_000, 'asked for; ');
let site: Site;
let file: string;
let identifier: string;

beforeAll(async () => {
  site = await Site.open();
  file = site.path('asked.img');
  writeFileSync(file, image);
  identifier = await site.publish(file, []);
});
afterAll(() => site?.close());

const probe = (...args: readonly string[]): Promise<Ended> =>
  run(process.execPath, [launcher, 'image', 'probe', identifier, ...args], site.env);

test('a location that serves the image is good; what was found is shown with the image', async () => {
  const location = site.web.url('asked.img');
  expect(await mintmarkJson(['image', 'probe', identifier], site.env)).toMatchObject({
    locations: [{ location, state: 'good', method: 'head' }],
  });
  expect((await probe()).stdout).toMatch(new RegExp(`^location .*\\n${location} +good `, 'u'));
  expect((await run(process.execPath, [launcher, 'image', 'show', identifier], site.env)).stdout).toContain(
    `${location}  good`,
  );
});

test('one of other bytes is found by --full alone, and ends with 1', async () => {
  site.replace(file, Buffer.from(image).fill(0, 5, 6));
  expect((await probe()).code).toBe(0);
  expect(await probe('--full')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/ wrong .*SHA-1 is/u) as string,
  });
  site.replace(file, image.subarray(1));
  expect(await probe()).toMatchObject({ code: 1, stdout: expect.stringContaining('bytes long') as string });
});

test('an image that nobody endorses is an error, and the help says what it does', async () => {
  const absent = await run(process.execPath, [launcher, 'image', 'probe', 'EwZ8mfj_wbRBZ5dZJj_3JBuyZD7'], site.env);
  expect(absent).toMatchObject({ code: 5, stderr: expect.stringContaining('[registry.no-entry]') as string });
  expect((await probe('--help')).stdout).toMatch(/--full +fetch and hash every byte/u);
});
