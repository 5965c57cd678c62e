// A bit that flipped in the vault, met by a machine that reads its disk: never served, fetched again from the location, and right when it is read next.
import { readdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Initiator } from '../../cli/demo/initiator.ts';
import { parseEndpoint } from '../../src/config/endpoint.ts';
import { attachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { startWebServer } from '../pull/web-server.ts';
import { noise } from '../vault/fresh-vault.ts';
import { TestServer } from './running-server.ts';

const host = 'iqn.2026-01.org.example:reader';
const image = noise(8 * chunkBytes, 'read and healed');
const damaged = image.subarray(3 * chunkBytes, 4 * chunkBytes);

/** Flips a bit of the stored bytes; how many copies there were. */
async function flip(folder: string, bytes: Buffer): Promise<number> {
  let copies = 0;
  for (const entry of readdirSync(join(folder, 'packs'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const pack = await readFile(path);
    const at = pack.indexOf(bytes);
    if (at === -1) continue;
    pack[at + 5000] = (pack[at + 5000] ?? 0) ^ 16;
    await writeFile(path, pack);
    copies += 1;
  }
  return copies;
}

test('a machine that meets a flipped bit gets an error, and then what was signed', async () => {
  const server = await TestServer.open();
  onTestFinished(() => server.close());
  const web = await startWebServer();
  web.files.set('/image', { body: image, etag: '"1"' });
  const { document } = await server.creator.publish(image, 'Healed', web.url('/image'));
  const { entry } = (await (await server.upload(document)).json()) as { entry: { identifier: string } };
  expect((await server.operator('POST', `/cache/${entry.identifier}`)).status).toBe(200);
  expect(await flip(join(server.folder, 'data', 'vault'), damaged)).toBe(1);
  web.requests.length = 0;

  const { body: volume } = await server.operator('POST', '/volumes', { image: entry.identifier });
  const attached = await server.operator('POST', '/attachments', { volume: volume['uuid'], initiator: host });
  const { iqn, lun, chap, portal } = attachmentDetails.parse(attached.body);
  const { host: address, port } = parseEndpoint(portal) ?? { host: '', port: 0 };
  const disk = await Initiator.login({ host: address, port, initiator: host, target: iqn, lun, chap });
  onTestFinished(() => disk.logout().catch(() => undefined));
  const read = (at: number): Promise<Buffer> => disk.read(at, 65_536);
  const answers: (Buffer | undefined)[] = [];
  await expect
    .poll(
      async () => {
        const answer = await read(3 * chunkBytes).catch(() => undefined);
        answers.push(answer);
        return answer;
      },
      { timeout: 20_000 },
    )
    .toBeDefined();
  expect(answers[0]).toBeUndefined();
  expect(answers.at(-1)?.equals(damaged.subarray(0, 65_536))).toBe(true);
  for (let at = 0; at < image.length; at += 65_536)
    expect((await read(at)).equals(image.subarray(at, at + 65_536))).toBe(true);
  expect(web.requests).toEqual([{ path: '/image', range: `bytes=${3 * chunkBytes}-${4 * chunkBytes - 1}` }]);
  expect((await server.operator('POST', '/cache/scrubs', {})).body).toMatchObject({ broken: [] });
});
