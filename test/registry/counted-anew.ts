// What the index says of replaced entries, classes and endorsers, and what it should say: worked out from its entries alone.
import { sql } from 'kysely';
import { expect } from 'vitest';
import { type Database } from '../../src/db/database.ts';

const current = (status: string) =>
  sql`cast(count(*) filter (where replaced_by is null and status = ${sql.lit(status)}) as integer)`;

export async function expectRightCounts({ query }: Database): Promise<void> {
  const replaced = await sql`select e.id from entries e
    join (select id, lead(id) over (partition by identifier, email order by id) as newer from entries) as following
    on following.id = e.id where coalesce(e.replaced_by, -1) <> coalesce(following.newer, -1)`.execute(query);
  expect(replaced.rows).toEqual([]);
  const classes = await sql`select id, valid_count, expired_count, deprecated_count, all_count
    from entry_classes where all_count > 0 order by id`.execute(query);
  const counted = await sql`select class_id as id, ${current('valid')} as valid_count,
    ${current('expired')} as expired_count, ${current('deprecated')} as deprecated_count,
    cast(count(*) as integer) as all_count from entries group by class_id order by class_id`.execute(query);
  expect(classes.rows).toEqual(counted.rows);
  const endorsers = await sql`select email, first_created, last_created, entries, images
    from endorsers order by email`.execute(query);
  const endorsed = await sql`select email, min(created) as first_created, max(created) as last_created,
    cast(count(*) as integer) as entries, cast(count(distinct identifier) as integer) as images
    from entries group by email order by email`.execute(query);
  expect(endorsers.rows).toEqual(endorsed.rows);
}
