// Under pressure: a thousand readers at once during uploads, and a disk that fills up.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { Fault } from '../../src/errors/fault.ts';
import { openTestRegistry, registryOver } from './open-registry.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mintmark-pressure-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a thousand readers at once during uploads see whole lists', async () => {
  const subject = await openTestRegistry();
  for (let number = 0; number < 30; number += 1) await subject.upload({ image: `first ${number}`, os: 'centos' });
  const uploads = Array.from({ length: 60 }, (_, number) =>
    subject.upload({ image: `second ${number}`, os: 'debian' }),
  );
  const lists = await Promise.all(
    Array.from({ length: 1000 }, (_, number) => subject.find(number % 2 === 0 ? {} : { q: 'example', limit: 5 })),
  );
  await Promise.all(uploads);
  for (const { total, facets, entries, next } of lists) {
    expect(total).toBeGreaterThanOrEqual(30);
    expect(facets.os.reduce((sum, { count }) => sum + count, 0)).toBe(total);
    expect(entries.length === 5 || entries.length === 20).toBe(true);
    expect(next).toBeDefined();
  }
  expect((await subject.find()).total).toBe(90);
  await subject.close();
});

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
