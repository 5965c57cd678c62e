// Signed documents as varied as a marketplace's: what each says follows from a seed and its number alone.
import { createHash } from 'node:crypto';
import { buildMetadata, type MetadataFields } from '../../src/metadata/build.ts';
import { generateCertificate } from '../../src/signature/generate.ts';
import { signerFromPem, type Signer } from '../../src/signature/keys.ts';
import { signDocument } from '../../src/signature/sign.ts';

const systems = [
  ['centos', 'CentOS', ['5.5', '6.2', '7']],
  ['ubuntu', 'Ubuntu', ['10.04', '12.04', '22.04', '24.04']],
  ['debian', 'Debian', ['6', '11', '12', '13']],
  ['ttylinux', 'ttylinux', ['9.7', '12.1']],
  ['opensuse', 'openSUSE', ['11.4', '15.6']],
  ['fedora', 'Fedora', ['14', '41']],
  ['scientific-linux', 'Scientific Linux', ['5.5', '6.1']],
  ['freebsd', 'FreeBSD', ['13.2', '14.1']],
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
] as const;
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
] as const;
const places = ['Orsay', 'Athens', 'Dublin', 'Madrid', 'Geneva', 'Karlsruhe', 'Amsterdam', 'Lyon'] as const;

type Random = (limit: number) => number;

/** A repeatable pseudo-random number below `limit`. */
export function picker(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 12), 0x297a2d39) >>> 0;
    return ((mixed ^ (mixed >>> 15)) >>> 0) % limit;
  };
}

export function pick<Value>(random: Random, list: readonly Value[]): Value {
  const value = list[random(list.length)];
  if (value === undefined) throw new Error('nothing to pick from');
  return value;
}

/** The fields of image `number`; about one in fifty has been withdrawn, one in twenty has expired. */
function fieldsOf(seed: number, number: number): MetadataFields {
  const random = picker(Math.imul(seed, 0x9e3779b1) ^ (number + 1));
  const [os, system, versions] = pick(random, systems);
  const osVersion = pick(random, versions);
  const role = pick(random, roles);
  const [first, second] = [pick(random, tools), pick(random, tools)];
  const digest = (algorithm: string): string => createHash(algorithm).update(`image ${seed} ${number}`).digest('hex');
  const sha1 = digest('sha1');
  return {
    bytes: 200_000_000 + random(2_000_000_000),
    checksums: { 'MD5': digest('md5'), 'SHA-1': sha1, 'SHA-256': digest('sha256') },
    type: 'machine',
    kinds: [random(12) === 0 ? 'disk' : 'machine'],
    title: `${system} ${osVersion} ${role} for ${pick(random, places)}, build ${number}`,
    description: `A ${role} with ${first} and ${second}. Log in as root with the key that the contextualization gives.`,
    creator: `Image team of ${pick(random, places)}`,
    format: pick(random, ['raw', 'qcow2', 'qcow2', 'vmdk', 'iso'] as const),
    compression: 'gz',
    locations: [`https://images.example.org/${os}/${sha1}.img.gz`],
    os,
    osVersion,
    osArch: pick(random, ['x86_64', 'x86_64', 'i486', 'aarch64']),
    hypervisors: random(3) === 0 ? ['kvm', 'xen'] : ['kvm'],
    disksBuses: ['virtio'],
    foreign: [],
    ...(random(9) === 0 ? { tag: pick(random, ['stable', 'testing', 'latest']) } : {}),
    ...(random(20) === 0 ? { valid: '2026-01-01T00:00:00Z' } : {}),
    ...(random(50) === 0 ? { deprecated: 'superseded' } : {}),
  };
}

const firstMoment = Date.parse('2021-01-01T00:00:00Z');
/** Between one endorsement and the next. */
const apart = 120_000;

export interface EndorserKey {
  readonly keyPem: string;
  readonly certificatePem: string;
}

/** How many endorsers so many documents have: one for each hundred, up to two hundred. */
export const endorsersOf = (documents: number): number => Math.max(1, Math.min(200, Math.floor(documents / 100)));

export const emailOf = (endorser: number): string => `endorser${endorser}@example.org`;

/** Endorsers with EC P-256 keys and self-signed certificates; keys are made anew each time. */
export async function makeEndorsers(count: number): Promise<readonly EndorserKey[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const subject = { name: `Endorser ${index}`, email: emailOf(index), organization: 'Bench' };
      const made = await generateCertificate(subject, 'ec-p256', { now: new Date(firstMoment), days: 3650 });
      return { keyPem: made.privateKeyPem, certificatePem: made.certificatePem };
    }),
  );
}

export const signersOf = (keys: readonly EndorserKey[]): readonly Signer[] =>
  keys.map(({ keyPem, certificatePem }) => signerFromPem(keyPem, certificatePem));

/** One in ten documents is a newer entry of an image that came a thousand documents before it. */
function imageOf(number: number): number {
  return number % 10 === 9 && number >= 999 ? number - 999 : number;
}

/** The unsigned text of document `number`. */
export function unsignedDocument(seed: number, number: number): string {
  return buildMetadata(fieldsOf(seed, imageOf(number)), '2021-01-01T00:00:00Z');
}

/** Document `number`, signed by one of the endorsers. */
export function signedDocument(seed: number, number: number, signers: readonly Signer[]): Buffer {
  const signer = pick(picker(imageOf(number)), signers);
  const created = new Date(firstMoment + number * apart);
  return Buffer.from(signDocument(unsignedDocument(seed, number), signer, { created }));
}
