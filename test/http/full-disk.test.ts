// A pull of a running server whose disk fills up: its job says so, nothing half there is left, and it goes on when there is room.
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { jobAnswer } from '../../src/http/routes/jobs/schema.ts';
import { promised } from '../jobs/site.ts';
import { startWebServer, type ServedFile } from '../pull/web-server.ts';
import { describeWithTools, findTool } from '../setup/tools.ts';
import { noise, temporaryFolder } from '../vault/fresh-vault.ts';
import { TestServer } from './running-server.ts';

const run = promisify(execFile);
const needsRoot = process.getuid?.() === 0 ? [] : ['root (to mount a small file system)'];
const image = noise(8 * 1024 * 1024, 'too much for the disk');

/** A file system of its own of so many MiB, and how to make it larger. */
async function smallDisk(
  mebibytes: number,
): Promise<{ readonly path: string; grow: (to: number) => Promise<unknown> }> {
  const path = join(await temporaryFolder(), 'small');
  await mkdir(path);
  await run(findTool('mount') ?? 'mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path]);
  onTestFinished(async () => void (await run(findTool('umount') ?? 'umount', ['-l', path])));
  return { path, grow: (to) => run(findTool('mount') ?? 'mount', ['-o', `remount,size=${to}m`, path]) };
}

async function serverWith(
  flags: Readonly<Record<string, unknown>>,
  served: Omit<ServedFile, 'body'> = {},
): Promise<{ readonly server: TestServer; readonly identifier: string }> {
  const server = await TestServer.open(flags);
  onTestFinished(() => server.close());
  const web = await startWebServer();
  web.files.set('/image', { body: image, etag: '"1"', ...served });
  const { document } = await server.creator.publish(image, 'Large', web.url('/image'));
  const { entry } = (await (await server.upload(document)).json()) as { entry: { identifier: string } };
  return { server, identifier: entry.identifier };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
}

describeWithTools('a pull as a job', ['mount', 'umount', ...needsRoot], () => {
  test('into a vault that is full: it fails with its reason, keeps nothing, and ends well once there is room', async () => {
    const { path, grow } = await smallDisk(4);
    const { server, identifier } = await serverWith({ vault: join(path, 'vault') });
    const refused = await server.operator('POST', '/volumes', { image: identifier });
    expect(refused).toMatchObject({ status: 507, body: { code: 'vault.full' } });
    const shown = jobAnswer.parse((await server.operator('GET', `/jobs/${String(refused.body['job'])}`)).body);
    expect(shown).toMatchObject({ kind: 'pull', key: identifier, state: 'failed', failure: { code: 'vault.full' } });
    expect((await server.operator('GET', `/cache/${identifier}`)).body).toMatchObject({
      image: null,
      failure: { code: 'vault.full', job: shown.id },
    });
    expect((await filesBelow(path)).filter((file) => /packs|images|intents|unfinished/u.test(file))).toEqual([]);
    await grow(100);
    expect((await server.operator('POST', '/volumes', { image: identifier })).status).toBe(201);
  });

  test('while somebody else fills the disk that also holds the books: what was fetched makes room for them, it fails with its reason, and ends well later', async () => {
    // More than is set aside for the pull, so that it begins.
    const { path } = await smallDisk(100);
    const filler = join(path, 'filler');
    let filled: Promise<void> | undefined;
    // As much as there is: the last write is a short one.
    const fill = (): Promise<void> => writeFile(filler, Buffer.alloc(128 * 1024 * 1024)).catch(() => undefined);
    const { kept: givenUp, keep: giveUp } = promised();
    const { server, identifier } = await serverWith(
      { data: join(path, 'data'), vault: join(await temporaryFolder(), 'vault') },
      { onPiece: (offset) => (offset > image.length / 2 ? (filled ??= fill()) : undefined), onEnd: giveUp },
    );
    const begun = await server.operator('POST', `/cache/${identifier}?wait=false`);
    const job = async () => jobAnswer.parse((await server.operator('GET', `/jobs/${String(begun.body['job'])}`)).body);
    await givenUp;
    expect(filled).toBeDefined();
    await expect.poll(async () => (await job()).state, { timeout: 20_000 }).toBe('failed');
    expect(await job()).toMatchObject({ failure: { code: 'pull.no-room' }, attempts: [{ outcome: 'failed' }] });
    expect((await server.upload(await server.document('other.img', Buffer.alloc(1000)))).status).toBe(201);
    rmSync(filler);
    expect((await server.operator('POST', `/cache/${identifier}`)).body).toMatchObject({ image: { identifier } });
  });
});
