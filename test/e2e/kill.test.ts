// kill -9 of the whole server: entries, images, volumes, secrets and acknowledged writes are there when it starts again.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Initiator } from '../../cli/demo/initiator.ts';
import { floraAndFauna } from '../../fixtures/flora-and-fauna.ts';
import { parseEndpoint } from '../../src/config/endpoint.ts';
import { type AttachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { mintmarkJson } from './command.ts';
import { Site } from './site.ts';

const host = 'iqn.2026-01.org.example:killed';
const image = floraAndFauna();
const block = 65_536;
const blocks = Math.floor(image.length / block);
const listed = z.looseObject({ total: z.number(), entries: z.array(z.looseObject({ identifier: z.string() })) });
let site: Site;

beforeAll(async () => {
  site = await Site.open();
});
afterAll(() => site?.close());

async function login({ iqn, lun, chap, portal }: AttachmentDetails): Promise<Initiator> {
  const { host: address, port } = parseEndpoint(portal) ?? { host: '', port: 0 };
  return await Initiator.login({ host: address, port, initiator: host, target: iqn, lun, chap });
}

/** Writes blocks until the connection breaks; resolves to how many were acknowledged. */
async function writeUntilCut(disk: Initiator): Promise<number> {
  for (let done = 0; ; done += 1) {
    try {
      await disk.write((done % blocks) * block, Buffer.alloc(block, (done % 250) + 1));
    } catch {
      return done;
    }
  }
}

test('nothing that was acknowledged is lost', async () => {
  const file = site.path('flora.iso');
  writeFileSync(file, image);
  const identifier = await site.publish(file, ['--title', 'Flora', '--os', 'none']);
  const volume = await site.volume(['--image', identifier, '--tag', 'precious']);
  const before = await site.attach(volume.uuid, host);

  const disk = await login(before);
  const writing = writeUntilCut(disk);
  await new Promise((resolve) => {
    setTimeout(resolve, 300);
  });
  await site.crash();
  const acknowledged = await writing;
  expect(acknowledged).toBeGreaterThan(0);

  expect(listed.parse(await mintmarkJson(['image', 'list'], site.env)).entries[0]?.identifier).toBe(identifier);
  const after = await site.attach(volume.uuid, host);
  expect([after.id, after.chap]).toEqual([before.id, before.chap]);
  const again = await login(after);
  // The write that was under way when the server died may have overwritten the oldest of the last round.
  const first = Math.max(0, acknowledged - blocks + 1);
  for (let done = first; done < acknowledged; done += 1) {
    const read = await again.read((done % blocks) * block, block);
    expect(read.equals(Buffer.alloc(block, (done % 250) + 1))).toBe(true);
  }
  await again.logout();
});
