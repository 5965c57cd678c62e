// Brings the tables of a database up to date, one numbered migration after the other, each once.
import { Migrator, sql, type Migration } from 'kysely';
import { Fault } from '../errors/fault.ts';
import { type Database, type Dialect } from './database.ts';
import { registryTables } from './migrations/0001-registry.ts';
import { mirrorTables } from './migrations/0002-mirrors.ts';
import { logIdentityTables } from './migrations/0003-log-identity.ts';
import { jobTables } from './migrations/0004-jobs.ts';
import { confirmationTables } from './migrations/0005-confirmation.ts';
import { mailTimes } from './migrations/0006-mail-times.ts';
import { signingTables } from './migrations/0007-signings.ts';
import { tagIndexes } from './migrations/0008-tags.ts';
import { wordBeginnings } from './migrations/0009-beginnings.ts';

/** In the order of their names. A released migration never changes: add another one. */
const migrations: Readonly<Record<string, (dialect: Dialect) => readonly string[]>> = {
  '0001-registry': registryTables,
  '0002-mirrors': mirrorTables,
  '0003-log-identity': logIdentityTables,
  '0004-jobs': jobTables,
  '0005-confirmation': confirmationTables,
  '0006-mail-times': mailTimes,
  '0007-signings': signingTables,
  '0008-tags': tagIndexes,
  '0009-beginnings': wordBeginnings,
};

function asMigration(statements: readonly string[]): Migration {
  return {
    async up(queries) {
      for (const statement of statements) await sql.raw(statement).execute(queries);
    },
  };
}

/** Runs the migrations that this database has not seen. Throws `db.migration` where one fails; it is then undone. */
export async function migrate({ query, dialect }: Pick<Database, 'query' | 'dialect'>): Promise<void> {
  const migrator = new Migrator({
    db: query,
    provider: {
      getMigrations: () =>
        Promise.resolve(
          Object.fromEntries(
            Object.entries(migrations).map(([name, statements]) => [name, asMigration(statements(dialect))]),
          ),
        ),
    },
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error === undefined) return;
  const failed = results?.find((result) => result.status === 'Error')?.migrationName;
  throw new Fault('db.migration', `The tables of the database cannot be brought up to date (${failed ?? 'at start'})`, {
    cause: error,
  });
}
