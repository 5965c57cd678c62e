// The same promises from every object store: the folder, and a real MinIO server.
import { readdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ObjectStore } from '../../src/vault/object-store.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { openS3Store } from '../../src/vault/stores/s3.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault } from '../../src/vault/vault.ts';
import { describeWithTools } from '../setup/tools.ts';
import { chunksOf, identifierOf, imageOf, noise, readWhole, storeImage, temporaryFolder } from './fresh-vault.ts';
import { minioPath, startMinio } from './minio-server.ts';

async function keysOf(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys.sort();
}

function promises(open: () => Promise<ObjectStore>): void {
  test('what is put is got, whole and in part', async () => {
    const store = await open();
    expect(await store.put('a/b/c', [Buffer.from('plants '), Buffer.from('and animals')])).toBe(true);
    expect((await store.get('a/b/c'))?.toString()).toBe('plants and animals');
    expect((await store.get('a/b/c', { offset: 7, length: 3 }))?.toString()).toBe('and');
    expect((await store.get('a/b/c', { offset: 11, length: 100 }))?.toString()).toBe('animals');
    expect((await store.get('a/b/c', { offset: 18, length: 5 }))?.length).toBe(0);
    expect((await store.get('a/b/c', { offset: 0, length: 0 }))?.length).toBe(0);
    expect(await store.info('a/b/c')).toMatchObject({ key: 'a/b/c', bytes: 18 });
    await store.put('a/b/c', [Buffer.from('other')]);
    expect((await store.get('a/b/c'))?.toString()).toBe('other');
  });

  test('what is not there is undefined, and removing it no error', async () => {
    const store = await open();
    expect([
      await store.get('no/such'),
      await store.info('no/such'),
      await store.get('no/such', { offset: 0, length: 1 }),
    ]).toEqual([undefined, undefined, undefined]);
    await store.remove('no/such');
    expect(await keysOf(store, 'no/')).toEqual([]);
  });

  test('of many that write one key only if absent, one wins', async () => {
    const store = await open();
    const won = await Promise.all(
      Array.from({ length: 10 }, (_, number) =>
        store.put('x/once', [Buffer.from(`writer ${number}`)], { ifAbsent: true }),
      ),
    );
    expect(won.filter(Boolean)).toHaveLength(1);
    expect((await store.get('x/once'))?.toString()).toBe(`writer ${won.indexOf(true)}`);
  });

  test('lists by prefix, and forgets what is removed', async () => {
    const store = await open();
    for (const key of ['p/1', 'p/q/2', 'pp/3']) await store.put(key, [Buffer.from('x')]);
    expect(await keysOf(store, 'p/')).toEqual(['p/1', 'p/q/2']);
    await store.remove('p/1');
    expect(await keysOf(store, 'p/')).toEqual(['p/q/2']);
  });

  test('an object of no bytes is one; keys that climb are refused', async () => {
    const store = await open();
    await store.put('empty/object', []);
    expect((await store.get('empty/object'))?.length).toBe(0);
    for (const key of ['../x', 'a//b', '/a', 'a/', '.hidden', 'a/.b', '']) {
      await expect(store.put(key, [])).rejects.toMatchObject({ code: 'internal' });
    }
  });
}

describe('the folder', () => {
  promises(async () => openDirectoryStore(await temporaryFolder()));

  test('is swept of what killed processes left, and of nothing else', async () => {
    const folder = await temporaryFolder();
    await openDirectoryStore(folder);
    const unfinished = join(folder, '.unfinished');
    const mine = `${process.pid}.1-x.${hostname()}`;
    for (const name of [`999999999.1-x.${hostname()}`, mine, '999999999.1-x.another-host'])
      await writeFile(join(unfinished, name), '');
    await openDirectoryStore(folder);
    expect((await readdir(unfinished)).sort()).toEqual(['999999999.1-x.another-host', mine].sort());
  });

  test('that cannot be written says so', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    await expect(openDirectoryStore(join(folder, 'file'))).rejects.toMatchObject({ code: 'vault.unavailable' });
  });
});

describeWithTools('MinIO', [minioPath], () => {
  let number = 0;
  let running: Awaited<ReturnType<typeof startMinio>> | undefined;
  promises(async () => {
    running = await startMinio();
    number += 1;
    return openS3Store({ ...running.settings, bucket: `vault-${number}` });
  });

  test('a vault in it, stopped and started again in the middle of a write, keeps its word', async () => {
    const minio = await startMinio();
    const store = await openS3Store(minio.settings);
    const vault = await openVault({ store, node: 'test' });
    const kept = noise(3 * chunkBytes, 'kept');
    const manifestId = await storeImage(vault, 1, kept);
    const session = await vault.beginWrite();
    const disk = noise(70 * chunkBytes, 'interrupted');
    const chunks = async function* (): AsyncGenerator<{ index: number; data: Buffer }> {
      for (const chunk of chunksOf(disk)) {
        if (chunk.index === 66) {
          await minio.stop();
          setTimeout(() => void minio.start(), 300);
        }
        yield chunk;
      }
    };
    const second = await session.writeDisk({ size: disk.length, chunks: chunks() });
    await session.commitImage(imageOf(identifierOf(2), second, disk));
    expect((await readWhole(await vault.openDisk(second))).equals(disk)).toBe(true);
    expect((await readWhole(await vault.openDisk(manifestId))).equals(kept)).toBe(true);
  });

  test('gone for good, is an error that says so, and nothing is committed', async () => {
    const minio = await startMinio();
    const store = await openS3Store(minio.settings);
    const vault = await openVault({ store, node: 'test' });
    const session = await vault.beginWrite();
    await minio.stop();
    const disk = noise(chunkBytes, 'gone');
    await expect(session.writeDisk({ size: disk.length, chunks: chunksOf(disk) })).rejects.toMatchObject({
      code: 'vault.unavailable',
    });
    await minio.start();
    await session.abort();
    expect(await keysOf(store, 'packs/')).toEqual([]);
  });
});
