// The log to the outside: signed checkpoints, tiles from which anyone computes the same root, proofs, and no way to lie.
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Fault } from '../../src/errors/fault.ts';
import { readCheckpoint, writeCheckpoint } from '../../src/registry/log/checkpoint.ts';
import { identifyLog } from '../../src/registry/log/identity.ts';
import { loadLogKey } from '../../src/registry/log/key.ts';
import { openLog, type RegistryLog } from '../../src/registry/log/log.ts';
import { leafHash, provesConsistency, provesInclusion, rootHash } from '../../src/registry/log/merkle.ts';
import {
  openNote,
  readVerifier,
  signNote,
  verifierOf,
  writeVerifier,
  type NoteVerifier,
} from '../../src/registry/log/note.ts';
import { readBundle, readTilePath, tilePath, tileWidth } from '../../src/registry/log/tile.ts';
import { usualLogName } from '../../src/site/registry.ts';
import { nodesOf } from './nodes.ts';
import { openTestRegistry, type TestRegistry } from './open-registry.ts';

const signer = { name: 'images.example.org/log', privateKey: generateKeyPairSync('ed25519').privateKey };
const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
const leaves = 600;

describe('a log of some hundred decisions', () => {
  let subject: TestRegistry;
  let log: RegistryLog;
  let verifier: NoteVerifier;
  beforeAll(async () => {
    subject = await openTestRegistry();
    log = openLog(subject.db, signer);
    verifier = readVerifier(log.verifier) ?? verifierOf(signer);
    for (let number = 0; number < leaves; number += 1) {
      await (number % 20 === 19
        ? subject.registry
            .accept(Buffer.from(`not a document ${number}`), { address: '192.0.2.1' })
            .catch(() => undefined)
        : subject.upload({ image: `image ${number}` }));
    }
  });
  afterAll(() => subject.close());

  async function head() {
    const checkpoint = readCheckpoint(await log.checkpoint(), verifier);
    if (checkpoint === undefined) throw new Error('the checkpoint does not hold');
    return checkpoint;
  }

  test('has a signed checkpoint, whose root anyone computes from the tiles', async () => {
    const { size, root } = await head();
    expect(size).toBe(leaves);
    const hashes: Buffer[] = [];
    for (let index = 0; index * tileWidth < size; index += 1) {
      const width = Math.min(tileWidth, size - index * tileWidth);
      const bundle = await log.tile(tilePath({ level: 'entries', index, width }));
      const ofTile = readBundle(bundle ?? Buffer.of())?.map(leafHash) ?? [];
      expect(ofTile).toHaveLength(width);
      expect(await log.tile(tilePath({ level: 0, index, width }))).toEqual(Buffer.concat(ofTile));
      hashes.push(...ofTile);
    }
    expect(await rootHash(nodesOf(hashes), size)).toEqual(root);
    const upper = await log.tile('tile/1/000.p/2');
    expect(upper).toEqual(Buffer.concat([await nodesOf(hashes)(8, 0), await nodesOf(hashes)(8, 1)]));
  });

  test('has no tile beyond its end, and none by another name', async () => {
    for (const path of [
      'tile/0/002',
      'tile/0/003.p/1',
      'tile/1/000',
      'tile/2/000.p/1',
      'tile/0/0',
      'tile/0/x000/000',
      'tile/00/000',
      '../x',
      'tile/0/000.p/256',
      'tile/0/000.p/0',
      'tile/-1/000',
    ]) {
      expect({ path, tile: await log.tile(path) }).toEqual({ path, tile: undefined });
    }
  });

  test('proves that a decision is in it', async () => {
    const { size, root } = await head();
    for (const seq of [0, 1, 255, 256, 511, 512, size - 1]) {
      const proof = await log.inclusion(seq);
      expect(
        provesInclusion({ index: seq, hash: leafHash(bytes(proof.leaf)) }, { size, root }, proof.path.map(bytes)),
      ).toBe(true);
    }
    await expect(log.inclusion(size)).rejects.toMatchObject({ code: 'registry.log-range' });
    await expect(log.inclusion(0, size + 1)).rejects.toMatchObject({ code: 'registry.log-range' });
    await expect(log.inclusion(-1)).rejects.toMatchObject({ code: 'registry.log-range' });
  });

  test('proves that it only ever grew', async () => {
    const { size, root } = await head();
    for (const from of [1, 2, 255, 256, 300, size]) {
      const proof = await log.consistency(from);
      const older = { size: from, root: bytes(proof.from.root) };
      expect(provesConsistency(older, { size, root }, proof.path.map(bytes))).toBe(true);
    }
    await expect(log.consistency(0)).rejects.toMatchObject({ code: 'registry.log-range' });
  });

  test('shows decisions to everyone, and who sent what to the operators', async () => {
    const [newest, before] = await log.newest(2);
    expect(newest).toMatchObject({
      seq: leaves - 1,
      decision: { decision: 'refused', reasons: ['not-xml', 'signature-missing'] },
    });
    expect(before).toMatchObject({ seq: leaves - 2, decision: { decision: 'accepted' } });
    expect(newest).not.toHaveProperty('address');
    expect((await log.audit(1))[0]).toMatchObject({
      address: '192.0.2.1',
      detail: { failures: [{ code: 'not-xml' }, {}] },
    });
    expect((await log.newest(5, 3)).map(({ seq }) => seq)).toEqual([2, 1, 0]);
  });
});

describe('notes', () => {
  test('a published one is read: the example of the signed-note specification', () => {
    const verifierLine = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const text =
      "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    const note = `${text}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;
    const known = readVerifier(verifierLine);
    if (known === undefined) throw new Error('the verifier is not read');
    expect(writeVerifier(known)).toBe(verifierLine);
    expect(openNote(note, known)).toBe(text);
    expect(openNote(note.replace('answer', 'Answer'), known)).toBeUndefined();
  });

  test('no change of a checkpoint goes unnoticed', () => {
    const note = writeCheckpoint({ size: 7, root: Buffer.alloc(32, 1) }, signer);
    const verifier = verifierOf(signer);
    expect(readCheckpoint(note, verifier)).toEqual({ size: 7, root: Buffer.alloc(32, 1) });
    const other = { name: signer.name, privateKey: generateKeyPairSync('ed25519').privateKey };
    expect(readCheckpoint(note, verifierOf(other))).toBeUndefined();
    expect(readCheckpoint(writeCheckpoint({ size: 7, root: Buffer.alloc(32) }, other), verifier)).toBeUndefined();
    expect(readCheckpoint(signNote('elsewhere\n7\nAAAA\n', signer), verifier)).toBeUndefined();
    expect(readCheckpoint(signNote(`${signer.name}\n007\n${'A'.repeat(43)}=\n`, signer), verifier)).toBeUndefined();
    const body = Buffer.from(note.slice(0, note.indexOf('\n\n') + 1));
    fc.assert(
      fc.property(fc.nat({ max: body.length - 1 }), fc.integer({ min: 1, max: 127 }), (at, change) => {
        const changed = Buffer.from(note);
        changed[at] = (changed[at] ?? 0) ^ change;
        expect(readCheckpoint(changed.toString(), verifier)).toBeUndefined();
      }),
    );
  });
});

test('names of tiles are read in the one way in which they are written', () => {
  expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe('tile/0/x001/x234/067');
  fc.assert(
    fc.property(
      fc.oneof(fc.constant('entries' as const), fc.nat({ max: 7 })),
      fc.nat({ max: 10 ** 9 }),
      fc.integer({ min: 1, max: 256 }),
      (level, index, width) => {
        expect(readTilePath(tilePath({ level, index, width }))).toEqual({ level, index, width });
      },
    ),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(readTilePath(`tile/0/${text}x`)).toBeUndefined();
    }),
  );
});

test('a bundle that is cut short is noticed', () => {
  expect(readBundle(Buffer.from([0, 2, 65]))).toBeUndefined();
  expect(readBundle(Buffer.from([0]))).toBeUndefined();
  expect(readBundle(Buffer.from([0, 1, 65, 0, 0]))).toEqual([Buffer.from('A'), Buffer.of()]);
});

test('the key is made once, and only its owner may read it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-log-'));
  const file = join(folder, 'keys', 'log.pem');
  const first = await loadLogKey(file, 'example.org/log');
  const second = await loadLogKey(file, 'example.org/log');
  expect(writeVerifier(verifierOf(second))).toBe(writeVerifier(verifierOf(first)));
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  await writeFile(file, 'no key');
  await expect(loadLogKey(file, 'example.org/log')).rejects.toMatchObject({ code: 'registry.log-key' });
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await writeFile(
    file,
    createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({ type: 'pkcs8', format: 'pem' }),
  );
  await expect(loadLogKey(file, 'example.org/log')).rejects.toMatchObject({ code: 'registry.log-key' });
  await expect(loadLogKey(join(folder, 'none.pem'), 'example.org/log', false)).rejects.toMatchObject({
    code: 'registry.log-key',
  });
  expect((await readdir(folder)).sort()).toEqual(['keys']);
  const made = await Promise.all(
    Array.from({ length: 8 }, () => loadLogKey(join(folder, 'together', 'log.pem'), 'example.org/log')),
  );
  expect(new Set(made.map((one) => writeVerifier(verifierOf(one)))).size).toBe(1);
  expect(await readdir(join(folder, 'together'))).toEqual(['log.pem']);
  await expect(loadLogKey(file, 'a name')).rejects.toMatchObject({ code: 'registry.log-key' });
  await rm(folder, { recursive: true });
});

const loadAnother = (name: string) => Promise.resolve({ name, privateKey: signer.privateKey });

describe('the name of a log', () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const load = (name: string) => Promise.resolve({ name, privateKey });
  const usual = 'machine/log';

  test('is kept from the first time on, and may change only while the log is empty', async () => {
    const subject = await openTestRegistry();
    const named = async (wanted?: string) => (await identifyLog(subject.db, { wanted, usual }, load)).name;
    expect(await named()).toBe('machine/log');
    expect(await named('images.example.org/log')).toBe('images.example.org/log');
    expect(await named()).toBe('images.example.org/log');
    await subject.upload({});
    expect(await named('images.example.org/log')).toBe('images.example.org/log');
    await expect(named('other')).rejects.toMatchObject({ code: 'registry.log-name' });
    await expect(identifyLog(subject.db, { wanted: undefined, usual }, loadAnother)).rejects.toMatchObject({
      code: 'registry.log-key',
    });
    await subject.close();
  });

  test('a key is made for a log that is begun, never for one that has a key, or decisions', async () => {
    const subject = await openTestRegistry();
    const asked: boolean[] = [];
    const identify = () =>
      identifyLog(subject.db, { wanted: undefined, usual }, (name, make) => {
        asked.push(make);
        return load(name);
      });
    await identify();
    await identify();
    await subject.upload({});
    await subject.db.query.updateTable('log_identity').set({ verifier: null }).execute();
    await identify();
    expect(asked).toEqual([true, false, false]);
    await subject.close();
  });

  test('of servers that begin a log at once, one gives it its key', async () => {
    const subject = await openTestRegistry();
    const begun = await Promise.allSettled(
      Array.from({ length: 5 }, () =>
        identifyLog(subject.db, { wanted: undefined, usual }, (name) =>
          Promise.resolve({ name, privateKey: generateKeyPairSync('ed25519').privateKey }),
        ),
      ),
    );
    const [signers, failures] = [
      begun.flatMap((one) => (one.status === 'fulfilled' ? [writeVerifier(verifierOf(one.value))] : [])),
      begun.flatMap((one) => (one.status === 'rejected' ? [(one.reason as Fault).code] : [])),
    ];
    expect(failures).toEqual(Array.from({ length: 4 }, () => 'registry.log-key'));
    const { verifier } = await subject.db.query.selectFrom('log_identity').selectAll().executeTakeFirstOrThrow();
    expect(signers).toEqual([verifier]);
    await subject.close();
  });

  test('is made of the address of the site', () => {
    expect(usualLogName('https://images.example.org', 'box')).toBe('images.example.org/log');
    expect(usualLogName('https://example.org:8443/images/', 'box')).toBe('example.org:8443/images/log');
    expect(usualLogName(undefined, 'my box')).toBe('my-box/log');
  });
});
