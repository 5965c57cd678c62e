// libvirt takes what is printed: the secret, the disk, and a machine that boots from it.
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AttachmentDetails } from '../../src/http/routes/attachments/schema.ts';
import { Site } from '../e2e/site.ts';
import { describeWithTools } from '../setup/tools.ts';
import { Libvirt } from './libvirt-daemon.ts';

const rescue = '/usr/lib/grub-rescue/grub-rescue-usb.img';
const tools = ['libvirtd', 'virsh', 'virt-xml-validate', 'xmllint', 'setpriv', 'qemu-system-x86_64', rescue];

describeWithTools('libvirt', tools, () => {
  let site: Site;
  let libvirt: Libvirt;
  let attachment: AttachmentDetails;
  beforeAll(async () => {
    site = await Site.open();
    // The daemon may run under another user.
    chmodSync(site.folder, 0o711);
    libvirt = await Libvirt.start(site.path('libvirt'));
    const identifier = await site.publish(rescue, ['--title', 'GRUB rescue', '--os', 'none', '--os-arch', 'x86_64']);
    const { uuid } = await site.volume(['--image', identifier]);
    attachment = await site.attach(uuid, 'iqn.2026-01.org.example:libvirt');
  });
  afterAll(async () => {
    await libvirt?.shell('virsh destroy machine >/dev/null 2>&1 || true');
    await libvirt?.stop();
    await site?.close();
  });

  function domain(): string {
    return [
      "<domain type='qemu'>",
      '<name>machine</name>',
      "<memory unit='MiB'>256</memory>",
      "<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/><bios useserial='yes'/></os>",
      '<features><acpi/></features>',
      '<devices>',
      attachment.guide.libvirtDisk,
      `<serial type='file'><source path='${join(libvirt.folder, 'serial.log')}'/></serial>`,
      '</devices>',
      '</domain>',
    ].join('\n');
  }

  test('the printed XML is valid', async () => {
    writeFileSync(join(libvirt.folder, 'domain.xml'), domain());
    expect(await libvirt.shell('virt-xml-validate domain.xml domain 2>&1')).toContain('validates');
    await libvirt.shell(attachment.guide.libvirtSecret);
    expect(await libvirt.shell('virt-xml-validate mintmark-secret.xml secret 2>&1')).toContain('validates');
  });

  test('the printed commands give it the secret', async () => {
    expect(await libvirt.shell('virsh secret-list')).toContain(attachment.iqn);
  });

  test('a machine with the printed disk boots from it', async () => {
    await libvirt.shell('virsh define domain.xml && virsh start machine');
    expect(await libvirt.shell('virsh domblklist machine')).toContain(attachment.iqn);
    const log = join(libvirt.folder, 'serial.log');
    await expect
      .poll(() => (existsSync(log) ? readFileSync(log, 'latin1') : ''), { timeout: 90_000, interval: 200 })
      .toMatch(/highlighted entry/u);
  });
});
