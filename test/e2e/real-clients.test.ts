// Images that nobody here wrote, on their way to disks, read and written by clients that nobody here wrote.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AttachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { describeWithTools } from '../setup/tools.ts';
import { mustRun, run } from './command.ts';
import { Site } from './site.ts';

const images = [
  { name: "memtest86+'s ISO", file: '/usr/lib/memtest86+/memtest86+x64.iso', compressed: false },
  {
    name: "grub-rescue-pc's CD, gzip-compressed",
    file: '/usr/lib/grub-rescue/grub-rescue-cdrom.iso',
    compressed: true,
  },
  { name: "grub-rescue-pc's floppy", file: '/usr/lib/grub-rescue/grub-rescue-floppy.img', compressed: false },
  { name: "ipxe's ISO", file: '/usr/lib/ipxe/ipxe.iso', compressed: false },
];
const tools = ['iscsi-ls', 'iscsi-inq', 'iscsi-readcapacity16', 'qemu-img', 'qemu-io'];
const host = (name: string): string => `iqn.2026-01.org.example:${name}`;
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describeWithTools('real images and real clients', [...tools, ...images.map(({ file }) => file)], () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
  });
  afterAll(() => site?.close());

  /** The whole disk, as QEMU's initiator reads it. */
  async function readAll(attachment: AttachmentDetails): Promise<Buffer> {
    const [object, secret, disk] = site.qemuOptions(attachment);
    const out = site.path(`${attachment.id}.raw`);
    await mustRun('qemu-img', ['convert', object, secret, '--image-opts', disk, '-O', 'raw', out]);
    return readFileSync(out);
  }

  async function qemuIo(attachment: AttachmentDetails, ...commands: readonly string[]): Promise<string> {
    const [object, secret, disk] = site.qemuOptions(attachment);
    return await mustRun('qemu-io', [object, secret, '--image-opts', ...commands.flatMap((one) => ['-c', one]), disk]);
  }

  describe.each(images)('$name', ({ file, compressed }) => {
    let content: Buffer;
    let identifier: string;
    let first: AttachmentDetails;
    let second: AttachmentDetails;
    let base: AttachmentDetails;

    beforeAll(async () => {
      content = readFileSync(file);
      let published = file;
      if (compressed) {
        published = site.path(`${file.slice(file.lastIndexOf('/') + 1)}.gz`);
        writeFileSync(published, gzipSync(content));
      }
      identifier = await site.publish(published, ['--title', file, '--os', 'none', '--os-arch', 'x86_64']);
      const clone = async (): Promise<string> => (await site.volume(['--image', identifier])).uuid;
      first = await site.attach(await clone(), host('first'));
      second = await site.attach(await clone(), host('second'));
      base = await site.attach(
        (await site.volume(['--image', identifier, '--read-only'])).uuid,
        host('base'),
        '--read-only',
      );
    });

    test('iscsi-ls shows the target to its initiator, and to no other', async () => {
      const portal = `iscsi://${first.portal}`;
      expect(await mustRun('iscsi-ls', ['-i', host('first'), portal])).toContain(first.iqn);
      expect(await mustRun('iscsi-ls', ['-i', host('stranger'), portal])).not.toContain(first.iqn);
    });

    test('iscsi-inq and iscsi-readcapacity16 see the disk', async () => {
      expect(await mustRun('iscsi-inq', ['-i', host('first'), first.guide.url])).toMatch(
        /Peripheral Device Type:\s*DIRECT/u,
      );
      const capacity = await mustRun('iscsi-readcapacity16', ['-i', host('first'), first.guide.url]);
      expect(capacity).toContain(`Total size:${content.length}`);
    });

    test('another initiator, or another secret, is turned away', async () => {
      expect((await run('iscsi-inq', ['-i', host('stranger'), first.guide.url])).code).not.toBe(0);
      const wrong = first.guide.url.replace(encodeURIComponent(first.chap.secret), 'not-the-secret-at-all');
      expect((await run('iscsi-inq', ['-i', host('first'), wrong])).code).not.toBe(0);
    });

    test('QEMU reads the image bit for bit; what it writes is in one clone only', async () => {
      expect(sha256(await readAll(first))).toBe(sha256(content));
      const end = content.length - 65_536;
      await qemuIo(first, 'write -P 0xa5 4608 70000', `write -P 0x3c ${end} 65536`, 'flush');
      const seen = await qemuIo(first, 'read -P 0xa5 4608 70000', `read -P 0x3c ${end} 65536`);
      expect(seen).not.toContain('Pattern verification failed');
      const expected = Buffer.from(content);
      expected.fill(0xa5, 4608, 4608 + 70_000);
      expected.fill(0x3c, end);
      expect(sha256(await readAll(first))).toBe(sha256(expected));
      expect(sha256(await readAll(second))).toBe(sha256(content));
      expect(sha256(await readAll(base))).toBe(sha256(content));
    });
  });
});
