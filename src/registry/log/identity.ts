// The name and the key by which the world knows a log: chosen once, and the same ever after.
import { type Database } from '../../db/database.ts';
import { Fault } from '../../errors/fault.ts';
import { readState } from '../state.ts';
import { verifierOf, writeVerifier, type NoteSigner } from './note.ts';

export interface LogNames {
  /** As it was set; undefined where it was not. */
  readonly wanted: string | undefined;
  /** For a log that has none yet. */
  readonly usual: string;
}

/** `make`: a key may be made where there is none; for a log that others know already, it may not. */
export type LoadKey = (name: string, make: boolean) => Promise<NoteSigner>;

const anotherKey = (name: string): Fault =>
  new Fault('registry.log-key', `The log ${name} in this database was begun with another key than this server has`);

/**
 * The signer of this database's log, with the name that was kept, or is kept from now on. The name may change while the
 * log is empty. Of servers that begin a log at once, one gives it its key. Throws `registry.log-name` where another name is
 * wanted for a log that has decisions, and `registry.log-key` where the key is not the one it was begun with.
 */
export async function identifyLog(db: Database, names: LogNames, load: LoadKey): Promise<NoteSigner> {
  const row = { id: 1, name: names.wanted ?? names.usual, verifier: null };
  await db.query
    .insertInto('log_identity')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const kept = await db.query.selectFrom('log_identity').select(['name', 'verifier']).executeTakeFirstOrThrow();
  const { logSize } = await readState(db.query);
  const name = names.wanted ?? kept.name;
  if (name !== kept.name && logSize > 0) {
    throw new Fault('registry.log-name', `The log is called ${kept.name}, and has ${logSize} decisions`);
  }
  const signer = await load(name, kept.verifier === null && logSize === 0);
  const verifier = writeVerifier(verifierOf(signer));
  const known = writeVerifier(verifierOf({ ...signer, name: kept.name }));
  const updated = await db.query
    .updateTable('log_identity')
    .set({ name, verifier })
    .where((where) => where.or([where('verifier', 'is', null), where('verifier', 'in', [known, verifier])]))
    .returning('id')
    .executeTakeFirst();
  if (updated === undefined) throw anotherKey(kept.name);
  return signer;
}
