// A volume grows while it is attached, and the initiator that uses it sees the new size.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithTools } from '../setup/tools.ts';
import { mintmarkJson, mustRun } from './command.ts';
import { Site } from './site.ts';

const host = 'iqn.2026-01.org.example:growing';

describeWithTools('resize', ['iscsi-readcapacity16', 'qemu-io'], () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
  });
  afterAll(() => site?.close());

  test('the disk is larger at once, and what it held is there', async () => {
    const file = site.path('small.img');
    writeFileSync(file, Buffer.alloc(1024 * 1024, 0x5a));
    const volume = await site.volume(['--image', await site.publish(file, ['--title', 'Small'])]);
    const attachment = await site.attach(volume.uuid, host);
    await mintmarkJson(['volume', 'resize', volume.uuid, '4M'], site.env);
    const capacity = await mustRun('iscsi-readcapacity16', ['-i', host, attachment.guide.url]);
    expect(capacity).toContain(`Total size:${4 * 1024 * 1024}`);
    const [object, secret, disk] = site.qemuOptions(attachment);
    const checks = ['read -P 0x5a 0 1M', 'read -P 0 1M 3M', 'write -P 0x11 3M 1M', 'read -P 0x11 3M 1M'];
    const commands = checks.flatMap((command) => ['-c', command]);
    const seen = await mustRun('qemu-io', [object, secret, '--image-opts', ...commands, disk]);
    expect(seen).not.toContain('Pattern verification failed');
  });
});
