// A signed document to start from: keys that are real but made for one run, and fields that use the whole vocabulary.
import { buildMetadata, type MetadataFields } from '../../src/metadata/build.ts';
import { generateCertificate, type KeyType, type NewCertificate } from '../../src/signature/generate.ts';
import { signDocument } from '../../src/signature/sign.ts';

/** "Now" for all of these tests. */
export const now = new Date('2026-03-01T12:00:00Z');
export const at = (iso: string): Date => new Date(iso);

export const sampleFields: MetadataFields = {
  bytes: 3_000_000_000,
  checksums: {
    'MD5': '900150983cd24fb0d6963f7d28e17f72',
    'SHA-1': 'a9993e364706816aba3e25717850c26c9cd0d89d',
    'SHA-256': 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  },
  type: 'machine',
  kinds: ['machine'],
  valid: '2026-09-01T00:00:00Z',
  title: 'Flora & Fauna <1>',
  description: 'Plants,\nanimals "and" \'more\': é ☕',
  creator: 'Jane Tester',
  created: '2026-02-01T00:00:00Z',
  publisher: 'Mintmark',
  format: 'qcow2',
  compression: 'gz',
  tag: 'flora-latest',
  locations: ['https://example.org/flora.qcow2.gz?a=1&b=2', 'pdisk:disks.example.org:8445:1f2e'],
  serialNumber: '7',
  version: '1.2',
  os: 'debian',
  osVersion: '12',
  osArch: 'x86_64',
  hypervisors: ['kvm', 'xen'],
  disksBuses: ['virtio'],
  inboundPorts: [22, 443],
  outboundPorts: [0],
  icmp: [8],
  foreign: [
    { namespace: 'http://example.org/', name: 'note', text: 'kept', children: [] },
    {
      namespace: 'http://example.org/',
      name: 'machine',
      text: '',
      children: [{ namespace: 'http://example.org/', name: 'cpu', text: '2', children: [] }],
    },
  ],
};

const keys = new Map<KeyType, Promise<NewCertificate>>();

/** A self-signed endorser, one for each type of key and test file. */
export function endorser(type: KeyType = 'ec-p256'): Promise<NewCertificate> {
  const known = keys.get(type);
  if (known) return known;
  const made = generateCertificate(
    { name: 'Jane Tester', email: 'jane.tester@example.org', organization: 'Mintmark, "the" Project', country: 'GR' },
    type,
    { now: at('2026-01-01T00:00:00Z'), days: 365 },
  );
  keys.set(type, made);
  return made;
}

/** A valid document, signed at {@link now}. */
export async function signedSample(type: KeyType = 'ec-p256', fields: MetadataFields = sampleFields): Promise<string> {
  const { signer } = await endorser(type);
  return signDocument(buildMetadata(fields, '2026-03-01T11:59:00Z'), signer, { created: now });
}
