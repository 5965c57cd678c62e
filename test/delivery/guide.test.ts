// The commands and XML that people paste: they hold what they must, and hostile names do not break out of them.
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { attachGuide, type Connection } from '../../src/delivery/guide.ts';

const connection: Connection = {
  portal: { host: '127.0.0.1', port: 3260 },
  target: 'iqn.2026-01.io.mintmark:volume',
  lun: 1,
  initiator: 'iqn.2026-01.org.example:host-1',
  chap: { name: 'volume', secret: 'twelve-or-more' },
  readOnly: false,
};

test('the guide names portal, target, initiator and secret', () => {
  expect(attachGuide(connection)).toMatchInlineSnapshot(`
    {
      "ipxe": "#!ipxe
    dhcp
    set initiator-iqn iqn.2026-01.org.example:host-1
    set username volume
    set password twelve-or-more
    sanboot iscsi:127.0.0.1::3260:1:iqn.2026-01.io.mintmark:volume",
      "iscsiadm": "iscsiadm -m iface -I mintmark -o new
    iscsiadm -m iface -I mintmark -o update -n iface.initiatorname -v 'iqn.2026-01.org.example:host-1'
    iscsiadm -m node -I mintmark -T 'iqn.2026-01.io.mintmark:volume' -p '127.0.0.1:3260' -o new
    iscsiadm -m node -I mintmark -T 'iqn.2026-01.io.mintmark:volume' -p '127.0.0.1:3260' -o update -n node.session.auth.authmethod -v CHAP
    iscsiadm -m node -I mintmark -T 'iqn.2026-01.io.mintmark:volume' -p '127.0.0.1:3260' -o update -n node.session.auth.username -v 'volume'
    iscsiadm -m node -I mintmark -T 'iqn.2026-01.io.mintmark:volume' -p '127.0.0.1:3260' -o update -n node.session.auth.password -v 'twelve-or-more'
    iscsiadm -m node -I mintmark -T 'iqn.2026-01.io.mintmark:volume' -p '127.0.0.1:3260' --login",
      "libvirtDisk": "<disk type='network' device='disk'>
      <driver name='qemu' type='raw' discard='unmap'/>
      <source protocol='iscsi' name='iqn.2026-01.io.mintmark:volume/1'>
        <host name='127.0.0.1' port='3260'/>
        <initiator><iqn name='iqn.2026-01.org.example:host-1'/></initiator>
        <auth username='volume'><secret type='iscsi' usage='iqn.2026-01.io.mintmark:volume'/></auth>
      </source>
      <target dev='vda' bus='virtio'/>
    </disk>",
      "libvirtSecret": "(umask 077; printf %s 'twelve-or-more' > mintmark-chap.secret)
    cat > mintmark-secret.xml <<END
    <secret ephemeral='no' private='yes'><usage type='iscsi'><target>iqn.2026-01.io.mintmark:volume</target></usage></secret>
    END
    uuid=$(virsh secret-define mintmark-secret.xml | awk '/^Secret/ { print $2 }')
    virsh secret-set-value "$uuid" --file mintmark-chap.secret --plain",
      "qemu": "(umask 077; printf %s 'twelve-or-more' > mintmark-chap.secret)
    qemu-system-x86_64 -m 1G \\
      -object secret,id=chap,file=mintmark-chap.secret \\
      -blockdev 'driver=iscsi,node-name=mintmark,transport=tcp,portal=127.0.0.1:3260,target=iqn.2026-01.io.mintmark:volume,lun=1,initiator-name=iqn.2026-01.org.example:host-1,user=volume,password-secret=chap,discard=unmap' \\
      -device virtio-blk-pci,drive=mintmark",
      "url": "iscsi://volume%twelve-or-more@127.0.0.1:3260/iqn.2026-01.io.mintmark:volume/1",
    }
  `);
});

test('an IPv6 portal is bracketed, read-only is said', () => {
  const guide = attachGuide({ ...connection, portal: { host: '::1', port: 3260 }, readOnly: true });
  expect(guide.qemu).toContain('portal=[::1]:3260');
  expect(guide.qemu).toContain('read-only=on');
  expect(guide.libvirtDisk).toContain('<readonly/>');
  expect(guide.ipxe).toContain('\nsanboot iscsi:[::1]::3260:1:iqn.2026-01.io.mintmark:volume');
});

test('quotes and commas in names stay inside their arguments', () => {
  const guide = attachGuide({ ...connection, initiator: "iqn.2026-01.x:a'$(touch x),b<&>" });
  const command = guide.qemu
    .replace('qemu-system-x86_64', String.raw`printf '%s\n'`)
    .split('\n')
    .slice(1)
    .join('\n');
  const shown = execFileSync('sh', ['-c', command], { encoding: 'utf8' });
  expect(shown).toContain("initiator-name=iqn.2026-01.x:a'$(touch x),,b<&>,user=");
  expect(guide.libvirtDisk).toContain('a&apos;$(touch x),b&lt;&amp;&gt;');
});
