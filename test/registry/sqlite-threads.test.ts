// The registry on SQLite as servers run it: one thread writes, others read.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { registryOver, type OpenTestRegistry } from './open-registry.ts';
import { acceptSuite } from './suites/accept.ts';
import { pagingSuite } from './suites/paging.ts';
import { plansSuite } from './suites/plans.ts';
import { reindexSuite } from './suites/reindex.ts';

let folder: string;
let opened = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mintmark-threads-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const openThreaded: OpenTestRegistry = async (deps) => {
  opened += 1;
  return registryOver(await openDatabase({ file: join(folder, `${opened}.db`), readers: 2 }), deps);
};

describe('accepting', () => {
  acceptSuite(openThreaded);
});
describe('paging', () => {
  pagingSuite(openThreaded, 5);
});
describe('plans', () => {
  plansSuite(openThreaded, 30);
});
describe('reindexing', () => {
  reindexSuite(openThreaded);
});
