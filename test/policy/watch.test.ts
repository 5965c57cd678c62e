// A policy file that is edited: a right edit is in force, a wrong one is told and changes nothing.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Fault } from '../../src/errors/fault.ts';
import { type Policy } from '../../src/policy/policy.ts';
import { watchPolicy } from '../../src/policy/watch.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mintmark-policy-'));
  file = join(folder, 'policy.json');
  await writeFile(file, '{"version":1,"maximumAgeDays":1}');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('an edit is followed without being asked', async () => {
  let watched: ReturnType<typeof watchPolicy> | undefined;
  const changed = new Promise<Policy>((resolve) => {
    watched = watchPolicy(file, { changed: resolve }, 10);
  });
  await writeFile(file, '{"version":1,"maximumAgeDays":22}');
  expect((await changed).document.maximumAgeDays).toBe(22);
  expect(watched?.current.document.maximumAgeDays).toBe(22);
  watched?.close();
});

test('a wrong edit, or no file, leaves the old policy in force and is told', async () => {
  const told: Fault[] = [];
  const watched = watchPolicy(file, { refused: (problem) => told.push(problem) }, 60_000);
  await writeFile(file, '{"version":1,"maximumAgeDays":"many"}');
  watched.reload();
  expect(watched.current.document.maximumAgeDays).toBe(1);
  expect(watched.problem?.details['problems']).toMatchObject([{ path: 'maximumAgeDays' }]);
  await rm(file);
  watched.reload();
  expect(watched.problem?.message).toContain('cannot be read');
  expect(watched.current.document.maximumAgeDays).toBe(1);
  expect(told).toHaveLength(2);
  await writeFile(file, '{"version":1}');
  watched.reload();
  expect(watched.problem).toBeUndefined();
  expect(watched.current.document).not.toHaveProperty('maximumAgeDays');
  watched.close();
});

test('a wrong file to begin with is refused', async () => {
  await writeFile(file, '[endorsers');
  expect(() => watchPolicy(file)).toThrow(expect.objectContaining({ code: 'policy.invalid' }));
});
