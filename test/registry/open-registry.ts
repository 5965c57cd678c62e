// A registry in memory or in a temporary folder, with a clock that the test sets.
import { openDatabase, type Database } from '../../src/db/database.ts';
import { type EntryList } from '../../src/registry/find.ts';
import { entryQuerySchema, type EntryQueryInput } from '../../src/registry/query.ts';
import { openRegistry, type Registry, type RegistryDeps } from '../../src/registry/registry.ts';
import { plainDocument, verifyPlain, type PlainEntry } from './plain-documents.ts';

export interface TestRegistry {
  readonly db: Database;
  readonly registry: Registry;
  readonly clock: { now: Date };
  readonly upload: (entry: PlainEntry) => ReturnType<Registry['accept']>;
  readonly find: (query?: EntryQueryInput) => Promise<EntryList>;
  readonly titles: (query?: EntryQueryInput) => Promise<readonly (string | undefined)[]>;
  readonly close: () => Promise<void>;
}

export function registryOver(db: Database, deps: Partial<RegistryDeps> = {}): TestRegistry {
  const clock = { now: new Date('2026-06-01T12:00:00Z') };
  const registry = openRegistry({ db, verify: verifyPlain, now: () => clock.now, ...deps });
  const find = (query: EntryQueryInput = {}) => registry.find(entryQuerySchema.parse(query));
  return {
    db,
    registry,
    clock,
    upload: (entry) => registry.accept(plainDocument(entry), { address: '192.0.2.1' }),
    find,
    titles: async (query) => (await find(query)).entries.map(({ metadata }) => metadata.title),
    close: () => db.close(),
  };
}

/** Opens an empty registry; the suites are given one for each database. */
export type OpenTestRegistry = (deps?: Partial<RegistryDeps>) => Promise<TestRegistry>;

export async function openTestRegistry(deps: Partial<RegistryDeps> = {}): Promise<TestRegistry> {
  return registryOver(await openDatabase({ file: ':memory:' }), deps);
}
