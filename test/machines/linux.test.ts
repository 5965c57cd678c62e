// A Linux machine with the initiator of its kernel, on a clone of an image of a whole server: cut off, trimmed, never wrong.
import { randomBytes } from 'node:crypto';
import { statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type AttachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { mustRun } from '../e2e/command.ts';
import { type Site } from '../e2e/site.ts';
import { describeWithTools } from '../setup/tools.ts';
import { allocatedBytes } from './allocated.ts';
import { Machine, userNetwork } from './machine.ts';
import { kernel, kernelFolder } from './places.ts';
import { openMachineSite } from './site.ts';

const mebibyte = 1024 * 1024;
const diskBytes = 128 * mebibyte;
/** Of every byte of the image: no file system writes it, and zeros it is not. */
const basePattern = Buffer.from(randomBytes(4093).map((byte) => byte | 1));

const tools = ['qemu-system-x86_64', 'busybox', 'cpio', 'iscsid', 'iscsiadm', 'mke2fs', 'modprobe', kernel];

describeWithTools('a Linux machine', tools, () => {
  let site: Site;
  let machine: Machine;
  let attachment: AttachmentDetails;
  let volume: string;

  beforeAll(async () => {
    site = await openMachineSite();
    const initramfs = site.path('initramfs');
    const image = site.path('base.raw');
    writeFileSync(image, Buffer.alloc(diskBytes, basePattern));
    await mustRun('bash', ['test/machines/make-initramfs.sh', kernelFolder, initramfs]);
    const boot = ['-kernel', kernel, '-initrd', initramfs, '-append', 'console=ttyS0 quiet'];
    machine = Machine.start(['-m', '512', '-smp', '2', ...userNetwork, ...boot], site.folder);
    const identifier = await site.publish(image, ['--title', 'Base', '--os', 'none', '--os-arch', 'x86_64']);
    volume = (await site.volume(['--image', identifier])).uuid;
    attachment = await site.attach(volume, 'iqn.2026-01.org.example:linux');
    await machine.hear(/machine is up\n/u, 60);
  });
  afterAll(async () => {
    await machine?.stop();
    await site?.close();
  });

  beforeEach(({ onTestFailed }) => {
    onTestFailed(() => {
      process.stderr.write(machine.said);
    });
  });

  test('logs in as the printed commands say, with CHAP and digests', async () => {
    const lines = attachment.guide.iscsiadm.split('\n');
    const login = lines.pop() ?? '';
    const node = login.replace(' --login', '');
    const digests = ['HeaderDigest', 'DataDigest'].map(
      (name) => `${node} -o update -n node.conn[0].iscsi.${name} -v CRC32C`,
    );
    await machine.run([...lines, ...digests, login].join('\n'), 60);
    await machine.run('until [ -b /dev/sda ]; do sleep 0.2; done');
    const session = await machine.run('iscsiadm -m session -P 2');
    expect(session).toContain('HeaderDigest: CRC32C');
    expect(session).toContain('DataDigest: CRC32C');
    expect(session).toContain(`username: ${attachment.chap.name}`);
    expect(Number(await machine.run('blockdev --getsize64 /dev/sda'))).toBe(diskBytes);
  });

  test('aligns to 4 KiB, whatever the physical block', async () => {
    const limits = 'physical_block_size minimum_io_size discard_granularity';
    expect(await machine.run(`cd /sys/block/sda/queue; cat ${limits}; cd /`)).toBe('512\n4096\n4096\n');
  });

  test('loses nothing of what it synced when the target is killed while it writes', async () => {
    await machine.run('/sbin/mke2fs -q -t ext4 /dev/sda && mount /dev/sda /mnt', 60);
    // Each file is made in memory, and counts from the moment at which fsync has answered.
    await machine.run(
      [
        'load() {',
        '  for i in $(seq 1000); do',
        '    [ -e /tmp/stop ] && break',
        '    head -c 1048576 /dev/urandom > /tmp/source',
        '    dd if=/tmp/source of=/mnt/$i bs=64k conv=fsync 2>/dev/null || break',
        '    sha256sum < /tmp/source | sed "s| -| /mnt/$i|" >> /tmp/synced',
        '  done',
        '}',
        ': > /tmp/synced',
        'load & echo $! > /tmp/load',
      ].join('\n'),
    );
    const synced = async (): Promise<number> => Number(await machine.run('wc -l < /tmp/synced'));
    await machine.run('while [ $(wc -l < /tmp/synced) -lt 5 ]; do sleep 0.1; done');
    const before = await synced();
    await site.crash();
    await machine.run(`while [ $(wc -l < /tmp/synced) -lt ${before + 10} ]; do sleep 0.1; done`, 90);
    await machine.run('touch /tmp/stop; wait $(cat /tmp/load)', 60);
    expect(await machine.run('dmesg')).toMatch(/detected conn error/u);
    await machine.run('umount /mnt');
    expect(await machine.run('/sbin/e2fsck -fn /dev/sda 2>&1', 60)).not.toMatch(/error|fix/iu);
    await machine.run('echo 3 > /proc/sys/vm/drop_caches; mount -o ro /dev/sda /mnt');
    const checked = await machine.run('sha256sum -c /tmp/synced', 60);
    expect(checked.match(/: OK$/gmu)).toHaveLength(await synced());
    await machine.run('umount /mnt');
  });

  test('gives space back with fstrim; what was trimmed reads as zeros, and never as the image', async () => {
    await machine.run('mount /dev/sda /mnt; rm -f /mnt/[0-9]*; /sbin/fstrim /mnt; sync', 60);
    const empty = allocatedBytes(site, volume);
    await machine.run('dd if=/dev/urandom of=/mnt/large bs=1M count=32 conv=fsync 2>/dev/null', 60);
    expect(allocatedBytes(site, volume)).toBeGreaterThan(empty + 30 * mebibyte);
    // Extents of the file, in blocks of 4 KiB: first and count.
    const extents = [
      ...(await machine.run('filefrag -b4096 -e /mnt/large')).matchAll(/^\s+\d+:.*?:\s+(\d+)\.\.\s*(\d+):/gmu),
    ];
    expect(extents.length).toBeGreaterThan(0);
    await machine.run('rm /mnt/large; sync; /sbin/fstrim /mnt; sync; echo 3 > /proc/sys/vm/drop_caches', 60);
    for (const [, first, last] of extents) {
      const count = Number(last) - Number(first) + 1;
      const read = `dd if=/dev/sda bs=4096 skip=${first ?? ''} count=${count} 2>/dev/null`;
      expect(await machine.run(`${read} | tr -d '\\0' | wc -c`, 60)).toBe('0\n');
    }
    await expect.poll(() => allocatedBytes(site, volume), { timeout: 20_000 }).toBeLessThan(empty + 8 * mebibyte);
    await machine.run('umount /mnt');
  });

  test('shows nothing of the image in what it trimmed, to others either', async () => {
    await machine.run(attachment.guide.iscsiadm.split('\n').at(-1)?.replace('--login', '--logout') ?? '', 60);
    await machine.run('sync');
    // What the file system does not use was discarded when it was made or by fstrim.
    const out = site.path('after.raw');
    const [object, secret, disk] = site.qemuOptions({ ...attachment, portal: site.server.iscsi });
    await mustRun('qemu-img', ['convert', object, secret, '--image-opts', disk, '-O', 'raw', out]);
    expect(statSync(out).blocks * 512).toBeLessThan(64 * mebibyte);
  });
});
