// One connection to SQLite in a thread of its own. Plain JavaScript: a worker is loaded as it lies.
import { parentPort, workerData } from 'node:worker_threads';
import SqliteConnection from 'better-sqlite3';

/** Statements that are kept; the one that was not used for longest goes first. */
const kept = 256;

const connection = new SqliteConnection(workerData.file);
for (const pragma of workerData.pragmas) connection.pragma(pragma);
const statements = new Map();

function prepare(wanted) {
  // SQLite takes a transaction back by itself where the disk is full: that it cannot be taken back twice must not hide why.
  const text = wanted === 'rollback' && !connection.inTransaction ? 'select 1' : wanted;
  const statement = statements.get(text) ?? connection.prepare(text);
  statements.delete(text);
  statements.set(text, statement);
  if (statements.size > kept) statements.delete(statements.keys().next().value);
  return statement;
}

/** Bytes lose their class on the way here. */
const bound = (value) =>
  value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.length) : value;

function run(text, parameters) {
  const statement = prepare(text);
  const values = parameters.map(bound);
  if (statement.reader) return { rows: statement.all(values) };
  const { changes, lastInsertRowid } = statement.run(values);
  return { rows: [], changes, insertId: lastInsertRowid };
}

parentPort.on('message', ({ text, parameters }) => {
  if (text === undefined) {
    connection.close();
    parentPort.postMessage({ rows: [] }, []);
    parentPort.close();
    return;
  }
  let answer;
  try {
    answer = run(text, parameters);
  } catch (error) {
    answer = { message: error.message, code: error.code };
  }
  parentPort.postMessage(answer, []);
});
