// SIGKILL under upload load: what was acknowledged is there, in the log, and found. And in the middle of a reindex.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { surviveKillsConfirming } from './killed-confirming.ts';
import { surviveKilledReindex } from './killed-reindex.ts';
import { surviveKills } from './killed.ts';

test.each([
  ['that it acknowledged', surviveKills],
  ['while endorsers confirm: what waits can be confirmed, what was confirmed is there', surviveKillsConfirming],
])(
  'a killed registry on SQLite loses nothing %s',
  async (_what, survive) => {
    const folder = await mkdtemp(join(tmpdir(), 'mintmark-kill-db-'));
    const location = { file: join(folder, 'registry.db'), readers: 2 };
    await expect(survive(location, () => openDatabase(location))).resolves.toBeUndefined();
    await rm(folder, { recursive: true, force: true });
  },
  120_000,
);

test('a killed reindex on SQLite leaves the index as it was, and another one mends what is broken', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-kill-reindex-'));
  const location = { file: join(folder, 'registry.db'), readers: 2 };
  await expect(surviveKilledReindex(location, () => openDatabase(location))).resolves.toBeUndefined();
  await rm(folder, { recursive: true, force: true });
}, 120_000);
