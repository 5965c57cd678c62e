// What a stored image has lost is fetched again: only the lost bytes where that can be done, all of it elsewhere.
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { type ImageMetadata } from '../../src/metadata/model.ts';
import { chunkKinds } from '../../src/vault/pack.ts';
import { scrubVault } from '../../src/vault/scrub.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { damageChunks } from '../vault/damaged-packs.ts';
import { noise, readWhole, sha256Hex } from '../vault/fresh-vault.ts';
import { metadataOf, pullSetup, type PullSetup } from './pull-setup.ts';
import { type ServedFile } from './web-server.ts';

const image = noise(20 * chunkBytes + 777, 'heal');
const padded = Buffer.concat([image, Buffer.alloc(512 - (image.length % 512))]);
const hashes = (...indexes: readonly number[]): ReadonlySet<string> =>
  new Set(indexes.map((index) => sha256Hex(padded.subarray(index * chunkBytes, (index + 1) * chunkBytes))));

interface Scene extends PullSetup {
  readonly metadata: ImageMetadata;
  readonly manifestId: string;
}

/** An image that was pulled, and of which some chunks were damaged and noted since. */
async function scene(
  file: ServedFile,
  chosen: (sha256: string, kind: number) => boolean,
  changes: Partial<ImageMetadata> = {},
): Promise<Scene> {
  const setup = await pullSetup();
  setup.web.files.set('/image', file);
  const metadata = metadataOf(image, [setup.web.url('/gone'), setup.web.url('/image')], changes);
  const { manifestId } = await setup.puller.pull(metadata);
  await damageChunks(setup.vault, chosen);
  expect((await scrubVault(setup.vault)).broken).toEqual([metadata.identifier]);
  setup.web.requests.length = 0;
  setup.web.sent = 0;
  return { ...setup, metadata, manifestId };
}

const isWhole = async ({ vault, manifestId }: Scene): Promise<boolean> =>
  (await readWhole(await vault.openDisk(manifestId))).equals(padded);

describe('an image that has lost chunks', () => {
  test('is healed by the next pull with no more than those bytes, neighbours in one request', async () => {
    const lost = hashes(3, 4, 9, 20);
    const setup = await scene({ body: image, etag: '"1"' }, (sha256) => lost.has(sha256));
    await setup.puller.pull(setup.metadata);
    expect(await isWhole(setup)).toBe(true);
    const asked = setup.web.requests.filter(({ path }) => path === '/image').map(({ range }) => range);
    expect(asked).toEqual([
      `bytes=${3 * chunkBytes}-${5 * chunkBytes - 1}`,
      `bytes=${9 * chunkBytes}-${10 * chunkBytes - 1}`,
      `bytes=${20 * chunkBytes}-${image.length - 1}`,
    ]);
    expect(setup.web.sent).toBe(3 * chunkBytes + 777);
    expect(await scrubVault(setup.vault)).toMatchObject({ broken: [] });
    await setup.puller.pull(setup.metadata);
    expect(setup.web.sent).toBe(3 * chunkBytes + 777);
  });

  test.each([
    ['from a server without ranges', { body: image, ranges: false }, {}],
    ['that came compressed', { body: gzipSync(image) }, { compression: 'gz' as const }],
  ])('%s is fetched whole, and only what was lost is stored', async (_name, file, changes) => {
    const lost = hashes(3, 9);
    const setup = await scene(file, (sha256) => lost.has(sha256), changes);
    const before = [...setup.vault.catalog.index.packs()].length;
    await setup.puller.pull(setup.metadata);
    expect(await isWhole(setup)).toBe(true);
    const added = [...setup.vault.catalog.index.packs()].slice(before);
    expect(added.map(({ entries }) => entries)).toEqual([2]);
  });

  test('of its tree is fetched whole', async () => {
    const setup = await scene({ body: image }, (_sha256, kind) => kind === chunkKinds.root);
    await setup.puller.pull(setup.metadata);
    expect(await isWhole(setup)).toBe(true);
  });

  test('stays as it is where the location serves other bytes now, and nothing of those is kept', async () => {
    const lost = hashes(3);
    const setup = await scene({ body: image, etag: '"1"' }, (sha256) => lost.has(sha256));
    setup.web.files.set('/image', { body: Buffer.from(image).fill(1), etag: '"2"' });
    const files = await setup.files();
    await expect(setup.puller.pull(setup.metadata)).rejects.toMatchObject({ code: 'pull.refused' });
    expect(await setup.files()).toEqual(files);
    const disk = await setup.vault.openDisk(setup.manifestId);
    await expect(disk.readChunk(3)).rejects.toMatchObject({ code: 'vault.corrupt' });
    setup.web.files.set('/image', { body: image });
    await setup.puller.pull(setup.metadata);
    expect(await isWhole(setup)).toBe(true);
  });
});
