// kill -9 in every phase of a pull: afterwards the image is in the vault whole or not at all, and the next pull goes on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { addressPolicy } from '../../src/pull/address-policy.ts';
import { createPuller } from '../../src/pull/puller.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault } from '../../src/vault/vault.ts';
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
  console.log('did ' + key.split('/')[0]);
  return result;
} };
const vault = await openVault({ store: told, node: 'killed' });
const puller = createPuller({ vault, workDir: folder + '/work', allowAddress: addressPolicy(['127.0.0.0/8']) });
await puller.pull(metadata, { onProgress: ({ phase, provenBytes }) => console.log('phase ' + phase + ' ' + provenBytes) });
console.log('pulled');
await puller.close();
`;
const image = noise(70 * chunkBytes, 'to be killed');

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('a pull that is killed', () => {
  const moments = ['put intents', 'phase fetching', 'did packs', 'phase storing', 'put images', 'did images', 'pulled'];
  test.each(moments)('at "%s" leaves nothing that a restart does not clear up or go on from', async (moment) => {
    const folder = await temporaryFolder();
    const web = await startWebServer();
    web.files.set('/image', { body: image, etag: '"1"', pause: 1 });
    const metadata = metadataOf(image, [web.url('/image')]);
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
    expect(output).toContain(moment);

    const vault = await openVault({ store: await openDirectoryStore(join(folder, 'vault')), node: 'killed' });
    const committed = await vault.image(metadata.identifier);
    const left = (await filesBelow(join(folder, 'vault'))).filter((path) => /intents|unfinished/.test(path));
    expect(left).toEqual([]);
    const packs = (await filesBelow(join(folder, 'vault'))).filter((path) => path.includes('packs'));
    expect(packs.length > 0).toBe(committed !== undefined);

    const puller = createPuller({ vault, workDir: join(folder, 'work'), allowAddress: addressPolicy(['127.0.0.0/8']) });
    const { manifestId } = await puller.pull(metadata);
    expect((await readWhole(await vault.openDisk(manifestId))).equals(image)).toBe(true);
    expect(web.sent).toBeLessThan(2 * image.length);
    expect(await filesBelow(join(folder, 'work'))).toEqual([]);
    await puller.close();
  });
});
