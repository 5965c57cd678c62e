// Full verifications (structure, signature, schema, rules, endorser, certificate) against bare xmlsec1 on the same documents.
// Run: npm run bench -- verify, or node dist/bench/verify.js [REPEAT] [ROUNDS]   (2000, 5 rounds; needs xmlsec1)
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildMetadata } from '../src/metadata/build.ts';
import { generateCertificate, type KeyType } from '../src/signature/generate.ts';
import { signDocument } from '../src/signature/sign.ts';
import { examine, examineTools } from '../src/trust/examine.ts';
import { openVerifierPool } from '../src/trust/pool.ts';
import { type TrustSettings } from '../src/trust/settings.ts';

const repeat = Number(process.argv[2] ?? 2000);
const rounds = Number(process.argv[3] ?? 5);
const folder = mkdtempSync(join(tmpdir(), 'mintmark-bench-'));
const now = new Date('2026-03-01T12:00:00Z');
const types: readonly KeyType[] = ['rsa-2048', 'ec-p256'];

interface Sample {
  readonly type: KeyType;
  readonly document: string;
  readonly certificate: string;
  readonly settings: TrustSettings;
}

async function sampleOf(type: KeyType): Promise<Sample> {
  const { signer, certificatePem } = await generateCertificate(
    { name: 'Jane Tester', email: 'jane@example.org' },
    type,
    {
      now: new Date('2026-01-01T00:00:00Z'),
      days: 365,
    },
  );
  const unsigned = buildMetadata(
    {
      bytes: 3_000_000_000,
      checksums: {
        'MD5': '900150983cd24fb0d6963f7d28e17f72',
        'SHA-1': 'a9993e364706816aba3e25717850c26c9cd0d89d',
        'SHA-256': 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
      },
      type: 'machine',
      kinds: ['machine'],
      title: 'Flora & Fauna',
      description: 'Plants and animals, drawn from life',
      creator: 'Jane Tester',
      publisher: 'Mintmark',
      format: 'qcow2',
      compression: 'gz',
      tag: 'flora-latest',
      locations: ['https://example.org/flora.qcow2.gz'],
      version: '1.2',
      os: 'debian',
      osVersion: '12',
      osArch: 'x86_64',
      hypervisors: ['kvm'],
      disksBuses: ['virtio'],
      inboundPorts: [22],
      outboundPorts: [0],
      icmp: [8],
    },
    '2026-03-01T11:59:00Z',
  );
  const document = join(folder, `${type}.xml`);
  const certificate = join(folder, `${type}.crt`);
  writeFileSync(document, signDocument(unsigned, signer, { created: now }));
  writeFileSync(certificate, certificatePem);
  return { type, document, certificate, settings: { pinned: [signer.certificate.fingerprint], now: () => now } };
}

/** What a piece of work took, for one document, in microseconds. */
interface Taken {
  readonly cpu: number;
  readonly wall: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const xmlsecArguments = (sample: Sample): string[] => [
  '--verify',
  '--repeat',
  String(repeat),
  '--verification-time',
  '2026-03-01 12:00:00',
  '--trusted-pem',
  sample.certificate,
  sample.document,
];

/** Processor time as the shell's `times` tells it, start of the program included (some 20 ms of a second). */
async function xmlsecOnce(sample: Sample): Promise<Taken> {
  const quoted = xmlsecArguments(sample).map((word) => `'${word}'`);
  const script = `xmlsec1 ${quoted.join(' ')} >/dev/null 2>&1 || exit 1; times`;
  const begun = performance.now();
  const { stdout } = await promisify(execFile)('bash', ['-c', script]);
  const wall = performance.now() - begun;
  const children = stdout.trim().split('\n')[1] ?? '';
  const seconds = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map((found) => Number(found[1]) * 60 + Number(found[2]));
  return { cpu: (seconds.reduce((sum, each) => sum + each, 0) * 1e6) / repeat, wall: (wall * 1000) / repeat };
}

const tools = examineTools();

function ourOnce(sample: Sample): Taken {
  const bytes = readFileSync(sample.document);
  const before = process.cpuUsage();
  const begun = performance.now();
  for (let done = 0; done < repeat; done += 1) {
    if (!examine(bytes, sample.settings, tools).valid) throw new Error('the document is not valid');
  }
  const wall = performance.now() - begun;
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / repeat, wall: (wall * 1000) / repeat };
}

const perSecond = (microseconds: number): string => (1e6 / microseconds).toFixed(0);

async function oneCore(sample: Sample): Promise<void> {
  ourOnce(sample);
  const pairs: { readonly ours: Taken; readonly theirs: Taken }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    pairs.push({ ours: ourOnce(sample), theirs: await xmlsecOnce(sample) });
  }
  const ours = median(pairs.map((pair) => pair.ours.cpu));
  const theirs = median(pairs.map((pair) => pair.theirs.cpu));
  const ratio = median(pairs.map((pair) => pair.theirs.cpu / pair.ours.cpu));
  process.stdout.write(
    `${sample.type.padEnd(9)} one core   mintmark ${perSecond(ours)}/s  xmlsec1 ${perSecond(theirs)}/s  ratio ${ratio.toFixed(2)} (goal 1.0)\n`,
  );
}

/** Two threads of the pool that the server uses, against two processes, by the clock on the wall. */
async function twoCores(sample: Sample): Promise<void> {
  const bytes = readFileSync(sample.document);
  const pool = openVerifierPool(sample.settings, { threads: 2 });
  const check = async (count: number): Promise<void> => {
    const reports = await Promise.all(Array.from({ length: count }, () => pool.verify(bytes)));
    if (reports.some((report) => !report.valid)) throw new Error('the document is not valid');
  };
  try {
    await check(repeat);
    const pairs: { readonly ours: number; readonly theirs: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const begun = performance.now();
      await check(2 * repeat);
      const between = performance.now();
      const processes = [0, 1].map(() => spawn('xmlsec1', xmlsecArguments(sample), { stdio: 'ignore' }));
      await Promise.all(processes.map((child) => once(child, 'exit')));
      pairs.push({ ours: between - begun, theirs: performance.now() - between });
    }
    const rate = (milliseconds: number): string => ((2 * repeat * 1000) / milliseconds).toFixed(0);
    const ratio = median(pairs.map((pair) => pair.theirs / pair.ours));
    process.stdout.write(
      `${sample.type.padEnd(9)} two cores  mintmark ${rate(median(pairs.map((pair) => pair.ours)))}/s  xmlsec1 ${rate(median(pairs.map((pair) => pair.theirs)))}/s  ratio ${ratio.toFixed(2)} (goal 1.0)\n`,
    );
  } finally {
    await pool.close();
  }
}

try {
  process.stdout.write(`${repeat} verifications a round, ${rounds} rounds, medians; one core: by processor time\n`);
  for (const type of types) {
    const sample = await sampleOf(type);
    await oneCore(sample);
    await twoCores(sample);
  }
} finally {
  rmSync(folder, { recursive: true });
}
