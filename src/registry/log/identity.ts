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

/**
 * The signer of this database's log, with the name that was kept, or is kept from now on. The name may change while the
 * log is empty. Throws `registry.log-name` where another one is wanted for a log that has decisions, and `registry.log-key`
 * where the key is not the one it was begun with.
 */
export async function identifyLog(
  db: Database,
  names: LogNames,
  load: (name: string) => Promise<NoteSigner>,
): Promise<NoteSigner> {
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
  const signer = await load(name);
  const sameKey = kept.verifier === null || kept.verifier === writeVerifier(verifierOf({ ...signer, name: kept.name }));
  if (!sameKey) throw new Fault('registry.log-key', 'The log of this database was begun with another key');
  await db.query
    .updateTable('log_identity')
    .set({ name, verifier: writeVerifier(verifierOf(signer)) })
    .execute();
  return signer;
}
