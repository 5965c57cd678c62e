// The peer of an upload's verification: `xmlsec1 --verify` on the same documents, one process for all of them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Documents per second: the signature alone, without chain, schema or rules. */
export function xmlsecRate(documents: readonly Buffer[]): number {
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-xmlsec-'));
  try {
    const files = documents.map((document, index) => {
      const file = join(folder, `${index}.xml`);
      writeFileSync(file, document);
      return file;
    });
    const begun = performance.now();
    execFileSync('xmlsec1', ['--verify', '--insecure', '--enabled-key-data', 'x509', ...files], { stdio: 'ignore' });
    return documents.length / ((performance.now() - begun) / 1000);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
