// Trust settings from a folder: authorities and pinned endorsers (PEM or DER, hashed names or any), and revocation lists.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault } from '../errors/fault.ts';
import { readCertificate, readPemCertificates, type Certificate } from '../signature/certificate.ts';
import { readRevocationLists, type RevocationList } from './revocation.ts';

export interface TrustFolder {
  readonly authorities: readonly Certificate[];
  /** Fingerprints of the certificates in the folder that are no authorities: endorsers. */
  readonly pinned: readonly string[];
  readonly revocationLists: readonly RevocationList[];
  /** All of them, authorities and endorsers. */
  readonly certificates: readonly Certificate[];
}

/** Authorities are told from endorsers by their basic constraints. */
export function trustOf(certificates: readonly Certificate[], revocationLists: readonly RevocationList[]): TrustFolder {
  return {
    authorities: certificates.filter((certificate) => certificate.constraints.authority),
    pinned: certificates.filter((certificate) => !certificate.constraints.authority).map((item) => item.fingerprint),
    revocationLists,
    certificates,
  };
}

const certificateFile = /\.(?:pem|crt|cer|der|\d+)$/i;
const revocationFile = /\.(?:crl|r\d+)$|\.crl\.(?:pem|der)$/i;
/** Files that stand beside certificates in folders of grid authorities. */
const otherFile = /\.(?:info|namespaces|signing_policy|crl_url|txt|md|key)$/i;

function readCertificates(content: Buffer): Certificate[] {
  return content.includes('-----BEGIN') ? readPemCertificates(content.toString('latin1')) : [readCertificate(content)];
}

/** Reads one file of certificates, of revocation lists, or of both. Throws an Error where it holds neither. */
function readTrustFile(content: Buffer, name: string): { certificates: Certificate[]; lists: RevocationList[] } {
  if (content.includes('-----BEGIN X509 CRL-----')) {
    return { certificates: readPemCertificates(content.toString('latin1')), lists: readRevocationLists(content) };
  }
  if (revocationFile.test(name)) return { certificates: [], lists: readRevocationLists(content) };
  return { certificates: readCertificates(content), lists: [] };
}

/**
 * Reads every certificate and revocation list of a folder, or of a single file. Rejects with a `Fault` (trust.settings)
 * where one cannot be read: a list that is silently left out would let a revoked certificate pass.
 */
export async function loadTrustFolder(path: string): Promise<TrustFolder> {
  const files = await listFiles(path);
  const certificates = new Map<string, Certificate>();
  const revocationLists: RevocationList[] = [];
  for (const file of files) {
    try {
      const found = readTrustFile(await readFile(file), file);
      for (const certificate of found.certificates) certificates.set(certificate.fingerprint, certificate);
      revocationLists.push(...found.lists);
    } catch (error) {
      throw new Fault('trust.settings', `${file} holds no certificate or revocation list that can be read.`, {
        cause: error,
      });
    }
  }
  return trustOf([...certificates.values()], revocationLists);
}

async function listFiles(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory() && !otherFile.test(entry.name))
      .filter((entry) => certificateFile.test(entry.name) || revocationFile.test(entry.name))
      .map((entry) => join(path, entry.name))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path];
    throw new Fault('trust.settings', `The trust folder ${path} cannot be read.`, { cause: error });
  }
}
