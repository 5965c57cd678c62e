// Jobs of one process, in SQLite.
import { describe, expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { freshSite, kindOf, type OpenSite } from './site.ts';
import { contractSuite } from './suites/contract.ts';
import { takeoverSuite } from './suites/takeover.ts';

const open: OpenSite = async () => {
  const db = await openDatabase({ file: ':memory:' });
  onTestFinished(() => db.close());
  return { db, queue: () => undefined };
};

describe('the queue of one process', () => {
  contractSuite(open);
});
describe('taking over', () => {
  takeoverSuite(open);
});

test('jobs that ended long ago are forgotten, those that have not are not', async () => {
  const site = await freshSite(open);
  const jobs = await site.start([kindOf(async () => undefined)], { now: () => new Date('2026-01-01T00:00:00Z') });
  const old = await jobs.wait((await jobs.submit({ kind: 'task', key: 'old' })).id);
  const waiting = await jobs.submit({ kind: 'other', key: 'never run' });
  await site.start([], { now: () => new Date('2026-01-31T00:00:01Z') });
  await expect.poll(async () => jobs.get(old.id)).toBeUndefined();
  expect(await jobs.get(waiting.id)).toMatchObject({ state: 'queued' });
});
