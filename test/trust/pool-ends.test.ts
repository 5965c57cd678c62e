// A process that ends its threads before they have answered for the first time ends as any other.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const pool = new URL('../../dist/src/trust/pool.js', import.meta.url).href;

/** The threads say that they are there while this process is held up, so it hears of it after it has ended them. */
const script = `
  const { openVerifierPool } = await import(${JSON.stringify(pool)});
  const verifiers = openVerifierPool({ acceptSelfSigned: true }, { threads: 8 });
  for (const until = performance.now() + 2500; performance.now() < until;);
  await verifiers.close();
  process.stdout.write('closed');
`;

test('closing a pool waits for its threads', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  expect(stdout).toBe('closed');
}, 60_000);
