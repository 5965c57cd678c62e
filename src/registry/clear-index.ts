// Throws away the index as it is, for one that is made anew.
import { type Queries } from '../db/database.ts';
import { deleteAllWords } from '../db/words.ts';

/** `version`: of the index that comes. */
export async function clearIndex(queries: Queries, version: number): Promise<void> {
  await deleteAllWords(queries);
  for (const name of ['entry_details', 'entries', 'signings', 'endorsers'] as const) {
    await queries.deleteFrom(name).execute();
  }
  // Classes stay, so that their ids mean the same to every process that has them in memory.
  const none = { valid_count: 0, expired_count: 0, deprecated_count: 0, all_count: 0, version };
  await queries.updateTable('entry_classes').set(none).execute();
}
