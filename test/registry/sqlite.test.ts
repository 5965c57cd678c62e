// The registry on SQLite.
import { describe } from 'vitest';
import { openTestRegistry } from './open-registry.ts';
import { acceptSuite } from './suites/accept.ts';
import { findSuite } from './suites/find.ts';
import { pagingSuite } from './suites/paging.ts';
import { reindexSuite } from './suites/reindex.ts';

describe('accepting', () => {
  acceptSuite(openTestRegistry);
});
describe('finding', () => {
  findSuite(openTestRegistry);
});
describe('paging', () => {
  pagingSuite(openTestRegistry, 60);
});
describe('reindexing', () => {
  reindexSuite(openTestRegistry);
});
