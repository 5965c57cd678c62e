// SIGKILL under upload load: what was acknowledged is there, in the log, and found.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { surviveKillsConfirming } from './killed-confirming.ts';
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
