// Real signed documents by the thousand: many endorsers with keys of their own, images as varied as a marketplace's.
import { createHash } from 'node:crypto';
import { buildMetadata, type MetadataFields } from '../../src/metadata/build.ts';
import { generateCertificate } from '../../src/signature/generate.ts';
import { type Signer } from '../../src/signature/keys.ts';
import { signDocument } from '../../src/signature/sign.ts';

const systems = [
  ['centos', ['5.5', '6.2', '7']],
  ['ubuntu', ['10.04', '12.04', '22.04', '24.04']],
  ['debian', ['6', '11', '12', '13']],
  ['ttylinux', ['9.7', '12.1']],
  ['opensuse', ['11.4', '15.6']],
  ['fedora', ['14', '41']],
  ['scientific-linux', ['5.5', '6.1']],
  ['freebsd', ['13.2', '14.1']],
] as const;
const roles = [
  'base image',
  'web server',
  'compute node',
  'grid worker',
  'desktop',
  'database',
  'build host',
  'storage head',
];
const tools = [
  'compilers',
  'openmpi',
  'apache',
  'cernvm',
  'blast',
  'matlab',
  'hadoop',
  'postgresql',
  'cloud-init',
  'root',
];

/** A repeatable pseudo-random number below `limit`. */
export function picker(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 12), 0x297a2d39) >>> 0;
    return ((mixed ^ (mixed >>> 15)) >>> 0) % limit;
  };
}

function pick<Value>(random: (limit: number) => number, list: readonly [Value, ...Value[]] | readonly Value[]): Value {
  const value = list[random(list.length)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

/** The fields of image `number`; about one in fifty has been withdrawn, one in twenty has expired. */
export function fieldsOf(number: number): MetadataFields {
  const random = picker(number + 1);
  const [os, versions] = pick(random, systems);
  const role = pick(random, roles);
  const sha1 = createHash('sha1').update(`image ${number}`).digest('hex');
  return {
    bytes: 200_000_000 + random(2_000_000_000),
    checksums: { 'SHA-1': sha1, 'SHA-256': createHash('sha256').update(`image ${number}`).digest('hex') },
    type: 'machine',
    kinds: [random(12) === 0 ? 'disk' : 'machine'],
    title: `${os} ${role} ${number}`,
    description: `A ${role} with ${pick(random, tools)} and ${pick(random, tools)}, for tests of the marketplace.`,
    creator: 'Jane Tester',
    format: pick(random, ['raw', 'qcow2', 'vmdk', 'iso'] as const),
    compression: 'gz',
    locations: [`https://images.example.org/${sha1}.img.gz`],
    os,
    osVersion: pick(random, versions),
    osArch: pick(random, ['x86_64', 'x86_64', 'i486', 'aarch64']),
    hypervisors: random(3) === 0 ? ['kvm', 'xen'] : ['kvm'],
    disksBuses: ['virtio'],
    foreign: [],
    ...(random(9) === 0 ? { tag: pick(random, ['stable', 'testing', 'latest']) } : {}),
    ...(random(20) === 0 ? { valid: '2026-01-01T00:00:00Z' } : {}),
    ...(random(50) === 0 ? { deprecated: 'superseded' } : {}),
  };
}

const firstMoment = Date.parse('2024-01-01T00:00:00Z');

/** Endorsers with EC P-256 keys, one for each hundred documents up to fifty. */
export async function makeEndorsers(documents: number): Promise<readonly Signer[]> {
  const count = Math.max(1, Math.min(50, Math.floor(documents / 100)));
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const subject = { name: `Endorser ${index}`, email: `endorser${index}@example.org`, organization: 'Bench' };
      const { signer } = await generateCertificate(subject, 'ec-p256', { now: new Date(firstMoment), days: 3650 });
      return signer;
    }),
  );
}

/** Document `number`, signed by one of the endorsers; one in ten is a newer entry of the image before it. */
export function signedDocument(number: number, endorsers: readonly Signer[]): Buffer {
  const image = number % 10 === 9 ? number - 1 : number;
  const signer = pick(picker(image), endorsers);
  const created = new Date(firstMoment + number * 600_000);
  return Buffer.from(signDocument(buildMetadata(fieldsOf(image), '2024-01-01T00:00:00Z'), signer, { created }));
}
