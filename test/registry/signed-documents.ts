// Real signed documents for tests: one endorser with a key of its own, images that differ in their checksums.
import { createHash } from 'node:crypto';
import { buildMetadata } from '../../src/metadata/build.ts';
import { generateCertificate } from '../../src/signature/generate.ts';
import { type Signer } from '../../src/signature/keys.ts';
import { signDocument } from '../../src/signature/sign.ts';

const start = new Date('2026-01-01T00:00:00Z');

export async function endorserNamed(name: string): Promise<Signer> {
  const email = `${name}@example.org`;
  return (await generateCertificate({ name, email }, 'ec-p256', { now: start, days: 365 })).signer;
}

/** Document for image `number`, endorsed `number` seconds after the start of 2026. */
export function signedDocument(signer: Signer, number: number, title = `image ${number}`): Buffer {
  const contents = `contents ${number}`;
  const sha1 = createHash('sha1').update(contents).digest('hex');
  const fields = {
    bytes: contents.length,
    checksums: { 'SHA-1': sha1, 'SHA-256': createHash('sha256').update(contents).digest('hex') },
    type: 'machine',
    title,
    os: number % 2 === 0 ? 'centos' : 'debian',
    format: 'raw' as const,
    foreign: [],
  };
  const created = new Date(start.getTime() + number * 1000);
  return Buffer.from(signDocument(buildMetadata(fields, '2026-01-01T00:00:00Z'), signer, { created }));
}
