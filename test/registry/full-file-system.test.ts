// A disk that is really full: a small file system of its own, filled to its last byte, with a registry on it.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../e2e/command.ts';
import { describeWithTools } from '../setup/tools.ts';

const built = (path: string): string => new URL(`../../dist/src/${path}`, import.meta.url).href;

/** Uploads until the disk is full, makes room, and uploads again. Says what it saw in one line of JSON. */
const program = `
import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from '${built('db/database.js').replace('dist/src/db/database.js', 'node_modules/kysely/dist/esm/index.js')}';
import { openDatabase } from '${built('db/database.js')}';
import { openRegistry } from '${built('registry/registry.js')}';
import { entryQuerySchema } from '${built('registry/query.js')}';
const [folder, location] = process.argv.slice(1);
const filler = join(folder, 'filler');
writeFileSync(filler, Buffer.alloc(1024 * 1024));
const verify = async (document) => {
  const number = Number(Buffer.from(document).toString());
  const sha1 = createHash('sha1').update(String(number)).digest('hex');
  const metadata = {
    identifier: 'A' + sha1.slice(0, 26), bytes: 1, checksums: { 'SHA-1': sha1 }, type: 'machine', title: 'image ' + number,
    description: 'x'.repeat(4000), endorsement: { created: '2026-01-01T00:00:00Z', endorser: { email: 'jane@example.org', subject: 'CN=x', issuers: ['CN=x'] } },
    kinds: [], locations: [], hypervisors: [], disksBuses: [], inboundPorts: [], outboundPorts: [], icmp: [], foreign: [],
  };
  const signer = { subject: 'CN=x', issuer: 'CN=x', fingerprint: 'f', serialNumber: '1', notBefore: '', notAfter: '', algorithm: 'a', key: 'k', chain: [] };
  return { valid: true, steps: [], failures: [], metadata, signer, weak: false };
};
const db = await openDatabase({ file: join(folder, 'registry.sqlite'), ...JSON.parse(location) });
const registry = openRegistry({ db, verify, now: () => new Date() });
const total = async (q) => (await registry.find(entryQuerySchema.parse({ status: 'all', q }))).total;
let kept = 0, code;
while (code === undefined && kept < 20000) {
  try { await registry.accept(Buffer.from(String(kept)), {}); kept += 1; } catch (error) { code = error.code; }
}
const full = [await total(), await total('image')];
rmSync(filler);
const { outcome } = await registry.accept(Buffer.from(String(kept)), {});
const after = await total();
const { rows } = await sql\`pragma integrity_check\`.execute(db.query);
const { entries, failed } = await registry.reindex();
await db.close();
console.log(JSON.stringify({ code, kept, full, outcome, after, integrity: rows, entries, failed: failed.length }));
`;

describeWithTools('a full disk', ['unshare', 'mount'], () => {
  test.each([
    ['in the process', {}],
    ['in threads', { readers: 2 }],
  ])(
    'refuses uploads, loses nothing, and is over when there is room again: %s',
    async (_where, location) => {
      const folder = await mkdtemp(join(tmpdir(), 'mintmark-full-'));
      // The file system is seen by this process only, and goes with it.
      const script = 'mount -t tmpfs -o size=6m tmpfs "$1" && exec "$2" --input-type=module --eval "$3" -- "$1" "$4"';
      const ended = await run('unshare', [
        '-rm',
        'sh',
        '-c',
        script,
        'sh',
        folder,
        process.execPath,
        program,
        JSON.stringify(location),
      ]);
      await rm(folder, { recursive: true });
      expect({ code: ended.code, stderr: ended.stderr }).toEqual({ code: 0, stderr: '' });
      const seen = JSON.parse(ended.stdout) as { readonly kept: number };
      const { kept } = seen;
      expect(kept).toBeGreaterThan(10);
      expect(seen).toEqual({
        code: 'db.full',
        kept,
        full: [kept, kept],
        outcome: 'created',
        after: kept + 1,
        integrity: [{ integrity_check: 'ok' }],
        entries: kept + 1,
        failed: 0,
      });
    },
    60_000,
  );
});
