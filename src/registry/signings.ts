// Who signed a document and what was checked of it, stored once for all entries of which it is the same.
import { createHash } from 'node:crypto';
import { type ValidReport } from './index-rows.ts';

export interface Signing {
  /** SHA-256 of the two texts, hex. */
  readonly digest: string;
  /** Both as JSON. */
  readonly signer: string;
  readonly steps: string;
}

export function signingOf(report: Pick<ValidReport, 'signer' | 'steps'>): Signing {
  const [signer, steps] = [JSON.stringify(report.signer), JSON.stringify(report.steps)];
  return { digest: createHash('sha256').update(`${signer}\n${steps}`).digest('hex'), signer, steps };
}
