// Writes that are gone on with later: what they stored stays theirs meanwhile, and is nobody's once they are given up.
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../src/vault/collect.ts';
import { writeDisk } from '../../src/vault/disk-writer.ts';
import { intentKey, packNameOf, writerOf } from '../../src/vault/records.ts';
import { sealRecord } from '../../src/vault/sealed-record.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';
import { type WriteSession } from '../../src/vault/write-session.ts';
import { chunksOf, freshVault, identifierOf, imageOf, noise, readWhole, storeImage } from './fresh-vault.ts';

const disk = noise(6 * chunkBytes, 'written in two goes');
const hour = 60 * 60 * 1000;

async function packsOf(vault: Vault): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of vault.store.list('packs/')) names.push(packNameOf(key) ?? key);
  return names.sort();
}

/** Writes the first half of the disk, and fails as a source does that breaks. Returns the hashes of what was taken. */
async function writeHalf(session: WriteSession): Promise<Buffer[]> {
  const taken: Buffer[] = [];
  function* half(): ReturnType<typeof chunksOf> {
    for (const chunk of chunksOf(disk)) {
      if (chunk.index === 3) throw new Error('the connection broke');
      yield chunk;
    }
  }
  const note = (sha256: Buffer): Promise<void> => Promise.resolve(void taken.push(sha256));
  await expect(session.writeDisk({ size: disk.length, chunks: half(), taken: note })).rejects.toThrow('broke');
  return taken;
}

async function suspendedWrite(vault: Vault): Promise<{ readonly writer: string; readonly taken: readonly Buffer[] }> {
  const session = await vault.beginWrite();
  const taken = await writeHalf(session);
  await session.suspend();
  return { writer: session.writer, taken };
}

async function finish(vault: Vault, session: WriteSession): Promise<string> {
  const manifestId = await session.writeDisk({ size: disk.length, chunks: chunksOf(disk) });
  await session.commitImage(imageOf(identifierOf(1), manifestId, disk));
  expect((await readWhole(await vault.openDisk(manifestId))).equals(disk)).toBe(true);
  return manifestId;
}

describe('a write that was suspended', () => {
  test('hands on all that came before its source broke, and does not store it twice', async () => {
    const { vault } = await freshVault();
    const { writer, taken } = await suspendedWrite(vault);
    expect(taken).toHaveLength(3);
    const session = await vault.resumeWrite(writer);
    expect(taken.map((sha256) => session?.has(sha256))).toEqual([true, true, true]);
    if (session === undefined) throw new Error('the write cannot be gone on with');
    await finish(vault, session);
    expect(session.sharedBytes).toBe(3 * chunkBytes);
    const packs = await packsOf(vault);
    expect(packs.map(writerOf)).toEqual([writer, writer]);
    expect(packs.map((name) => Number.parseInt(name.slice(24), 16))).toEqual([0, 16]);
  });

  test('is relied on by nobody else', async () => {
    const { vault } = await freshVault();
    const { writer } = await suspendedWrite(vault);
    const other = await vault.beginWrite();
    await finish(vault, other);
    expect(other.sharedBytes).toBe(0);
    await (await vault.resumeWrite(writer))?.abort();
    expect((await packsOf(vault)).map(writerOf)).toEqual([other.writer]);
    expect(await vault.resumeWrite(writer)).toBeUndefined();
  });

  test('stays when the vault is opened by one who will go on with it, and goes with any other', async () => {
    const { vault, store } = await freshVault();
    const { writer } = await suspendedWrite(vault);
    const again = await openVault({ store, node: 'test', suspended: new Set([writer]) });
    const session = await again.resumeWrite(writer);
    await session?.suspend();
    expect(await packsOf(again)).toHaveLength(1);
    expect(await (await openVault({ store, node: 'other' })).resumeWrite(writer)).toBeUndefined();
    expect(await packsOf(again)).toHaveLength(1);
    const last = await openVault({ store, node: 'test' });
    expect(await packsOf(last)).toEqual([]);
    expect(await last.resumeWrite(writer)).toBeUndefined();
  });

  test('without anything stored leaves nothing', async () => {
    const { vault, store } = await freshVault();
    const session = await vault.beginWrite();
    await session.suspend();
    for await (const { key } of store.list('intents/')) throw new Error(`${key} is left`);
    expect(await vault.resumeWrite(session.writer)).toBeUndefined();
  });

  test('is spared by the collection of garbage for a day, and is not gone on with when that is nearly over', async () => {
    const { store } = await freshVault();
    let time = Date.parse('2026-01-01T00:00:00Z');
    const vault = await openVault({ store, node: 'test', now: () => new Date(time) });
    const { writer } = await suspendedWrite(vault);
    for (let turn = 0; turn < 3; turn += 1) {
      time += 7 * hour;
      await collectGarbage(vault, { grace: hour });
      expect(await packsOf(vault)).toHaveLength(1);
    }
    const session = await vault.resumeWrite(writer);
    expect(session).toBeDefined();
    await session?.suspend();
    time += 23.5 * hour;
    expect(await vault.resumeWrite(writer)).toBeUndefined();
    time += hour;
    expect(await collectGarbage(vault, { grace: hour })).toMatchObject({ deadWriters: 1, condemnedPacks: 1 });
    time += hour;
    expect(await collectGarbage(vault, { grace: hour })).toMatchObject({ removedPacks: 1 });
  });

  test('and turns out to be committed is whole: its intent was only not cleared away', async () => {
    const { vault, store } = await freshVault();
    const manifestId = await storeImage(vault, 1, disk);
    const writer = (await vault.image(identifierOf(1)))?.writer ?? '';
    const intent = { format: 'mintmark-intent', version: 1, writer, node: 'test', renewed: new Date().toISOString() };
    await store.put(intentKey('test', writer), [sealRecord(intent)]);
    expect(await vault.resumeWrite(writer)).toBeUndefined();
    const again = await openVault({ store, node: 'test', suspended: new Set([writer]) });
    expect((await readWhole(await again.openDisk(manifestId))).equals(disk)).toBe(true);
    for await (const { key } of store.list('intents/')) throw new Error(`${key} is left`);
  });
});

const refuse = (): Promise<void> => Promise.reject(new Error('no room'));

test('a sink that refuses a chunk ends the write with its reason, though chunks are on their way', async () => {
  await expect(writeDisk({ put: refuse }, { size: disk.length, chunks: chunksOf(disk) })).rejects.toThrow('no room');
});
