// What must hold after a registry was killed while endorsers confirm by e-mail, whichever database is behind it.
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Database } from '../../src/db/database.ts';
import { sendDue } from '../../src/registry/confirm/outbox.ts';
import { createVerifier } from '../../src/trust/verifier.ts';
import { checkAll } from './killed.ts';
import { registryOver } from './open-registry.ts';
import { endorserNamed, signedDocument } from './signed-documents.ts';
import { startUploading, type Said } from './uploading-process.ts';

const endorsers = 25;
/** As many as may wait for one address at once, or fewer. */
const each = 4;
const kills = 3;

const now = (): Date => new Date('2026-06-01T00:00:00Z');
const verify = createVerifier({ acceptSelfSigned: true, now });
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** What was acknowledged, over all rounds. */
interface Promised {
  /** SHA-256 of documents that wait, or did, and their files. */
  readonly waiting: Map<string, string>;
  readonly confirmed: Set<string>;
  /** Of each link that was mailed, its token and the image that it is about. */
  readonly tokens: Map<string, string>;
}

async function note({ waiting, confirmed, tokens }: Promised, uploads: string, said: readonly Said[]): Promise<void> {
  for (const { what, about } of said) {
    const [image, token] = about.split('#');
    if (image !== undefined && token !== undefined) tokens.set(token, image);
    else if (what === 'confirmed') confirmed.add(about);
    else waiting.set(sha256(await readFile(join(uploads, about))), about);
  }
}

/** Nothing that was acknowledged is gone, and nothing is there by half: a document waits or is published, whole. */
async function checkWaiting(db: Database, uploads: string, { waiting, confirmed, tokens }: Promised): Promise<void> {
  const files = new Set([...confirmed].map((hash) => waiting.get(hash) ?? 'confirmed, and never uploaded'));
  const published = new Map((await checkAll(db, uploads, files)).map((row) => [row.sha256, row.id]));
  const pending = await db.query.selectFrom('pending_documents').select(['sha256', 'identifier', 'bytes']).execute();
  expect(pending.filter(({ bytes, sha256: hash }) => sha256(bytes) !== hash)).toEqual([]);
  const pendingHashes = new Set(pending.map((row) => row.sha256));
  expect([...pendingHashes].filter((hash) => published.has(hash))).toEqual([]);
  expect([...waiting.keys()].filter((hash) => !pendingHashes.has(hash) && !published.has(hash))).toEqual([]);
  // Before each leaf that publishes is the one that confirms, and there are no others.
  const leaves = await db.query.selectFrom('log_leaves').select(['seq', 'leaf']).orderBy('seq').execute();
  const decisions = leaves.map(({ leaf }) => JSON.parse(leaf.toString()) as { decision: string; sha256: string });
  expect(decisions.map(({ decision, sha256: hash }) => [decision, hash])).toEqual(
    [...published].flatMap(([hash]) => [
      ['confirmed', hash],
      ['accepted', hash],
    ]),
  );
  // Whoever waits was mailed, or will be; a link that was mailed is good as long as its document waits.
  const [mailed, outbox] = await Promise.all([
    db.query.selectFrom('confirmation_tokens').select(['hash', 'sha256']).execute(),
    db.query.selectFrom('outbox').select('sha256').execute(),
  ]);
  const reachable = new Set([...mailed, ...outbox].map((row) => row.sha256));
  expect([...pendingHashes].filter((hash) => !reachable.has(hash))).toEqual([]);
  const good = new Set(mailed.map(({ hash }) => hash));
  const waitingImages = new Set(pending.map(({ identifier }) => identifier));
  const dead = [...tokens].filter(
    ([token, image]) => waitingImages.has(image) && !good.has(sha256(Buffer.from(token))),
  );
  expect(dead).toEqual([]);
}

/** Mails and confirms what still waits, by new links and by those of before, until everything is published. */
async function confirmTheRest(db: Database, tokens: Iterable<string>): Promise<void> {
  const { registry } = registryOver(db, { verify, now: () => new Date() });
  const links = [...tokens];
  const { problems } = await sendDue({
    db,
    verify,
    now: () => new Date(Date.now() + 3_600_000),
    send: (mail) => {
      links.push(/#(\S+)$/mu.exec(mail.text)?.[1] ?? '');
      return Promise.resolve();
    },
    randomness: randomBytes,
    link: (token) => `link#${token}`,
    site: 'test',
  });
  expect(problems).toEqual([]);
  for (const link of links) {
    await registry.confirmations.confirm(link).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'registry.no-confirmation' });
    });
  }
}

/**
 * Uploads, mails and confirms in a process of its own that is killed without warning at several moments and started
 * again, checking after each; at the end, all that still waits can be confirmed.
 */
export async function surviveKillsConfirming(location: object, open: () => Promise<Database>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-kill-'));
  try {
    const uploads = join(folder, 'uploads');
    await mkdir(uploads);
    for (let endorser = 0; endorser < endorsers; endorser += 1) {
      const signer = await endorserNamed(`jane${endorser}`);
      for (let number = endorser; number < endorsers * each; number += endorsers) {
        await writeFile(join(uploads, `${String(number).padStart(4, '0')}.xml`), signedDocument(signer, number));
      }
    }
    const promised: Promised = { waiting: new Map(), confirmed: new Set(), tokens: new Map() };
    for (let round = 0; round <= kills; round += 1) {
      const uploading = startUploading(location, uploads, true);
      if (round < kills) {
        // Each upload is up to three lines; those of the rounds before are acknowledged again, in one.
        await uploading.reached(
          Math.floor((endorsers * each * (round + 0.7)) / kills) + Math.floor(Math.random() * 30),
        );
        uploading.child.kill('SIGKILL');
      }
      await uploading.ended;
      await note(promised, uploads, uploading.said);
      const db = await open();
      await checkWaiting(db, uploads, promised);
      await db.close();
    }
    expect(promised.waiting.size).toBe(endorsers * each);
    expect(promised.confirmed.size).toBeGreaterThan(0);
    const db = await open();
    expect((await db.query.selectFrom('pending_documents').select('sha256').execute()).length).toBeGreaterThan(0);
    await confirmTheRest(db, promised.tokens.keys());
    const everything = new Set(promised.waiting.values());
    expect(await checkAll(db, uploads, everything)).toHaveLength(endorsers * each);
    expect(await db.query.selectFrom('pending_documents').select('sha256').execute()).toEqual([]);
    await db.close();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
