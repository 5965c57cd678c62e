// Initiators that nobody here wrote: libiscsi's tools, qemu-img and qemu-io, against the real command.
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findTool, describeWithTools } from '../../setup/tools.ts';
import { serveFile, type ServedDisk, testIqn } from '../serve.ts';

const run = promisify(execFile);
const size = 8 * 1024 * 1024 + 512;
const secret = 'a-secret-of-CHAP';
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const tool = (name: string): string => findTool(name) ?? name;

describeWithTools('real initiators', ['iscsi-ls', 'iscsi-inq', 'iscsi-readcapacity16', 'qemu-img', 'qemu-io'], () => {
  let folder: string;
  let image: string;
  let disk: ServedDisk;
  let url: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mintmark-iscsi-'));
    image = join(folder, 'disk.raw');
    writeFileSync(image, randomBytes(size));
    writeFileSync(join(folder, 'secret'), `${secret}\n`);
    disk = await serveFile(image);
    url = disk.urls[0] ?? '';
  });
  afterAll(async () => {
    await disk.stop();
    rmSync(folder, { recursive: true });
  });

  test('iscsi-ls discovers the target and its LUN', async () => {
    const { stdout } = await run(tool('iscsi-ls'), ['-s', `iscsi://${disk.portals[0] ?? ''}`]);
    expect(stdout).toContain(`Target:${testIqn} Portal:${disk.portals[0] ?? ''},1`);
    expect(stdout).toMatch(/Lun:1 +Type:DIRECT_ACCESS \(Size:8M\)/);
  });

  test('iscsi-inq and iscsi-readcapacity16 see the disk', async () => {
    const inquiry = await run(tool('iscsi-inq'), [url]);
    expect(inquiry.stdout).toContain('Vendor:MINTMARK');
    const capacity = await run(tool('iscsi-readcapacity16'), [url]);
    expect(capacity.stdout).toContain(`Total size:${size}`);
  });

  test('qemu-img reads the image bit for bit', async () => {
    const copy = join(folder, 'copy.raw');
    await run(tool('qemu-img'), ['convert', '-f', 'raw', '-O', 'raw', url, copy]);
    expect(sha256(readFileSync(copy))).toBe(sha256(readFileSync(image)));
  });

  test('with header digests (CRC32C) the image reads the same', async () => {
    const copy = join(folder, 'digests.raw');
    const portal = disk.portals[0] ?? '';
    const source = `driver=iscsi,transport=tcp,portal=${portal},target=${testIqn},lun=1,header-digest=crc32c`;
    await run(tool('qemu-img'), ['convert', '--image-opts', source, '-O', 'raw', copy]);
    expect(sha256(readFileSync(copy))).toBe(sha256(readFileSync(image)));
  });

  test('qemu-io reads back what it wrote, and zeros where it discarded', async () => {
    const commands = ['write -P 7 512 1M', 'read -P 7 512 1M', 'discard 64k 64k', 'read -P 0 64k 64k', 'flush'];
    const { stdout } = await run(tool('qemu-io'), ['-f', 'raw', ...commands.flatMap((each) => ['-c', each]), url]);
    expect(stdout).not.toMatch(/failed|error/i);
    const written = readFileSync(image);
    expect(written.subarray(512, 65_536).every((byte) => byte === 7)).toBe(true);
    expect(written.subarray(65_536, 131_072).every((byte) => byte === 0)).toBe(true);
  });

  test('CHAP lets in who knows the secret, and nobody else', async () => {
    const guarded = await serveFile(image, ['--chap-user', 'anna', '--chap-secret-file', join(folder, 'secret')]);
    const [portal] = guarded.portals;
    const as = (user: string, password: string): string => `iscsi://${user}%${password}@${portal ?? ''}/${testIqn}/1`;
    try {
      await run(tool('iscsi-inq'), [as('anna', secret)]);
      await expect(run(tool('iscsi-inq'), [as('anna', 'another-secret-12')])).rejects.toThrow('failed');
      await expect(run(tool('iscsi-inq'), [as('otto', secret)])).rejects.toThrow('failed');
      await expect(run(tool('iscsi-inq'), [`iscsi://${portal ?? ''}/${testIqn}/1`])).rejects.toThrow('failed');
    } finally {
      await guarded.stop();
    }
  });

  test('a read-only export refuses writes', async () => {
    const fixed = await serveFile(image, ['--read-only']);
    try {
      const reading = ['-r', '-f', 'raw', '-c', 'read 0 4k', fixed.urls[0] ?? ''];
      await run(tool('qemu-io'), reading);
      const writing = ['-f', 'raw', '-c', 'write -P 1 0 4k', fixed.urls[0] ?? ''];
      await expect(run(tool('qemu-io'), writing)).rejects.toThrow('Command failed');
    } finally {
      await fixed.stop();
    }
  });
});
