// A real server as it looks after some time of use: many endorsers and entries of every kind, images that came, come, failed and stayed away.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { endorsersOf, makeEndorsers, signedDocument, signersOf } from '../../bench/registry/documents.ts';
import { buildMetadata, type MetadataFields } from '../../src/metadata/build.ts';
import { measureImage } from '../../src/metadata/measure.ts';
import { generateCertificate } from '../../src/signature/generate.ts';
import { type Signer } from '../../src/signature/keys.ts';
import { signDocument } from '../../src/signature/sign.ts';
import { BrowserSession } from '../http/browser-session.ts';
import { TestServer } from '../http/running-server.ts';

export interface BusyEntry {
  readonly identifier: string;
  readonly path: string;
}

/** Images of the site by what is peculiar to them. */
const peculiar = ['here', 'pinned', 'coming', 'failed', 'away', 'long', 'plain', 'full', 'old', 'deprecated'] as const;
export type Peculiar = (typeof peculiar)[number];

export interface BusySite {
  readonly server: TestServer;
  readonly operator: BrowserSession;
  readonly entries: Readonly<Record<Peculiar, BusyEntry>>;
  /** Numbers of jobs in these states. */
  readonly jobs: Readonly<Record<'done' | 'running' | 'retrying' | 'failed' | 'scrub', number>>;
  /** Lets the image that is on its way come. */
  letCome(): void;
  close(): Promise<void>;
}

const people = [
  ['Jane Tester', 'jane.tester@example.org', 'Flora and Fauna'],
  ['Ólafur Þór Guðmundsson', 'olafur@images.haskoli.example', 'Háskóli'],
  [
    'Image Factory of the Department of Distributed Computing',
    'a-very-long-address-of-a-whole-department@virtual-machine-images.distributed-computing.example.org',
    'University',
  ],
] as const;

const policy = {
  version: 1,
  endorsers: { deny: ['eve@example.org'] },
  formats: { allow: ['raw', 'qcow2', 'iso'] },
  images: { deny: ['LHMEHYv3CU1cGcXN1Wv8Vj6SYTR'] },
  required: ['os'],
  maximumAgeDays: 3650,
  conditions: [{ name: 'small', deny: 'image.bytes > 2000000000' }],
};

/** The one that is on its way is large enough to stay so. */
const contents = (name: string): Buffer =>
  Buffer.concat(
    Array.from({ length: name === 'coming' ? 320_000 : 3000 }, (_, at) =>
      createHash('sha512')
        .update(`${name} ${at >> 4}`)
        .digest(),
    ),
  );

/** Bytes of the slow image that come at once; the rest waits. */
const firstBytes = 2_000_000;

/** Serves images as their names say. */
async function startWeb(): Promise<{ server: Server; url: string; letCome: () => void }> {
  let open = false;
  const stall = (response: ServerResponse, body: Buffer): void => {
    response.write(body.subarray(0, firstBytes));
    let sent = firstBytes;
    // A few bytes now and then: a location that says nothing for long is given up.
    const drip = setInterval(() => {
      response.write(body.subarray(sent, sent + 6400));
      sent += 6400;
      if (!open) return;
      clearInterval(drip);
      response.end(body.subarray(sent));
    }, 100);
    response.on('close', () => clearInterval(drip));
  };
  const server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1);
    const body = contents(name === 'failed' ? 'something else' : name);
    if (name === 'away') {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-length': body.length });
    if (name === 'coming' && !open && request.method === 'GET') stall(response, body);
    else response.end(request.method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    letCome() {
      open = true;
    },
  };
}

/** What is peculiar about an entry; the rest is as with others. */
function fieldsOf(name: Peculiar, url: string): Partial<MetadataFields> {
  const location = `${url}/${name}`;
  switch (name) {
    case 'long':
      return {
        title: `An image with a title that goes on for longer than anybody would want to read on a telephone, with CentOS 5.5, compilers, and/or_a_word_that_has_no_end_${'and_goes_on_'.repeat(12)}`,
        description: `${'It says a lot of itself, most of it twice. '.repeat(30)}\n\nIt also has a second paragraph.`,
        locations: Array.from(
          { length: 14 },
          (_, at) =>
            `https://mirror${at}.images.example.org/pub/${'folder/'.repeat(at)}image-with-a-long-name-${at}.qcow2.gz?signature=${'a1b2c3d4'.repeat(6)}`,
        ),
        tag: 'a-tag-that-is-not-exactly-short-either-but-allowed',
        kinds: ['machine', 'disk'],
        hypervisors: ['kvm', 'xen', 'vmware', 'hyperv', 'virtualbox'],
        inboundPorts: [22, 80, 443, 3306, 5432, 8080, 8443, 9000, 9090, 27017],
        outboundPorts: [0],
        icmp: [0, 8],
        foreign: [
          { namespace: 'http://example.org/other#', name: 'other-info', text: 'additional metadata', children: [] },
          {
            namespace: 'http://example.org/other#',
            name: 'build',
            text: '',
            children: [
              { namespace: 'http://example.org/other#', name: 'host', text: 'build7.example.org', children: [] },
              { namespace: 'http://example.org/other#', name: 'log', text: 'x'.repeat(200), children: [] },
            ],
          },
        ],
      };
    case 'plain':
      return {
        title: undefined,
        description: undefined,
        os: undefined,
        osVersion: undefined,
        osArch: undefined,
        hypervisors: [],
        locations: [],
      } as never;
    case 'old':
      return {
        title: 'An image that nobody vouches for any more',
        valid: '2026-02-01T00:00:00Z',
        locations: [location],
      };
    case 'deprecated':
      return {
        title: 'Debian 6 web server',
        deprecated: 'The SSH server has a hole; take the next one',
        locations: [location],
      };
    case 'here':
    case 'pinned':
    case 'coming':
    case 'failed':
    case 'away':
    case 'full':
      break;
  }
  return { title: `Flora and Fauna, ${name}`, locations: [location] };
}

/** @param documents how many of the generated ones there are beside the peculiar ones. */
export async function openBusySite(
  documents: number,
  flags: Readonly<Record<string, unknown>> = {},
): Promise<BusySite> {
  const web = await startWeb();
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-busy-'));
  const policyFile = join(folder, 'policy.json');
  writeFileSync(policyFile, JSON.stringify(policy));
  const server = await TestServer.open({
    'upload-limit': 100_000,
    'allow-legacy': true,
    'policy': policyFile,
    ...flags,
  });
  const now = new Date();
  const certificates = people.map(([name, email, organization]) =>
    generateCertificate({ name, email, organization }, name === 'Jane Tester' ? 'rsa-2048' : 'ec-p256', {
      now: new Date('2026-01-01T00:00:00Z'),
      days: 3650,
    }),
  );
  const [jane, olafur, factory] = (await Promise.all(certificates)).map(({ signer }) => signer);
  if (jane === undefined || olafur === undefined || factory === undefined) throw new Error('nobody signs');

  async function upload(document: string | Buffer): Promise<BusyEntry> {
    let answer = await server.upload(String(document));
    // On a busy machine the check of a plain document may take longer than it is allowed to: no reason to fail here.
    for (let left = 5; left > 0 && answer.status === 422; left -= 1) answer = await server.upload(String(document));
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    const path = answer.headers.get('location') ?? '';
    return { path, identifier: path.split('/')[2] ?? '' };
  }

  async function publish(name: Peculiar, signer: Signer, created: Date): Promise<BusyEntry> {
    const measured = await measureImage(Readable.from([contents(name)]));
    const fields = {
      ...measured,
      type: 'machine',
      kinds: ['machine'],
      description: 'Plants, animals and three plates; it boots to a greeting.',
      tag: 'flora-and-fauna',
      format: 'raw',
      os: 'debian',
      osVersion: '13',
      osArch: 'x86_64',
      hypervisors: ['kvm'],
      creator: 'Jane Tester',
      publisher: 'Flora and Fauna',
      ...fieldsOf(name, web.url),
    } as MetadataFields;
    return upload(signDocument(buildMetadata(fields, '2026-01-01T00:00:00Z'), signer, { created }));
  }

  const keys = signersOf(await makeEndorsers(Math.max(6, endorsersOf(documents))));
  const generated = Array.from({ length: documents }, (_, number) => signedDocument(7, number, keys));
  for (let at = 0; at < generated.length; at += 8) await Promise.all(generated.slice(at, at + 8).map(upload));
  await uploadRealOnes(upload);

  const made: [Peculiar, BusyEntry][] = [];
  for (const [at, name] of peculiar.entries()) {
    const signer = name === 'long' ? factory : name === 'plain' ? olafur : jane;
    const created = new Date(now.getTime() - (peculiar.length - at) * 3600_000);
    // Some have a history, and others who endorse them.
    for (let age = name === 'full' ? 9 : 1; age > 1; age -= 1)
      await publish(name, jane, new Date(created.getTime() - age * 9 * 86_400_000));
    if (name === 'full') await publish(name, olafur, new Date(created.getTime() - 86_400_000));
    made.push([name, await publish(name, signer, created)]);
  }
  const entries = Object.fromEntries(made) as Record<Peculiar, BusyEntry>;
  for (const bad of ['<b>not signed</b>', 'nothing']) await server.upload(bad);

  await server.operator('PUT', '/cache/rate', { bytesPerSecond: 50_000_000 });
  for (const name of ['here', 'pinned', 'full'] as const)
    await server.operator('POST', `/cache/${entries[name].identifier}`);
  await server.operator('PUT', `/cache/${entries.pinned.identifier}/pin`);
  for (const name of ['failed', 'away'] as const) await server.operator('POST', `/cache/${entries[name].identifier}`);
  await server.operator('POST', '/cache/collections', {});
  await server.operator('POST', '/cache/scrubs', {});
  await server.operator('POST', `/cache/${entries.coming.identifier}?wait=false`);

  const jobOf = async (query: string): Promise<number> => {
    const { body } = await server.operator('GET', `/jobs?limit=1&${query}`);
    return (body['jobs'] as readonly { id: number }[])[0]?.id ?? 0;
  };
  const jobs = {
    done: await jobOf(`key=${entries.here.identifier}`),
    running: await jobOf(`key=${entries.coming.identifier}`),
    retrying: await jobOf(`key=${entries.away.identifier}`),
    failed: await jobOf(`key=${entries.failed.identifier}`),
    scrub: await jobOf('kind=scrub'),
  };
  return {
    server,
    operator: await BrowserSession.signedIn(server),
    entries,
    jobs,
    letCome: web.letCome,
    async close() {
      web.letCome();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
      web.server.closeAllConnections();
      web.server.close();
    },
  };
}

/** Documents of a real marketplace, with weak signatures, where they are at hand. */
async function uploadRealOnes(upload: (document: Buffer) => Promise<unknown>): Promise<void> {
  const folder = new URL('../../../shared/data/stratuslab/', import.meta.url);
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder).filter((file) => file.endsWith('-signature.xml')))
    await upload(readFileSync(new URL(name, folder))).catch(() => undefined);
}
