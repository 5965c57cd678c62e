// Pulls from a real web server that may misbehave: what comes in is proven, and what is not proven leaves nothing behind.
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/errors/fault.ts';
import { addressPolicy } from '../../src/pull/address-policy.ts';
import { type PullerSettings } from '../../src/pull/puller.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { identifierOf, noise, readWhole } from '../vault/fresh-vault.ts';
import { promised } from '../jobs/site.ts';
import { metadataOf, pullSetup, type PullSetup } from './pull-setup.ts';

const image = Buffer.concat([noise(2 * chunkBytes + 777, 'image'), Buffer.alloc(2 * chunkBytes), noise(100, 'end')]);
const padded = Buffer.concat([image, Buffer.alloc(512 - (image.length % 512))]);

/** What went wrong with an image that should be stored, whole and with nothing left over. */
async function faultsOf(setup: PullSetup, manifestId: string): Promise<readonly string[]> {
  const disk = await setup.vault.openDisk(manifestId);
  const whole = await readWhole(disk);
  const left = (await setup.files()).filter((name) => name.includes('.part') || name.includes('.image'));
  return whole.equals(padded) ? left : ['the bytes differ', ...left];
}

/** Why the pull was refused; or what was wrong with the refusal. */
const refusal = async (setup: PullSetup, metadata: ReturnType<typeof metadataOf>): Promise<string> => {
  const error = await setup.puller.pull(metadata).catch((reason: unknown) => reason);
  const left = await setup.files();
  if (left.length > 0) return `left behind: ${left.join(', ')}`;
  if ((await setup.vault.image(metadata.identifier)) !== undefined) return 'the image is in the vault';
  return error instanceof Fault && error.code === 'pull.refused' ? error.message : String(error);
};

describe.each([
  ['a file', {}],
  ['the vault', { partFileBytes: 0 }],
] as const)('what is fetched is kept in %s:', (_place, limits) => {
  const setupWith = (settings: Partial<PullerSettings> = {}): Promise<PullSetup> =>
    pullSetup({ ...settings, limits: { ...limits, ...settings.limits } });

  describe('an image', () => {
    test('is fetched, proven and committed, padded to a whole sector', async () => {
      const setup = await setupWith();
      const { web, puller } = setup;
      web.files.set('/image', { body: image, etag: '"1"' });
      web.files.set('/moved', { body: Buffer.alloc(0), redirect: '/image' });
      const metadata = metadataOf(image, [web.url('/moved')]);
      const phases = new Set<string>();
      const pointer = await puller.pull(metadata, { onProgress: ({ phase }) => phases.add(phase) });
      expect(pointer).toMatchObject({
        identifier: metadata.identifier,
        size: padded.length,
        contentBytes: image.length,
        sourceFormat: 'raw',
        diskSha256: metadata.checksums['SHA-256'],
        verdict: { checksums: metadata.checksums, location: web.url('/moved'), finalLocation: web.url('/image') },
      });
      expect(await faultsOf(setup, pointer.manifestId)).toEqual([]);
      expect([...phases]).toEqual(['fetching', 'storing', 'done']);
    });

    test('asked for by two hundred at once is fetched once, and never again', async () => {
      const { web, puller } = await setupWith();
      web.files.set('/image', { body: image, pause: 1 });
      const metadata = metadataOf(image, [web.url('/image')]);
      const pointers = await Promise.all(Array.from({ length: 200 }, () => puller.pull(metadata)));
      expect(new Set(pointers.map((pointer) => pointer.manifestId)).size).toBe(1);
      await puller.pull(metadata);
      expect(web.requests).toHaveLength(1);
      expect(web.sent).toBe(image.length);
    });

    test('of an untold length is read to its end', async () => {
      const setup = await setupWith();
      setup.web.files.set('/image', { body: image, untold: true });
      const { manifestId } = await setup.puller.pull(metadataOf(image, [setup.web.url('/image')]));
      expect(await faultsOf(setup, manifestId)).toEqual([]);
    });

    test('compressed with gz is checked as it was before compression', async () => {
      const setup = await setupWith();
      setup.web.files.set('/image.gz', { body: gzipSync(image), etag: '"z"', cuts: [100_000, 300_000] });
      const { manifestId } = await setup.puller.pull(
        metadataOf(image, [setup.web.url('/image.gz')], { compression: 'gz' }),
      );
      expect(await faultsOf(setup, manifestId)).toEqual([]);
    });

    test('is taken from the next location where one is gone, of another scheme, or wrong', async () => {
      const setup = await setupWith();
      const { web } = setup;
      web.files.set('/good', { body: image });
      web.files.set('/bad', { body: Buffer.from(image).fill(1, 5, 6) });
      const locations = ['pdisk:host:1234:uuid', web.url('/gone'), web.url('/bad'), web.url('/good')];
      const { manifestId, verdict } = await setup.puller.pull(metadataOf(image, locations));
      expect(verdict.location).toBe(web.url('/good'));
      expect(await faultsOf(setup, manifestId)).toEqual([]);
    });

    test('in the vault under other checksums is not taken for this one', async () => {
      const { web, puller } = await setupWith();
      web.files.set('/image', { body: image });
      const metadata = metadataOf(image, [web.url('/image')]);
      await puller.pull(metadata);
      const other = { ...metadata, checksums: { ...metadata.checksums, 'SHA-512': '0'.repeat(128) } };
      await expect(puller.pull(other)).rejects.toMatchObject({ code: 'pull.refused' });
    });
  });

  describe('a broken connection', () => {
    test.each(Array.from({ length: 9 }, (_, tenth) => tenth + 1))(
      'at %i tenths is taken up again where it was',
      async (tenth) => {
        const setup = await setupWith();
        const cut = Math.floor((image.length * tenth) / 10);
        setup.web.files.set('/image', { body: image, etag: '"1"', cuts: [cut] });
        const { manifestId } = await setup.puller.pull(metadataOf(image, [setup.web.url('/image')]));
        expect(await faultsOf(setup, manifestId)).toEqual([]);
        expect(setup.web.requests).toHaveLength(2);
        // What the network still held when the connection broke is sent twice.
        const from = Number(/^bytes=(\d+)-$/.exec(setup.web.requests[1]?.range ?? 'bytes=0-')?.[1]);
        expect(from).toBeLessThanOrEqual(cut);
        expect(setup.web.sent).toBe(image.length + cut - from);
      },
    );

    test('to a server without ranges is read again from the start, and what is known is skipped', async () => {
      const setup = await setupWith();
      setup.web.files.set('/image', { body: image, etag: '"1"', cuts: [200_000], ranges: false });
      const { manifestId } = await setup.puller.pull(metadataOf(image, [setup.web.url('/image')]));
      expect(await faultsOf(setup, manifestId)).toEqual([]);
    });

    test('starts over where the bytes changed meanwhile', async () => {
      const setup = await setupWith();
      const file = { body: Buffer.from(image).fill(7), etag: '"old"', cuts: [300_000], onPiece: (): void => undefined };
      file.onPiece = () => {
        if (file.cuts.length === 0) {
          file.body = image;
          file.etag = '"new"';
        }
      };
      setup.web.files.set('/image', file);
      const swap = setInterval(() => file.onPiece(), 1);
      const { manifestId } = await setup.puller.pull(metadataOf(image, [setup.web.url('/image')]));
      clearInterval(swap);
      expect(await faultsOf(setup, manifestId)).toEqual([]);
    });

    test('that never mends leaves what was fetched for the next time', async () => {
      const setup = await setupWith({ limits: { retryWait: 1, retries: 1 } });
      const { web, puller } = setup;
      web.files.set('/image', { body: image, etag: '"1"', cuts: [300_000, 300_000, 300_000, 300_000] });
      const metadata = metadataOf(image, [web.url('/image')]);
      await expect(puller.pull(metadata)).rejects.toMatchObject({ code: 'pull.unreachable' });
      web.files.set('/image', { body: image, etag: '"1"' });
      const before = web.sent;
      const { manifestId } = await puller.pull(metadata);
      expect(web.sent - before).toBeLessThan(image.length);
      expect(await faultsOf(setup, manifestId)).toEqual([]);
    });
  });

  describe('refused, and nothing is left behind', () => {
    test.each(['MD5', 'SHA-1', 'SHA-256', 'SHA-512'] as const)('a wrong %s alone', async (algorithm) => {
      const setup = await setupWith();
      setup.web.files.set('/image', { body: image });
      const metadata = metadataOf(image, [setup.web.url('/image')]);
      const wrong = (metadata.checksums[algorithm] ?? '').replace(/^./, (digit) => (digit === '0' ? '1' : '0'));
      expect(await refusal(setup, { ...metadata, checksums: { ...metadata.checksums, [algorithm]: wrong } })).toMatch(
        new RegExp(`${algorithm} is`),
      );
    });

    test('a location that says it is longer, or shorter', async () => {
      for (const claims of [image.length + 1, image.length - 1]) {
        const setup = await setupWith();
        setup.web.files.set('/image', { body: image, claims });
        expect(await refusal(setup, metadataOf(image, [setup.web.url('/image')]))).toMatch(/bytes long/);
      }
    });

    test('a body of untold length that goes on too long, or ends too soon', async () => {
      for (const body of [Buffer.concat([image, image]), image.subarray(0, -1)]) {
        const setup = await setupWith();
        setup.web.files.set('/image', { body, untold: true });
        expect(await refusal(setup, metadataOf(image, [setup.web.url('/image')]))).toMatch(/longer|long, and/);
      }
    });

    test('a compressed file that is far longer than what is in it, told or untold: no more than that is fetched', async () => {
      // gz of nothing may follow gz of anything, and adds nothing to what comes out.
      const nothing = gzipSync(Buffer.alloc(0));
      const body = Buffer.concat([gzipSync(image), ...Array.from({ length: 400_000 }, () => nothing)]);
      for (const untold of [true, false]) {
        const setup = await setupWith();
        setup.web.files.set('/image', { body, untold });
        const metadata = metadataOf(image, [setup.web.url('/image')], { compression: 'gz' });
        expect(await refusal(setup, metadata)).toMatch(/longer than what was signed/);
      }
    });

    test('a gzip bomb, and what is no gzip at all', async () => {
      const setup = await setupWith();
      setup.web.files.set('/bomb', { body: gzipSync(Buffer.alloc(64 * 1024 * 1024)) });
      setup.web.files.set('/none', { body: image });
      expect(await refusal(setup, metadataOf(image, [setup.web.url('/bomb')], { compression: 'gz' }))).toMatch(
        /longer than/,
      );
      expect(await refusal(setup, metadataOf(image, [setup.web.url('/none')], { compression: 'gz' }))).toMatch(
        /are not gz/,
      );
    });
  });

  describe('a caller', () => {
    test('may give up alone: the pull goes on for the other', async () => {
      const { web, puller, vault } = await setupWith();
      web.files.set('/image', { body: image, pause: 20, etag: '"1"' });
      const metadata = metadataOf(image, [web.url('/image')]);
      const [first, second] = [new AbortController(), new AbortController()];
      const one = puller.pull(metadata, { signal: first.signal });
      const two = puller.pull(metadata, { signal: second.signal, onProgress: () => first.abort() });
      await expect(one).rejects.toMatchObject({ code: 'pull.cancelled' });
      await two;
      expect(await vault.image(metadata.identifier)).toBeDefined();
    });

    test('who gives up last ends the pull', async () => {
      const { web, puller, vault } = await setupWith();
      const { kept: ended, keep: end } = promised();
      web.files.set('/image', { body: image, pause: 20, etag: '"1"', onEnd: end });
      const metadata = metadataOf(image, [web.url('/image')]);
      const enough = new AbortController();
      const pull = puller.pull(metadata, {
        signal: enough.signal,
        onProgress: ({ fetchedBytes }) => void (fetchedBytes > 0 && enough.abort()),
      });
      await expect(pull).rejects.toMatchObject({ code: 'pull.cancelled' });
      await ended;
      expect(web.sent).toBeLessThan(image.length);
      expect(await vault.image(metadata.identifier)).toBeUndefined();
    });

    test('who asks while a pull that was given up still ends gets a pull', async () => {
      const { web, puller, vault } = await setupWith();
      web.files.set('/image', { body: image, pause: 5, etag: '"1"' });
      const metadata = metadataOf(image, [web.url('/image')]);
      const enough = new AbortController();
      const given = puller.pull(metadata, { signal: enough.signal, onProgress: () => enough.abort() });
      await expect(given).rejects.toMatchObject({ code: 'pull.cancelled' });
      const pointers = await Promise.all([puller.pull(metadata), puller.pull(metadata)]);
      expect(pointers[0]).toEqual(await vault.image(metadata.identifier));
      expect(pointers[1]).toEqual(pointers[0]);
    });
  });
});

describe('addresses', () => {
  const unreachable = { code: 'pull.unreachable' };

  test('of the loopback are refused unless the admin allows them: by number, by name, after a redirect', async () => {
    const { web, puller } = await pullSetup({ allowAddress: addressPolicy([]) });
    web.files.set('/image', { body: image });
    for (const host of [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0177.0.0.1',
      '0x7f000001',
      '0x7f.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0',
    ]) {
      await expect(puller.pull(metadataOf(image, [`http://${host}:${web.port}/image`]))).rejects.toMatchObject(
        unreachable,
      );
    }
    expect(web.requests).toHaveLength(0);
  });

  test('are judged after each redirect, and the number of redirects is bounded', async () => {
    const setup = await pullSetup({ allowAddress: addressPolicy(['127.0.0.1']) });
    const { web, puller } = setup;
    web.files.set('/image', { body: image });
    web.files.set('/aside', { body: image, redirect: `http://127.0.0.2:${web.port}/image` });
    web.files.set('/round', { body: image, redirect: '/round' });
    web.files.set('/file', { body: image, redirect: 'file:///etc/passwd' });
    for (const path of ['/aside', '/round', '/file']) {
      await expect(puller.pull(metadataOf(image, [web.url(path)]))).rejects.toMatchObject(unreachable);
    }
    expect(web.requests.filter(({ path }) => path === '/image')).toEqual([]);
    expect(web.requests.filter(({ path }) => path === '/round')).toHaveLength(6);
  });

  test('are judged as they are connected to: a name that changes its answer gains nothing', async () => {
    const answers = [['203.0.113.7'], ['127.0.0.1']];
    const { web, puller } = await pullSetup({
      allowAddress: addressPolicy([]),
      resolveName: (_, callback) =>
        callback(
          null,
          (answers.shift() ?? ['127.0.0.1']).map((address) => ({ address, family: 4 })),
        ),
    });
    web.files.set('/image', { body: image });
    const metadata = metadataOf(image, [`http://images.example:${web.port}/image`]);
    for (let turn = 0; turn < 3; turn += 1) await expect(puller.pull(metadata)).rejects.toMatchObject(unreachable);
    expect(web.requests).toHaveLength(0);
  });
});

test('a full disk refuses pulls before they begin, and counts what runs', async () => {
  const { web, puller } = await pullSetup({ freeSpace: () => Promise.resolve(64 * 1024 * 1024 + 2 * image.length) });
  web.files.set('/a', { body: image, pause: 5 });
  web.files.set('/b', { body: padded });
  const first = puller.pull(metadataOf(image, [web.url('/a')]));
  await expect(puller.pull(metadataOf(padded, [web.url('/b')]))).rejects.toMatchObject({ code: 'pull.no-room' });
  await first;
});

test('a sweep removes what is of no use, and keeps what can be gone on from', async () => {
  const setup = await pullSetup();
  const work = join(setup.folder, 'work');
  await mkdir(work);
  const metadata = metadataOf(image, [setup.web.url('/image')]);
  const other = identifierOf(9);
  const part = '0123456789ab.part';
  for (const name of [
    `${metadata.identifier}-${part}`,
    `${other}-${part}`,
    `${other}-${part}.json`,
    `${other}-${part}.image`,
    'notes',
  ]) {
    await writeFile(join(work, name), '');
  }
  await setup.puller.sweep();
  expect((await readdir(work)).sort()).toEqual(
    [`${metadata.identifier}-${part}`, `${other}-${part}`, `${other}-${part}.json`, 'notes'].sort(),
  );
  setup.web.files.set('/image', { body: image });
  await setup.puller.pull(metadata);
  await setup.puller.sweep();
  expect((await readdir(work)).sort()).toEqual([`${other}-${part}`, `${other}-${part}.json`, 'notes'].sort());
});
