// How long it takes to refuse documents made to cost time or memory, next to a valid one, in a thread with a small heap.
// Run: npm run bench -- hostile, or node dist/bench/hostile.js [ROUNDS]   (5 rounds where it is left out)
import { hostileDocuments } from '../fixtures/hostile-documents.ts';
import { buildMetadata } from '../src/metadata/build.ts';
import { generateCertificate } from '../src/signature/generate.ts';
import { signDocument } from '../src/signature/sign.ts';
import { openVerifierPool } from '../src/trust/pool.ts';

const rounds = Number(process.argv[2] ?? 5);
const now = new Date('2026-03-01T12:00:00Z');
const { signer } = await generateCertificate({ name: 'Jane Tester', email: 'jane@example.org' }, 'ec-p256', {
  now: new Date('2026-01-01T00:00:00Z'),
  days: 365,
});
const unsigned = buildMetadata(
  { bytes: 1, checksums: { 'SHA-1': 'a9993e364706816aba3e25717850c26c9cd0d89d' }, type: 'machine', title: 'Flora' },
  '2026-03-01T11:59:00Z',
);
const valid = signDocument(unsigned, signer, { created: now });
const heap = 48;
const pool = openVerifierPool(
  { pinned: [signer.certificate.fingerprint], now: () => now },
  { threads: 1, heap, timeLimit: 60_000 },
);
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

async function refuse(name: string, document: Buffer): Promise<void> {
  const taken: number[] = [];
  let codes = '';
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now();
    const report = await pool.verify(document);
    taken.push(performance.now() - begun);
    codes = [...new Set(report.failures.map((failure) => failure.code))].slice(0, 3).join(', ');
  }
  process.stdout.write(
    `${name.padEnd(40)} ${median(taken).toFixed(1).padStart(7)} ms  most ${Math.max(...taken).toFixed(1)} ms  ${codes}\n`,
  );
}

try {
  process.stdout.write(`${rounds} rounds, medians; a heap of ${heap} MiB; goal below 100 ms each\n`);
  for (let warm = 0; warm < 200; warm += 1) await pool.verify(Buffer.from(valid));
  await refuse('a valid document', Buffer.from(valid));
  for (const { name, make } of hostileDocuments) await refuse(name, make(valid));
} finally {
  await pool.close();
}
