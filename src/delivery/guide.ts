// How to attach a disk: the commands and XML that a person pastes on a hypervisor, the secret kept out of process lists.
import { formatEndpoint, type Endpoint } from '../config/endpoint.ts';

export interface Connection {
  readonly portal: Endpoint;
  /** IQN of the target. */
  readonly target: string;
  readonly lun: number;
  /** IQN of the initiator that may log in. */
  readonly initiator: string;
  readonly chap: { readonly name: string; readonly secret: string };
  readonly readOnly: boolean;
}

export interface AttachGuide {
  /** Shell lines that start a machine with QEMU's own initiator. */
  readonly qemu: string;
  /** Shell lines (root) for the initiator of the Linux kernel. */
  readonly iscsiadm: string;
  /** Shell lines that give libvirt the secret. */
  readonly libvirtSecret: string;
  /** The `<disk>` element of a libvirt domain. */
  readonly libvirtDisk: string;
  /** Script of iPXE that boots a machine from the disk; it holds the secret. */
  readonly ipxe: string;
  /** URL for libiscsi's tools; it holds the secret. */
  readonly url: string;
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

const xmlEscapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', "'": '&apos;' };
const xmlQuoted = (text: string): string => `'${text.replaceAll(/[&<>']/gu, (sign) => xmlEscapes[sign] ?? sign)}'`;

/** QEMU's option parser takes a doubled comma for a comma. */
const optionValue = (text: string): string => text.replaceAll(',', ',,');

/** The guide for one attachment. */
export function attachGuide(connection: Connection): AttachGuide {
  const { portal, target, lun, chap } = connection;
  const credentials = `${encodeURIComponent(chap.name)}%${encodeURIComponent(chap.secret)}`;
  return {
    qemu: qemuLines(connection),
    iscsiadm: iscsiadmLines(connection),
    libvirtSecret: libvirtSecretLines(connection),
    libvirtDisk: libvirtDisk(connection),
    ipxe: ipxeScript(connection),
    url: `iscsi://${credentials}@${formatEndpoint(portal)}/${target}/${lun}`,
  };
}

const secretFile = 'mintmark-chap.secret';

function saveSecret({ chap }: Connection): string {
  return `(umask 077; printf %s ${shellQuoted(chap.secret)} > ${secretFile})`;
}

function qemuLines(connection: Connection): string {
  const { portal, target, lun, initiator, chap, readOnly } = connection;
  const blockdev = [
    'driver=iscsi,node-name=mintmark,transport=tcp',
    `portal=${optionValue(formatEndpoint(portal))},target=${optionValue(target)},lun=${lun}`,
    `initiator-name=${optionValue(initiator)},user=${optionValue(chap.name)},password-secret=chap`,
    readOnly ? 'read-only=on' : 'discard=unmap',
  ].join(',');
  return [
    saveSecret(connection),
    'qemu-system-x86_64 -m 1G \\',
    `  -object secret,id=chap,file=${secretFile} \\`,
    `  -blockdev ${shellQuoted(blockdev)} \\`,
    '  -device virtio-blk-pci,drive=mintmark',
  ].join('\n');
}

function iscsiadmLines({ portal, target, initiator, chap }: Connection): string {
  const node = `iscsiadm -m node -I mintmark -T ${shellQuoted(target)} -p ${shellQuoted(formatEndpoint(portal))}`;
  return [
    'iscsiadm -m iface -I mintmark -o new',
    `iscsiadm -m iface -I mintmark -o update -n iface.initiatorname -v ${shellQuoted(initiator)}`,
    `${node} -o new`,
    `${node} -o update -n node.session.auth.authmethod -v CHAP`,
    `${node} -o update -n node.session.auth.username -v ${shellQuoted(chap.name)}`,
    `${node} -o update -n node.session.auth.password -v ${shellQuoted(chap.secret)}`,
    `${node} --login`,
  ].join('\n');
}

function libvirtSecretLines(connection: Connection): string {
  const usage = `<usage type='iscsi'><target>${connection.target}</target></usage>`;
  return [
    saveSecret(connection),
    'cat > mintmark-secret.xml <<END',
    `<secret ephemeral='no' private='yes'>${usage}</secret>`,
    'END',
    "uuid=$(virsh secret-define mintmark-secret.xml | awk '/^Secret/ { print $2 }')",
    `virsh secret-set-value "$uuid" --file ${secretFile} --plain`,
  ].join('\n');
}

function libvirtDisk({ portal, target, lun, initiator, chap, readOnly }: Connection): string {
  return [
    "<disk type='network' device='disk'>",
    "  <driver name='qemu' type='raw' discard='unmap'/>",
    `  <source protocol='iscsi' name=${xmlQuoted(`${target}/${lun}`)}>`,
    `    <host name=${xmlQuoted(portal.host)} port='${portal.port}'/>`,
    `    <initiator><iqn name=${xmlQuoted(initiator)}/></initiator>`,
    `    <auth username=${xmlQuoted(chap.name)}><secret type='iscsi' usage=${xmlQuoted(target)}/></auth>`,
    '  </source>',
    "  <target dev='vda' bus='virtio'/>",
    ...(readOnly ? ['  <readonly/>'] : []),
    '</disk>',
  ].join('\n');
}

/** The address of the disk is RFC 4173's: its LUN is hexadecimal, and the empty field is the protocol, TCP. */
function ipxeScript({ portal, target, lun, initiator, chap }: Connection): string {
  const host = portal.host.includes(':') ? `[${portal.host}]` : portal.host;
  return [
    '#!ipxe',
    'dhcp',
    `set initiator-iqn ${initiator}`,
    `set username ${chap.name}`,
    `set password ${chap.secret}`,
    `sanboot iscsi:${host}::${portal.port}:${lun.toString(16)}:${target}`,
  ].join('\n');
}
