// Disks as what machines boot from: QEMU's own initiator, and iPXE with nothing but a network card.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AttachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { Site } from '../e2e/site.ts';
import { describeWithTools } from '../setup/tools.ts';
import { Machine, userNetwork } from './machine.ts';
import { hostAddress } from './site.ts';

const rescue = '/usr/lib/grub-rescue/grub-rescue-usb.img';
const ipxe = '/usr/lib/ipxe/ipxe.lkrn';

/** What GRUB's command line lists: by then it has read itself, its modules and its configuration from the disk. */
async function disksOfGrub(machine: Machine): Promise<string> {
  await machine.hear(/highlighted entry/u, 60);
  machine.type('c');
  await machine.hear(/grub>/u, 30);
  machine.type('ls\r');
  return (await machine.hear(/\n\(.*\)/u, 30))[0];
}

describeWithTools('machines that boot from a disk over iSCSI', ['qemu-system-x86_64', rescue, ipxe], () => {
  let site: Site;
  let identifier: string;
  beforeAll(async () => {
    site = await Site.open();
    identifier = await site.publish(rescue, ['--title', 'GRUB rescue', '--os', 'none', '--os-arch', 'x86_64']);
  });
  afterAll(() => site?.close());

  async function attach(host: string): Promise<AttachmentDetails> {
    const { uuid } = await site.volume(['--image', identifier]);
    return await site.attach(uuid, `iqn.2026-01.org.example:${host}`);
  }

  test("QEMU's own initiator, as the printed commands say", async () => {
    const machine = Machine.paste((await attach('qemu')).guide.qemu, site.folder);
    try {
      await machine.hear(/Booting from Hard Disk/u, 60);
      expect(await disksOfGrub(machine)).toContain('(hd0)');
    } finally {
      await machine.stop();
    }
  });

  test("QEMU's own initiator, straight from the printed iscsi:// address", async () => {
    const { guide } = await attach('qemu-url');
    const machine = Machine.start(
      ['-iscsi', 'initiator-name=iqn.2026-01.org.example:qemu-url', '-drive', `file=${guide.url},format=raw,if=virtio`],
      site.folder,
    );
    try {
      expect(await disksOfGrub(machine)).toContain('(hd0)');
    } finally {
      await machine.stop();
    }
  });

  test('iPXE, by the printed script with sanboot', async () => {
    // iPXE takes the file that follows it in memory for a script.
    const script = site.path('boot.ipxe');
    writeFileSync(
      script,
      `${(await attach('ipxe')).guide.ipxe.replace('iscsi:127.0.0.1:', `iscsi:${hostAddress}:`)}\n`,
    );
    const machine = Machine.start(['-m', '256', ...userNetwork, '-kernel', ipxe, '-initrd', script], site.folder);
    try {
      await machine.hear(/Registered SAN device/u, 60);
      expect(await disksOfGrub(machine)).toContain('(cd)');
    } finally {
      await machine.stop();
    }
  });
});
