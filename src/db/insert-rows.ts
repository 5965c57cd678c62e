// Many rows in few statements: what a statement costs beside its rows is then paid once for many of them.
import { type Insertable } from 'kysely';
import { type Queries } from './database.ts';
import { type Tables } from './tables.ts';

/** Rows of one statement: databases allow some 32,000 parameters, and the longest row has ten. */
const together = 200;

/** Inserts rows in their order; there may be none. */
export async function insertRows<Name extends keyof Tables>(
  queries: Queries,
  table: Name,
  rows: readonly Insertable<Tables[Name]>[],
): Promise<void> {
  for (let first = 0; first < rows.length; first += together) {
    await queries
      .insertInto(table)
      .values(rows.slice(first, first + together))
      .execute();
  }
}
