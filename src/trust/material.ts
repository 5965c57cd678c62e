// What a site checks signers with, as text that others can take along: certificates and revocation lists in PEM.
import { z } from 'zod';
import { Fault } from '../errors/fault.ts';
import { readPemCertificates } from '../signature/certificate.ts';
import { trustOf, type TrustFolder } from './folder.ts';
import { readRevocationLists } from './revocation.ts';

export const trustMaterialSchema = z.object({
  /** Authorities and pinned endorsers. */
  certificates: z.array(z.string()),
  revocationLists: z.array(z.string()),
});
export type TrustMaterial = Readonly<z.output<typeof trustMaterialSchema>>;

function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/gu) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

export function writeTrustMaterial({ certificates, revocationLists }: TrustFolder): TrustMaterial {
  return {
    certificates: certificates.map(({ x509 }) => pem('CERTIFICATE', x509.raw)),
    revocationLists: revocationLists.map(({ der }) => pem('X509 CRL', der)),
  };
}

/** Throws `trust.settings` where something in it cannot be read. */
export function readTrustMaterial({ certificates, revocationLists }: TrustMaterial): TrustFolder {
  try {
    return trustOf(
      certificates.flatMap((text) => readPemCertificates(text)),
      revocationLists.flatMap((text) => readRevocationLists(Buffer.from(text))),
    );
  } catch (cause) {
    throw new Fault('trust.settings', 'A certificate or revocation list that was carried along cannot be read', {
      cause,
    });
  }
}
