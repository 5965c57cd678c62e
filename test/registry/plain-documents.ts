// Documents for tests of the registry alone: JSON in place of signed XML, behind the same verifier interface. What signed
// documents do is shown in signed-documents.test.ts.
import { createHash } from 'node:crypto';
import { type ImageMetadata } from '../../src/metadata/model.ts';
import { type VerifyDocument } from '../../src/trust/report.ts';

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

export function identifierOf(sha1: string): string {
  let number = BigInt(`0x${sha1}`);
  let text = '';
  for (let place = 0; place < 27; place += 1) {
    text = (digits[Number(number % 64n)] ?? '') + text;
    number /= 64n;
  }
  return text;
}

export type PlainEntry = Partial<ImageMetadata> & {
  readonly image?: string;
  readonly email?: string;
  readonly endorsed?: string;
};

/** A document for the image with these contents, as its endorser would write it. */
export function plainMetadata(entry: PlainEntry): ImageMetadata {
  const { image = 'image', email = 'jane@example.org', endorsed = '2026-01-01T00:00:00Z', ...rest } = entry;
  const sha1 = createHash('sha1').update(image).digest('hex');
  return {
    identifier: identifierOf(sha1),
    bytes: image.length,
    checksums: { 'SHA-1': sha1, 'SHA-256': createHash('sha256').update(image).digest('hex') },
    endorsement: {
      created: endorsed,
      endorser: { email, subject: `CN=${email.split('@')[0] ?? ''},O=Example`, issuers: ['CN=CA,O=Example'] },
    },
    type: 'machine',
    kinds: [],
    locations: [],
    hypervisors: [],
    disksBuses: [],
    inboundPorts: [],
    outboundPorts: [],
    icmp: [],
    foreign: [],
    ...rest,
  };
}

export function plainDocument(entry: PlainEntry): Buffer {
  return Buffer.from(JSON.stringify(plainMetadata(entry)));
}

/** Takes what {@link plainDocument} makes, and refuses everything else. */
export const verifyPlain: VerifyDocument = (document) => {
  const text = Buffer.from(document).toString();
  if (!text.startsWith('{')) {
    const failures = [
      { code: 'not-xml', line: 1, message: 'The document is not well-formed' },
      { code: 'signature-missing', element: 'rdf:RDF', message: 'The document is not signed' },
    ];
    return Promise.resolve({ valid: false, steps: [], failures });
  }
  const metadata = JSON.parse(text) as ImageMetadata;
  const { endorser } = metadata.endorsement;
  return Promise.resolve({
    valid: true,
    steps: [{ code: 'signature-value', title: 'The signature covers the whole document', outcome: 'passed' }],
    failures: [],
    metadata,
    weak: false,
    signer: {
      subject: endorser.subject,
      issuer: endorser.issuers[0] ?? '',
      email: endorser.email,
      fingerprint: createHash('sha256').update(endorser.subject).digest('hex'),
      serialNumber: '01',
      notBefore: '2020-01-01T00:00:00Z',
      notAfter: '2040-01-01T00:00:00Z',
      algorithm: 'ECDSA-P256-SHA256',
      key: 'EC P-256',
      chain: [],
    },
  });
};
