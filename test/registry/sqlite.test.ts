// The registry on SQLite.
import { describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { openTestRegistry, registryOver } from './open-registry.ts';
import { acceptSuite } from './suites/accept.ts';
import { confirmSuite } from './suites/confirm.ts';
import { findSuite } from './suites/find.ts';
import { pagingSuite } from './suites/paging.ts';
import { plansSuite } from './suites/plans.ts';
import { queriesOf } from './suites/queries.ts';
import { reindexSuite } from './suites/reindex.ts';

test('the queries are those that were reviewed', async () => {
  const said: string[] = [];
  const subject = registryOver(await openDatabase({ file: ':memory:' }, { onQuery: (text) => said.push(text) }));
  await expect(await queriesOf(subject, said)).toMatchFileSnapshot('./golden/queries.sqlite.sql');
  await subject.close();
});

describe('accepting', () => {
  acceptSuite(openTestRegistry);
});
describe('confirming', () => {
  confirmSuite(openTestRegistry);
});
describe('finding', () => {
  findSuite(openTestRegistry);
});
describe('paging', () => {
  pagingSuite(openTestRegistry, 60);
});
describe('plans', () => {
  plansSuite(openTestRegistry, 200);
});
describe('reindexing', () => {
  reindexSuite(openTestRegistry);
});
