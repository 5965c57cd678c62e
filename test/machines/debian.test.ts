// A real Debian, built from its packages, signed, uploaded, pulled and cloned: two clones boot to a login beside each other.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Site } from '../e2e/site.ts';
import { describeWithTools } from '../setup/tools.ts';
import { allocatedBytes } from './allocated.ts';
import { Machine } from './machine.ts';
import { debianImage } from './places.ts';

const mebibyte = 1024 * 1024;
/** Seconds; two machines share what the processor has. */
const boot = 240;

/** Logs in at the serial port, and comes back with a shell that echoes nothing. */
async function login(machine: Machine): Promise<void> {
  await machine.hear(/mint login: /u, boot);
  machine.type('root\n');
  await machine.hear(/:~# /u, 60);
  // Of bash, the editor of command lines would paint over what is read here.
  machine.type("stty -echo -onlcr; exec env PS1= sh -c 'echo ready; exec sh'\n");
  await machine.hear(/\nready\n/u, 30);
}

describeWithTools('a Debian image', ['qemu-system-x86_64', debianImage], () => {
  let site: Site;
  let identifier: string;
  beforeAll(async () => {
    site = await Site.open();
    const about = ['--title', 'Debian', '--os', 'debian', '--os-version', '12', '--os-arch', 'x86_64'];
    identifier = await site.publish(debianImage, about);
  });
  afterAll(() => site?.close());

  /** Makes a clone and starts a machine on it, as the printed commands say. */
  async function start(host: string): Promise<{ readonly volume: string; readonly machine: Machine }> {
    const { uuid } = await site.volume(['--image', identifier, '--tag', host]);
    const { guide } = await site.attach(uuid, `iqn.2026-01.org.example:${host}`);
    return { volume: uuid, machine: Machine.paste(guide.qemu, site.folder) };
  }

  test('two clones boot to a login beside each other, and what one writes the other never sees', async () => {
    const first = await start('one');
    const second = await start('two');
    const one = first.machine;
    const two = second.machine;
    try {
      await Promise.all([login(one), login(two)]);
      expect(await one.run('. /etc/os-release; echo $ID $VERSION_ID')).toBe('debian 12\n');
      await one.run('echo one > /who; sync');
      expect(await two.run('ls /who 2>&1 || true')).toMatch(/No such file/u);
      await two.run('echo two > /who; sync; echo 3 > /proc/sys/vm/drop_caches');
      await one.run('echo 3 > /proc/sys/vm/drop_caches');
      expect([await one.run('cat /who'), await two.run('cat /who')]).toEqual(['one\n', 'two\n']);
      // Every file of the packages is as Debian made it: read from the disk, through the clone.
      expect(await two.run('dpkg --verify login coreutils libc6 | grep -v "missing " || true', 120)).toBe('');
      // QEMU passes on what the machine trims.
      const before = allocatedBytes(site, second.volume);
      await two.run('dd if=/dev/urandom of=/large bs=1M count=16 2>/dev/null; sync', 60);
      expect(allocatedBytes(site, second.volume)).toBeGreaterThan(before + 14 * mebibyte);
      await two.run('rm /large; sync; fstrim /', 60);
      await expect
        .poll(() => allocatedBytes(site, second.volume), { timeout: 20_000 })
        .toBeLessThan(before + 4 * mebibyte);
    } finally {
      await Promise.all([one.stop(), two.stop()]);
    }
  }, 300_000);
});
