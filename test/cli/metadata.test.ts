// `mintmark metadata` as a person at a shell uses it: keys, build, sign, validate, show, deprecate and revoke.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { launcher, run, type Ended } from '../e2e/command.ts';
import { describeWithTools } from '../setup/tools.ts';

// Each test starts the command several times; on a busy machine that is most of the time.
vi.setConfig({ testTimeout: 120_000 });

let folder = '';
const path = (name: string): string => join(folder, name);
const metadata = (...args: readonly string[]): Promise<Ended> => run(process.execPath, [launcher, 'metadata', ...args]);
const withPassphrase = (passphrase: string, ...args: readonly string[]): Promise<Ended> =>
  run(process.execPath, [launcher, 'metadata', ...args], { MINTMARK_PASSPHRASE: passphrase });

/** Runs a command that has to end well. */
async function well(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await metadata(...args);
  expect(`${code} ${stderr}`).toBe('0 ');
  return stdout;
}

const identity = ['--name', 'Jane Tester', '--email', 'jane@example.org'] as const;
const keygen = (name: string, ...args: readonly string[]): Promise<string> =>
  well('keygen', ...identity, '--key', path(`${name}.key`), '--cert', path(`${name}.crt`), ...args);
const by = (name: string): string[] => ['--key', path(`${name}.key`), '--cert', path(`${name}.crt`)];

interface Line {
  readonly file: string;
  readonly valid: boolean;
  readonly failures: readonly { readonly code: string; readonly element: string; readonly line: number }[];
}

async function validate(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly lines: readonly Line[] }> {
  const { code, stdout } = await metadata('validate', '--json', ...args);
  return {
    code,
    lines: stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line),
  };
}

/** Runs a command in a terminal, and types an answer once each question is shown; all that was shown. */
async function atTerminal(
  args: readonly string[],
  answers: readonly (readonly [question: string, answer: string])[],
): Promise<string> {
  const command = [process.execPath, launcher, 'metadata', ...args].join(' ');
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const left = [...answers];
  let shown = '';
  terminal.stdout.on('data', (piece: Buffer) => {
    shown += piece.toString();
    const [next] = left;
    if (next === undefined || !shown.includes(next[0])) return;
    left.shift();
    terminal.stdin.write(`${next[1]}\r`);
  });
  await once(terminal, 'close');
  return shown;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mintmark-metadata-'));
  await writeFile(path('image.raw'), Buffer.alloc(100_000, 'flora'));
  await keygen('ec', '--type', 'ec-p256');
  await well('build', path('image.raw'), '--title', 'Flora', '--os', 'debian', '-o', path('plain.xml'));
  await well('sign', path('plain.xml'), ...by('ec'), '-o', path('signed.xml'));
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

test('what is built is measured, and is valid but for its signature', async () => {
  const built = JSON.parse(await well('build', path('image.raw'), '--json')) as Record<string, unknown>;
  expect(built).toMatchObject({ bytes: 100_000, format: 'raw', compression: null });
  expect(await validate('--unsigned', path('plain.xml'))).toMatchObject({ code: 0, lines: [{ valid: true }] });
  const { code, lines } = await validate(path('plain.xml'));
  expect(code).toBe(3);
  expect(lines[0]?.failures.map((failure) => failure.code)).toEqual(['signature-missing']);
});

test('several files: one line for each, and the exit code says whether all are valid', async () => {
  await writeFile(path('changed.xml'), (await readFile(path('signed.xml'), 'utf8')).replace('Flora', 'Fauna'));
  expect(await validate(path('signed.xml'), path('signed.xml'))).toMatchObject({ code: 0 });
  const { code, lines } = await validate(path('signed.xml'), path('changed.xml'), path('none.xml'));
  expect(code).toBe(3);
  expect(lines.map(({ valid, failures }) => [valid, failures.map((failure) => failure.code)])).toEqual([
    [true, []],
    [false, ['digest-mismatch']],
    [false, ['unreadable']],
  ]);
  const { stdout } = await metadata('validate', path('changed.xml'));
  expect(stdout).toMatch(/NOT VALID\n(?:.*\n)*.*changed after it was signed.*\[digest-mismatch\]/);
});

test('--at judges at another time, and refuses what is no time', async () => {
  const { lines } = await validate('--at', '2020-01-01T00:00:00Z', path('signed.xml'));
  expect(lines[0]?.failures.map((failure) => failure.code)).toEqual(['created-in-future']);
  expect(await metadata('validate', '--at', 'noon', path('signed.xml'))).toMatchObject({ code: 2 });
});

test('--trust takes the endorsers of a folder, and nobody else', async () => {
  expect(await validate('--trust', path('ec.crt'), path('signed.xml'))).toMatchObject({ code: 0 });
  await keygen('other', '--type', 'ec-p384');
  const { code, lines } = await validate('--trust', path('other.crt'), path('signed.xml'));
  expect([code, lines[0]?.failures.map((failure) => failure.code)]).toEqual([3, ['certificate-self-signed']]);
  expect(await validate('--level', 'audit', '--trust', path('other.crt'), path('signed.xml'))).toMatchObject({
    code: 0,
  });
});

test('signing again, and by another endorser, replaces the endorsement and keeps the rest', async () => {
  await keygen('rsa', '--type', 'rsa-2048', '--force', '--email', 'joe@example.org');
  await well('sign', path('signed.xml'), ...by('rsa'), '-o', path('second.xml'));
  const shown = JSON.parse(await well('show', path('second.xml'), '--json')) as {
    readonly metadata: {
      readonly title: string;
      readonly endorsement: { readonly endorser: { readonly email: string } };
    };
    readonly signer: { readonly algorithm: string };
  };
  expect(shown).toMatchObject({ metadata: { title: 'Flora' }, signer: { algorithm: 'RSA-SHA256' } });
  expect(shown.metadata.endorsement.endorser.email).toBe('joe@example.org');
  expect(await validate(path('second.xml'), path('signed.xml'))).toMatchObject({ code: 0 });
});

test('deprecate and revoke make newer entries that say why', async () => {
  await well('deprecate', path('signed.xml'), '--reason', 'a hole', ...by('ec'), '-o', path('deprecated.xml'));
  expect(await well('show', path('deprecated.xml'))).toMatch(/deprecated +a hole/);
  const from = '2026-01-02T00:00:00Z';
  await well(
    'revoke',
    path('signed.xml'),
    '--reason',
    'lost key',
    '--from',
    from,
    ...by('ec'),
    '-o',
    path('revoked.xml'),
  );
  expect(await well('show', path('revoked.xml'))).toMatch(/withdrawn +from 2026-01-02T00:00:00Z: lost key/);
  expect(await validate(path('deprecated.xml'), path('revoked.xml'))).toMatchObject({ code: 0 });
  const args = ['--reason', 'x', ...by('ec')];
  expect(await metadata('revoke', path('signed.xml'), ...args, '--from', 'noon')).toMatchObject({ code: 2 });
  expect(await metadata('deprecate', path('signed.xml'), ...args, '--replaced-by', 'x')).toMatchObject({ code: 2 });
});

test('keys are not overwritten, and can be protected', async () => {
  const again = await metadata('keygen', ...identity, ...by('ec'), '--type', 'ec-p256');
  expect(again).toMatchObject({ code: 2 });
  expect(again.stderr).toMatch(/is there already[\s\S]*--force/);
  await writeFile(path('pass'), 'open sesame\n');
  await keygen('locked', '--type', 'ec-p256', '--passphrase-file', path('pass'));
  expect(await readFile(path('locked.key'), 'utf8')).toContain('ENCRYPTED');
  const sign = ['sign', path('plain.xml'), ...by('locked'), '-o', path('locked.xml')];
  await well(...sign, '--passphrase-file', path('pass'));
  expect(await withPassphrase('open sesame', ...sign)).toMatchObject({ code: 0 });
  expect((await withPassphrase('wrong', ...sign)).stderr).toMatch(/cannot be opened with this passphrase/);
  expect((await metadata(...sign)).stderr).toMatch(/no terminal to ask/);
});

test('a signer has to be named', async () => {
  const { code, stderr } = await metadata('sign', path('plain.xml'));
  expect(code).toBe(2);
  expect(stderr).toMatch(/--p12 FILE, or --key FILE and --cert FILE/);
});

const openssl = (...args: readonly string[]): Promise<unknown> => promisify(execFile)('openssl', [...args]);

describeWithTools('with openssl', ['openssl', 'script'], () => {
  test('a request becomes a certificate of an authority, whose chain is signed along and trusted', async () => {
    await openssl(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-days',
      '30',
      '-subj',
      '/O=Authority',
      '-keyout',
      path('ca.key'),
      '-out',
      path('ca.pem'),
      '-addext',
      'keyUsage=critical,keyCertSign,cRLSign',
    );
    await well('keygen', ...identity, '--type', 'ec-p256', '--key', path('asked.key'), '--csr', path('asked.csr'));
    await openssl(
      'x509',
      '-req',
      '-in',
      path('asked.csr'),
      '-CA',
      path('ca.pem'),
      '-CAkey',
      path('ca.key'),
      '-days',
      '20',
      '-copy_extensions',
      'copy',
      '-out',
      path('asked.crt'),
    );
    await well('sign', path('plain.xml'), ...by('asked'), '--chain', path('ca.pem'), '-o', path('chained.xml'));
    expect((await readFile(path('chained.xml'), 'utf8')).match(/<X509Certificate>/g)).toHaveLength(2);
    expect(await validate('--trust', path('ca.pem'), path('chained.xml'))).toMatchObject({ code: 0 });
    const strict = await validate('--level', 'strict', '--trust', path('ca.pem'), path('chained.xml'));
    expect(strict.lines[0]?.failures.map((failure) => failure.code)).toEqual(['revocation-unknown']);
    const other = await validate('--trust', path('ec.crt'), path('chained.xml'));
    expect(other.lines[0]?.failures.map((failure) => failure.code)).toEqual(['certificate-unknown']);
  });

  test.each(['ec', 'rsa-2048'])('PKCS#12 with a key of the type %s', async (type) => {
    const name = type === 'ec' ? 'ec' : 'for-p12';
    if (type !== 'ec') await keygen(name, '--type', 'rsa-2048');
    const p12 = path(`${name}.p12`);
    await openssl(
      'pkcs12',
      '-export',
      '-inkey',
      path(`${name}.key`),
      '-in',
      path(`${name}.crt`),
      '-out',
      p12,
      '-passout',
      'pass:XYZ',
    );
    const signed = await withPassphrase('XYZ', 'sign', path('plain.xml'), '--p12', p12, '-o', path(`${name}-p12.xml`));
    expect(signed).toMatchObject({ code: 0 });
    expect(await validate(path(`${name}-p12.xml`))).toMatchObject({ code: 0 });
  });

  test('at a terminal the passphrase is asked for, and not shown', async () => {
    await withPassphrase(
      'typed in',
      'keygen',
      ...identity,
      '--type',
      'ec-p256',
      '--key',
      path('asks.key'),
      '--cert',
      path('asks.crt'),
      '--encrypt',
    );
    const shown = await atTerminal(
      ['sign', path('plain.xml'), ...by('asks'), '-o', path('asks.xml')],
      [['Passphrase of', 'typed in']],
    );
    expect(shown).toMatch(/Passphrase of/);
    expect(shown).not.toContain('typed in');
    expect(await validate(path('asks.xml'))).toMatchObject({ code: 0 });
  });

  test('at a terminal the system in the image is asked for, and the measuring is seen', async () => {
    const shown = await atTerminal(
      ['build', path('image.raw'), '--title', 'Flora', '-o', path('asked.xml')],
      [
        ['Operating system', 'debian'],
        ['Its version', '12'],
        ['Its architecture', 'x86_64'],
      ],
    );
    expect(shown).toMatch(/measuring .*100%/u);
    const built = await readFile(path('asked.xml'), 'utf8');
    expect(built).toMatch(/os>debian<.*os-version>12<.*os-arch>x86_64</su);
  });
});

test('a compressed image is measured inside its compression', async () => {
  await writeFile(path('image.raw.gz'), gzipSync(await readFile(path('image.raw'))));
  const { checksums } = JSON.parse(await well('build', path('image.raw'), '--json')) as { checksums: object };
  expect(JSON.parse(await well('build', path('image.raw.gz'), '--json'))).toMatchObject({
    bytes: 100_000,
    checksums,
    format: 'raw',
    compression: 'gz',
  });
});

const stratusLab = fileURLToPath(new URL('../../../shared/data/stratuslab/', import.meta.url));

test.skipIf(!existsSync(stratusLab))('--allow-legacy takes the old software, and says that it is weak', async () => {
  const old = join(stratusLab, 'marketplace-valid-indate-signature.xml');
  expect(await metadata('validate', old)).toMatchObject({ code: 3 });
  const { code, stdout } = await metadata('validate', '--allow-legacy', '--at', '2015-01-01T00:00:00Z', old);
  expect([code, stdout]).toEqual([0, expect.stringContaining('weakly signed')]);
});
