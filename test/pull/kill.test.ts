// kill -9 in every phase of a pull: afterwards the image is in the vault whole or not at all, and the next pull goes on.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { type ImageMetadata } from '../../src/metadata/model.ts';
import { addressPolicy } from '../../src/pull/address-policy.ts';
import { suspendedWriters } from '../../src/pull/part-in-vault.ts';
import { createPuller } from '../../src/pull/puller.ts';
import { writerOf } from '../../src/vault/records.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault } from '../../src/vault/vault.ts';
import { describeWithTools } from '../setup/tools.ts';
import { noise, readWhole, temporaryFolder } from '../vault/fresh-vault.ts';
import { metadataOf } from './pull-setup.ts';
import { startWebServer } from './web-server.ts';

// The build that the suites start with; a child process cannot load TypeScript on every Node that is supported.
const built = (path: string): string => JSON.stringify(resolve('dist/src', path));
const program = `
const [folder, metadata] = JSON.parse(process.argv[1]);
const { openDirectoryStore } = await import(${built('vault/stores/directory.js')});
const { openVault } = await import(${built('vault/vault.js')});
const { createPuller } = await import(${built('pull/puller.js')});
const { addressPolicy } = await import(${built('pull/address-policy.js')});
const store = await openDirectoryStore(folder + '/vault');
const told = { ...store, put: async (key, parts, options) => {
  console.log('put ' + key.split('/')[0]);
  const result = await store.put(key, parts, options);
  console.log('did ' + key.split('/')[0] + ' ' + key.slice(-8));
  return result;
} };
const vault = await openVault({ store: told, node: 'killed' });
const puller = createPuller({ vault, workDir: folder + '/work', allowAddress: addressPolicy(['127.0.0.0/8']), limits: { partFileBytes: 0 } });
await puller.pull(metadata, { onProgress: ({ phase, provenBytes }) => console.log('phase ' + phase + ' ' + provenBytes) });
console.log('pulled');
await puller.close();
`;
/** Even a small image goes into the vault as it comes. */
const limits = { partFileBytes: 0 };
const run = promisify(execFile);
const image = noise(70 * chunkBytes, 'to be killed');

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const namesBelow = async (folder: string, kind: 'packs' | 'intents'): Promise<string[]> =>
  (await filesBelow(join(folder, 'vault'))).filter((path) => path.includes(`/${kind}/`)).map((path) => basename(path));
const packsOf = (folder: string): Promise<string[]> => namesBelow(folder, 'packs');
/** Of intents that are there. */
const writersOf = (folder: string): Promise<string[]> => namesBelow(folder, 'intents');

/** Runs a pull in a process of its own, and kills it when it says that it is there. */
async function killAt(moment: string, folder: string, metadata: ImageMetadata): Promise<void> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, JSON.stringify([folder, metadata])], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let output = '';
  for await (const piece of child.stdout as AsyncIterable<Buffer>) {
    output += piece.toString();
    if (output.includes(moment)) {
      child.kill('SIGKILL');
      break;
    }
  }
  await ended;
  if (!output.includes(moment)) throw new Error(`the pull ended without coming to "${moment}"`);
}

describe('a pull that is killed', () => {
  const moments = [
    'put intents',
    'phase fetching',
    'did packs 00000000',
    'phase storing',
    'put images',
    'did images',
    'pulled',
  ];
  test.each(moments)('at "%s" leaves nothing that a restart does not clear up or go on from', async (moment) => {
    const folder = await temporaryFolder();
    const web = await startWebServer();
    web.files.set('/image', { body: image, etag: '"1"', pause: 1 });
    const metadata = metadataOf(image, [web.url('/image')]);
    await killAt(moment, folder, metadata);

    const suspended = await suspendedWriters(join(folder, 'work'));
    const store = await openDirectoryStore(join(folder, 'vault'));
    const vault = await openVault({ store, node: 'killed', suspended });
    expect((await writersOf(folder)).filter((writer) => !suspended.has(writer))).toEqual([]);

    const puller = createPuller({
      vault,
      workDir: join(folder, 'work'),
      allowAddress: addressPolicy(['127.0.0.0/8']),
      limits,
    });
    const { manifestId, writer } = await puller.pull(metadata);
    expect((await readWhole(await vault.openDisk(manifestId))).equals(image)).toBe(true);
    expect(web.sent).toBeLessThan(2 * image.length);
    expect(await filesBelow(join(folder, 'work'))).toEqual([]);
    expect(await writersOf(folder)).toEqual([]);
    expect(new Set((await packsOf(folder)).map(writerOf))).toEqual(new Set([writer]));
    await puller.close();
  });

  test.each(moments)(
    'at "%s" leaves nothing in a vault that is opened without its folder for pulls',
    async (moment) => {
      const folder = await temporaryFolder();
      const web = await startWebServer();
      web.files.set('/image', { body: image, etag: '"1"', pause: 1 });
      const metadata = metadataOf(image, [web.url('/image')]);
      await killAt(moment, folder, metadata);
      const vault = await openVault({ store: await openDirectoryStore(join(folder, 'vault')), node: 'killed' });
      const committed = await vault.image(metadata.identifier);
      expect(await writersOf(folder)).toEqual([]);
      expect((await packsOf(folder)).length > 0).toBe(committed !== undefined);
      expect((await filesBelow(join(folder, 'vault'))).filter((path) => path.includes('unfinished'))).toEqual([]);

      // The folder was there all the same: what it says of the vault is no longer so.
      const puller = createPuller({
        vault,
        workDir: join(folder, 'work'),
        allowAddress: addressPolicy(['127.0.0.0/8']),
      });
      const { manifestId } = await puller.pull(metadata);
      expect((await readWhole(await vault.openDisk(manifestId))).equals(image)).toBe(true);
      expect(await filesBelow(join(folder, 'work'))).toEqual([]);
      await puller.close();
    },
  );
});

describeWithTools('a conversion that is killed', ['qemu-img'], () => {
  test('leaves nothing that a sweep does not remove, and the next pull is not in its way', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'raw'), image);
    await run('qemu-img', ['convert', '-c', '-f', 'raw', '-O', 'qcow2', join(folder, 'raw'), join(folder, 'disk')]);
    const web = await startWebServer();
    const body = await readFile(join(folder, 'disk'));
    web.files.set('/disk', { body });
    const metadata = metadataOf(body, [web.url('/disk')], { format: 'qcow2' });
    await killAt('phase converting', folder, metadata);
    const left = await filesBelow(join(folder, 'work'));
    expect(left.some((path) => path.endsWith('.image'))).toBe(true);

    const vault = await openVault({ store: await openDirectoryStore(join(folder, 'vault')), node: 'killed' });
    expect(await vault.image(metadata.identifier)).toBeUndefined();
    const puller = createPuller({
      vault,
      workDir: join(folder, 'work'),
      allowAddress: addressPolicy(['127.0.0.0/8']),
      limits,
    });
    // The folder is swept when the server starts; whatever qemu-img still does, it does to a file of its own.
    const { manifestId } = await puller.pull(metadata);
    expect((await readWhole(await vault.openDisk(manifestId))).subarray(0, image.length).equals(image)).toBe(true);
    await puller.sweep();
    expect((await filesBelow(join(folder, 'work'))).filter((path) => /[.](image|raw)$/.test(path))).toEqual([]);
    await puller.close();
  });
});
