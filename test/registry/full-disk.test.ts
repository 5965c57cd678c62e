// A disk that fills up.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { Fault } from '../../src/errors/fault.ts';
import { registryOver } from './open-registry.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mintmark-pressure-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a full disk refuses uploads, loses nothing, and is over when there is room again', async () => {
  const subject = registryOver(await openDatabase({ file: join(folder, 'registry.db') }));
  const pages = async (): Promise<number> => {
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(subject.db.query);
    return rows[0]?.page_count ?? 0;
  };
  await subject.upload({ image: 'image 0' });
  // SQLite itself says that the disk is full when the file may not grow.
  await sql.raw(`pragma max_page_count = ${(await pages()) + 30}`).execute(subject.db.query);
  const failureOf = (number: number): Promise<unknown> =>
    subject.upload({ image: `image ${number}`, description: 'x'.repeat(3000) }).then(
      () => undefined,
      (error: unknown) => error,
    );
  let kept = 1;
  let refused = await failureOf(kept);
  for (; refused === undefined && kept < 500; refused = await failureOf(kept)) kept += 1;
  expect(refused).toBeInstanceOf(Fault);
  expect(refused).toMatchObject({ code: 'db.full' });
  expect((await subject.find({ status: 'all' })).total).toBe(kept);
  expect((await subject.find({ q: 'example' })).total).toBe(kept);
  await sql.raw('pragma max_page_count = 100000').execute(subject.db.query);
  expect((await subject.upload({ image: `image ${kept}` })).outcome).toBe('created');
  const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(subject.db.query);
  expect(rows).toEqual([{ integrity_check: 'ok' }]);
  expect((await subject.registry.reindex()).entries).toBe(kept + 1);
  await subject.close();
});
