// A process of its own that uploads documents as fast as it can, and says which were acknowledged, until it is killed.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const built = (path: string): string => new URL(`../../dist/src/${path}`, import.meta.url).href;

/** What the process runs: the compiled registry, six uploads at a time, one line for each acknowledgement. */
const program = `
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '${built('db/database.js')}';
import { sendDue } from '${built('registry/confirm/outbox.js')}';
import { openRegistry } from '${built('registry/registry.js')}';
import { createVerifier } from '${built('trust/verifier.js')}';
const [location, folder, confirming] = process.argv.slice(1);
const db = await openDatabase(JSON.parse(location));
const verify = createVerifier({ acceptSelfSigned: true, now: () => new Date('2026-06-01T00:00:00Z') });
const now = () => new Date();
const rules = confirming === 'yes' ? { confirmation: { mode: 'all', hours: 24 } } : {};
const registry = openRegistry({ db, verify, now, rules });
const say = (...words) => writeSync(1, words.join(' ') + '\\n');
const files = readdirSync(folder).sort();

const links = [];
const send = ({ text }) => {
  const token = /#(\\S+)$/m.exec(text)[1];
  say('mailed', /^Image: +(\\S+)$/m.exec(text)[1] + '#' + token);
  links.push(token);
  return Promise.resolve();
};
const mails = { db, verify, now, send, randomness: randomBytes, link: (token) => 'link#' + token, site: 'test' };
/** Sends what is due; of the links that went out, every other one is left unopened. */
const mailAndConfirm = async () => {
  const { problems } = await sendDue(mails);
  if (problems.length > 0) throw problems[0];
  if (links.length < 2) return;
  const [token] = links.splice(0, 2);
  const { sha256 } = (await registry.confirmations.confirm(token)).entry;
  say('confirmed', sha256);
};

const worker = async () => {
  for (let file = files.shift(); file !== undefined; file = files.shift()) {
    const { outcome } = await registry.submit(readFileSync(join(folder, file)), {});
    say(outcome, file);
    if (confirming === 'yes') await mailAndConfirm();
  }
};
await Promise.all(Array.from({ length: 6 }, worker));
await db.close();
`;

/** One line of the process: the outcome of an upload and its file; `mailed`, an image and a token; `confirmed` and a SHA-256. */
export interface Said {
  readonly what: string;
  readonly about: string;
}

export interface UploadingProcess {
  readonly child: ChildProcess;
  readonly said: readonly Said[];
  /** Ends with the process; rejects where it failed by itself. */
  readonly ended: Promise<void>;
  /** Resolves when so many lines were said, or the process has ended. */
  reached(count: number): Promise<void>;
}

/**
 * Uploads every file of `folder` into the database at `location` (as `openDatabase` takes it); `confirming`: to a site
 * that asks for a confirmation of each, which every other endorser gives.
 */
export function startUploading(location: object, folder: string, confirming = false): UploadingProcess {
  const options = [JSON.stringify(location), folder, confirming ? 'yes' : 'no'];
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program, '--', ...options], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: Said[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let errors = '';
  child.stderr.on('data', (data: Buffer) => {
    errors += data.toString();
  });
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const [what, about] = line.split(' ');
    if (what !== undefined && about !== undefined) said.push({ what, about });
    for (const { count, resolve } of waiting) if (said.length >= count) resolve();
  });
  const end = async (): Promise<void> => {
    const [exit] = await Promise.all([once(child, 'exit'), once(lines, 'close')]);
    for (const { resolve } of waiting) resolve();
    const [code, signal] = exit as [number | null, NodeJS.Signals | null];
    if (signal === null && code !== 0) throw new Error(`the uploading process failed: ${errors}`);
  };
  return {
    child,
    said,
    ended: end(),
    reached: (count) =>
      new Promise((resolve) => {
        if (said.length >= count || child.exitCode !== null) resolve();
        else waiting.push({ count, resolve });
      }),
  };
}
