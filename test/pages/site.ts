// A site of sample pages on a free port, as strict about what a page may load as the real one.
import { generateKeyPairSync } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { readFile } from 'node:fs/promises';
import { type AddressInfo } from 'node:net';
import { browsePage } from '../../src/pages/browse.tsx';
import { confirmationPage, declinedPage, waitingPage } from '../../src/pages/confirmation.tsx';
import { endorserPage, endorsersPage } from '../../src/pages/endorsers.tsx';
import { entryPage } from '../../src/pages/entry.tsx';
import { errorPage } from '../../src/pages/error.tsx';
import { logPage } from '../../src/pages/log.tsx';
import { policyPage } from '../../src/pages/policy.tsx';
import { explainPolicy } from '../../src/policy/explain.ts';
import { openLog } from '../../src/registry/log/log.ts';
import { uploadPage } from '../../src/pages/upload.tsx';
import { entryQuerySchema } from '../../src/registry/query.ts';
import { type TestRegistry } from '../registry/open-registry.ts';
import { verifyPlain } from '../registry/plain-documents.ts';
import { sampleJudgement, samplePolicy } from './sample.ts';

const site = { name: 'Mintmark', hasLog: true };
const policy =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const missing = { identifier: '', email: '', created: '' };
const signer = { name: 'images.example.org/log', privateKey: generateKeyPairSync('ed25519').privateKey };

async function list(subject: TestRegistry, parameters: URLSearchParams): Promise<string> {
  const chosen = Object.fromEntries([...parameters].filter(([name, value]) => name !== 'cursor' && value !== ''));
  const found = await subject.registry.find(entryQuerySchema.parse(Object.fromEntries(parameters)));
  return browsePage({ site, chosen, first: !parameters.has('cursor'), ...found });
}

async function entry(subject: TestRegistry, [identifier = '', email = '', created = '']: readonly string[]) {
  const shown = await subject.registry.entry({ identifier, email, created });
  const others = (await subject.registry.image(identifier)).filter(({ key }) => key.email !== email);
  const history = await subject.registry.history(identifier, email);
  return entryPage({
    site,
    entry: shown,
    history,
    others,
    judgement: sampleJudgement(shown),
    origin: 'https://example.org',
  });
}

async function answer(subject: TestRegistry, url: URL): Promise<string> {
  const [, first, ...rest] = url.pathname.split('/').map(decodeURIComponent);
  if (first === 'metadata') return rest.length === 3 ? entry(subject, rest) : list(subject, url.searchParams);
  if (first === 'endorsers' && rest[0] !== undefined) {
    const { tags, ...endorser } = await subject.registry.endorser(rest[0]);
    const { entries } = await subject.find({ email: rest[0], limit: 5 });
    return endorserPage({ site, endorser, tags, entries });
  }
  if (first === 'endorsers') {
    return endorsersPage({ site, first: true, ...(await subject.registry.endorsers({ limit: 50, after: undefined })) });
  }
  if (first === 'log') {
    const log = openLog(subject.db, signer);
    return logPage({
      site,
      verifier: log.verifier,
      checkpoint: await log.checkpoint(),
      decisions: await log.newest(20),
    });
  }
  if (first === 'policy') {
    const [shown] = (await subject.find({ email: 'joe@lab.example.org' })).entries;
    const verdicts = shown === undefined ? [] : [{ ...shown.key, ...sampleJudgement(shown) }];
    return policyPage({
      site,
      rules: explainPolicy(samplePolicy.document),
      problem: 'formats.allow.0: Invalid option',
      identifier: shown?.key.identifier ?? '',
      verdicts,
    });
  }
  if (first === 'confirmations') {
    const [shown] = (await subject.find({ email: 'joe@lab.example.org' })).entries;
    const report = await verifyPlain(await subject.registry.document(shown?.key ?? missing));
    return confirmationPage({ site, token: 'x', email: 'joe@example.org', expiresAt: '2026-06-03T12:00:00Z', report });
  }
  if (first === 'waiting') return waitingPage({ site, email: 'joe@example.org', expiresAt: '2026-06-03T12:00:00Z' });
  if (first === 'declined') return declinedPage(site);
  if (first === 'upload') return uploadPage({ site });
  if (first === 'refused') {
    const failures = [
      { code: 'digest-mismatch', message: 'The document was changed after it was signed' },
      { code: 'bytes-negative', element: 'slreq:bytes', line: 12, message: '<b>The size</b> is below zero' },
    ];
    const steps = [
      { code: 'parse', title: 'The document is well-formed', outcome: 'passed' as const },
      { code: 'digest', title: 'The signature covers the document as it is', outcome: 'failed' as const },
      { code: 'chain', title: 'The certificate leads to a known authority', outcome: 'skipped' as const },
    ];
    return uploadPage({
      site,
      refused: { title: 'The document was refused', detail: 'Two rules failed.', failures, steps },
    });
  }
  return errorPage({
    site,
    status: 404,
    code: 'not-found',
    title: 'There is no such thing here',
    detail: `Nothing is at ${url.pathname}`,
    action: 'Check the name or identifier.',
  });
}

export interface SampleSite {
  readonly origin: string;
  close(): Promise<void>;
}

export async function openSite(subject: TestRegistry): Promise<SampleSite> {
  const server: Server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    const file = /^\/static\/([a-z]+\.(css|js|svg))$/u.exec(url.pathname);
    const types = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' } as const;
    const type = file === null ? 'text/html; charset=utf-8' : types[file[2] as keyof typeof types];
    if (url.pathname === '/metadata/check') {
      void buffer(request)
        .then((bytes) => subject.registry.check(bytes))
        .then((checked) => response.setHeader('content-type', 'application/json').end(JSON.stringify(checked)));
      return;
    }
    const body =
      file === null
        ? answer(subject, url)
        : readFile(new URL(`../../dist/src/pages/static/${file[1] ?? ''}`, import.meta.url), 'utf8');
    body.then(
      (text) => response.writeHead(200, { 'content-type': type, 'content-security-policy': policy }).end(text),
      (error: unknown) => response.writeHead(500, { 'content-type': 'text/plain' }).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
