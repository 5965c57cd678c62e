// What SQLite and PostgreSQL spell differently: a list as one parameter. Words: words.ts.
import { sql, type Expression, type RawBuilder, type SqlBool } from 'kysely';
import { type Dialect } from './database.ts';

/** `column in (list)` with the list as one parameter, so that the text of the query does not depend on its length. */
export function inNumbers(dialect: Dialect, column: Expression<unknown>, list: readonly number[]): RawBuilder<SqlBool> {
  return dialect === 'sqlite'
    ? sql<SqlBool>`${column} in (select value from json_each(${JSON.stringify(list)}))`
    : sql<SqlBool>`${column} = any(${list}::bigint[])`;
}
