// SQL and markup in every parameter, body, form and header of every route, and in every place of a signed document: text
// comes back as text, and nothing else is listed or lost.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { XmlDocument } from 'libxml2-wasm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readMetadata } from '../../src/metadata/read.ts';
import { nested, opening, terms } from '../../src/metadata/vocabulary.ts';
import { type Signer } from '../../src/signature/keys.ts';
import { readPlain } from '../../src/xml/read-plain.ts';
import { postgresTools, startCluster, type Cluster } from '../db/postgres-cluster.ts';
import { endorserNamed } from '../registry/signed-documents.ts';
import { describeWithTools } from '../setup/tools.ts';
import { documentOf, endorserCalled, signedWith, tamperedWith, type HostileDocument } from './injection/documents.ts';
import { headerPayloads, isLive, payloads, readerText, xmlPayloads, type Payload } from './injection/payloads.ts';
import {
  injectionsInForms,
  injectionsInHeaders,
  injectionsOf,
  readHeaders,
  type Injection,
} from './injection/requests.ts';
import { modelFields, placesIn, wholeDocument } from './injection/whole-document.ts';
import { TestServer } from './running-server.ts';

describe('what is tried', () => {
  test('the whole document has every field of the model, and every element of the vocabulary with a text', () => {
    const xml = wholeDocument('one', true);
    const root = readPlain(xml.replace(/^<\?xml[^>]*\?>\n/u, ''));
    const { metadata, findings } = readMetadata(root, { now: new Date('2026-02-01T00:00:00Z'), skewSeconds: 0 });
    expect(findings).toEqual([]);
    expect(Object.keys(metadata ?? {}).sort()).toEqual([...modelFields].sort());
    const inside = [...nested.values()].flat();
    const known = [...terms.keys(), ...[...opening, ...inside].map(([name]) => name)];
    const holders = new Set(['rdf:type', ...nested.keys()]);
    const texts = new Set(placesIn(xml).map(({ name }) => name));
    expect(known.filter((name) => !texts.has(name) && !holders.has(name))).toEqual([]);
  });

  test('every header that the server reads', () => {
    const folder = new URL('../../src/http/', import.meta.url).pathname;
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/u.test(name));
    const read = files.flatMap((name) =>
      Array.from(
        readFileSync(join(folder, name), 'utf8').matchAll(/request\.get\('([^']+)'\)/gu),
        ([, header]) => header,
      ),
    );
    expect(read.filter((header) => !readHeaders.some((tried) => tried === header))).toEqual([]);
  });

  test('there are many requests', () => {
    expect(injectionsOf('x').length).toBeGreaterThan(250);
  });
});

/** Parameters of a list that nothing has the payloads for. */
const ofNothing = [
  'identifier',
  'email',
  'created',
  'tag',
  'os',
  'os-version',
  'os-arch',
  'kind',
  'format',
  'hypervisor',
];

/** Parameters of a list, and the elements that they look for. */
const found: Readonly<Record<string, string>> = {
  'slterms:os': 'os',
  'slterms:os-version': 'os-version',
  'slterms:os-arch': 'os-arch',
  'slterms:hypervisor': 'hypervisor',
  'dcterms:alternative': 'tag',
};

/** Whether a value has the text somewhere in it. */
const holds = (value: unknown, text: string): boolean =>
  value === text ||
  (typeof value === 'object' && value !== null && Object.values(value).some((one) => holds(one, text)));

/** `apart`: of the payloads, one in so many is tried in each place, and every one in some; INJECTIONS=all tries all in all. */
function injectionSuite(flags: () => Promise<Readonly<Record<string, unknown>>>, apart: number): void {
  let server: TestServer;
  let signer: Signer;
  let published = 1;
  beforeAll(async () => {
    server = await TestServer.open({ ...(await flags()), 'upload-limit': 1_000_000 });
    signer = await endorserNamed('jane');
    await server.upload(await server.document('one', Buffer.alloc(512, 'one')));
  });
  afterAll(() => server.close());

  const step = process.env['INJECTIONS'] === 'all' ? 1 : apart;
  const isTried = (index: number, payload: Payload): boolean => (index + payloads.indexOf(payload)) % step === 0;

  async function json(path: string): Promise<Record<string, unknown>> {
    const response = await server.fetch(path, { headers: { accept: 'application/json' } });
    return { status: response.status, ...((await response.json()) as object) };
  }

  const total = async (): Promise<unknown> => (await json('/metadata?status=all'))['total'];

  async function html(path: string): Promise<string> {
    const response = await server.fetch(path, { headers: { accept: 'text/html' } });
    expect([path, response.status]).toEqual([path, 200]);
    return response.text();
  }

  /** What may not be of an answer. */
  async function brokenBy({ route, parameter, path, method, headers, body }: Injection): Promise<object | undefined> {
    const response = await server.fetch(path, {
      method: method.toUpperCase(),
      headers: {
        accept: 'text/html, application/json;q=0.9, */*;q=0.8',
        authorization: `Bearer ${server.token}`,
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const guarded = response.headers.get('x-content-type-options') === 'nosniff';
    const live = response.headers.get('content-type')?.includes('html') === true && isLive(text);
    return response.status >= 500 || live || !guarded
      ? { route, parameter, status: response.status, live, guarded }
      : undefined;
  }

  async function brokenOf(injections: readonly Injection[]): Promise<readonly object[]> {
    const broken: object[] = [];
    for (const injection of injections) {
      const one = await brokenBy(injection);
      if (one !== undefined) broken.push(one);
    }
    return broken;
  }

  test.each(payloads)('%j in any part of a path, parameter or body breaks nothing', async (payload) => {
    const before = await total();
    expect(await brokenOf(injectionsOf(payload).filter((_, index) => isTried(index, payload)))).toEqual([]);
    for (const name of ofNothing) {
      const list = await json(`/metadata?status=all&${name}=${encodeURIComponent(payload)}`);
      expect({ name, found: list['total'] ?? 0 }).toEqual({ name, found: 0 });
    }
    expect(await total()).toBe(before);
  });

  test('a header that holds one breaks nothing', async () => {
    for (const [number, payload] of headerPayloads.entries()) {
      const some = injectionsInHeaders(payload).filter((_, index) => index % headerPayloads.length === number);
      expect(await brokenOf(some.filter((_, index) => isTried(index, payload)))).toEqual([]);
    }
  });

  test('a form that holds one in its names or its file breaks nothing', async () => {
    for (const payload of payloads) expect(await brokenOf(injectionsInForms(payload))).toEqual([]);
    expect(await total()).toBe(1);
  });

  /** Uploads a document; where it is taken, reads it back in all representations. */
  async function publish({ place, document, good }: HostileDocument, payload: Payload): Promise<void> {
    const response = await server.upload(document);
    const taken = response.status === 201;
    const where = { place: place.name, payload };
    expect({ ...where, status: response.status, taken: good ?? taken }).toEqual({
      ...where,
      status: taken ? 201 : 422,
      taken,
    });
    if (!taken) return;
    published += 1;
    const path = response.headers.get('location') ?? '';
    const { entry } = (await response.json()) as { entry: { metadata: unknown } };
    const page = await html(path);
    const shown = good === true ? [holds(entry.metadata, payload), readerText(page).includes(payload)] : [true, true];
    expect({ ...where, live: isLive(page), shown }).toEqual({ ...where, live: false, shown: [true, true] });
    const parameter = found[place.name];
    if (parameter === undefined || place.number > 0) return;
    const list = await json(`/metadata?status=all&${parameter}=${encodeURIComponent(payload)}`);
    expect({ ...where, found: list['total'] }).toEqual({ ...where, found: 1 });
  }

  test.each(xmlPayloads)('%j in any place of a signed document is text', async (payload) => {
    const documents = signedWith(payload, signer, (place) => `${payload} ${place}`);
    expect(documents.length).toBeGreaterThan(50);
    for (const [index, document] of documents.entries()) if (isTried(index, payload)) await publish(document, payload);
    expect(isLive(await html(`/metadata?status=all&q=${encodeURIComponent(payload)}`))).toBe(false);
    expect(await total()).toBe(published);
  });

  test('in a place of a document that was signed already, it is refused, as text', async () => {
    for (const payload of xmlPayloads) {
      for (const [index, { place, document }] of tamperedWith(payload, signer).entries()) {
        if (xmlPayloads[index % xmlPayloads.length] !== payload) continue;
        const body = new FormData();
        body.set('document', new Blob([document]), 'a.xml');
        const response = await server.fetch('/metadata', { method: 'POST', body, headers: { accept: 'text/html' } });
        const live = isLive(await response.text());
        const where = { place: place.name, payload };
        expect({ ...where, status: response.status, live }).toEqual({ ...where, status: 422, live: false });
      }
    }
    expect(await total()).toBe(published);
  });

  test('in the names of a certificate it is text', async () => {
    for (const [number, payload] of xmlPayloads.entries()) {
      const email = `eve.${number}@example.org`;
      const response = await server.upload(documentOf(endorserCalled(payload, email), `certificate ${number}`));
      expect([payload, response.status]).toEqual([payload, 201]);
      published += 1;
      const pages = [response.headers.get('location') ?? '', `/endorsers/${encodeURIComponent(email)}`];
      for (const page of await Promise.all(pages.map(html)))
        expect([payload, isLive(page), readerText(page).includes(`CN=`)]).toEqual([payload, false, true]);
      expect(holds((await json(`/endorsers/${email}`))['email'], email)).toBe(true);
    }
  });

  test('addresses that are none are refused; those that look like code are addresses', async () => {
    for (const payload of [
      "x' or 1=1--@example.org",
      '"<script>alert(1)</script>"@example.org',
      '../../x@example.org',
    ]) {
      const response = await server.upload(documentOf(endorserCalled('Eve', payload), payload));
      expect([payload, response.status]).toEqual([payload, 422]);
    }
    for (const payload of ['%3Cscript%3E@example.org', '--@example.org', '__proto__@example.org', '%25@example.org']) {
      const response = await server.upload(documentOf(endorserCalled('Eve', payload), payload));
      expect([payload, response.status]).toEqual([payload, 201]);
      published += 1;
      const location = response.headers.get('location') ?? '';
      expect(isLive(await html(location))).toBe(false);
      const encoded = encodeURIComponent(payload);
      expect(await json(`/endorsers/${encoded}`)).toMatchObject({ status: 200, email: payload, entries: 1 });
      expect(await json(`/metadata/${encoded}`)).toMatchObject({ total: 1 });
      expect(await json(`/metadata?email=${encoded}`)).toMatchObject({ total: 1 });
    }
  });

  test('lists of all this are pages, JSON and XML as ever', async () => {
    expect(await total()).toBe(published);
    let cursor = '';
    let listed = 0;
    do {
      const query = `/metadata?status=all&limit=100${cursor}`;
      expect(isLive(await html(query))).toBe(false);
      const { entries, next } = (await json(query)) as { entries: readonly object[]; next?: string };
      const xml = await (await server.fetch(`${query}&media=xml`)).text();
      using document = XmlDocument.fromString(xml);
      expect(document.root.name).toBe('metadata');
      expect(document.find('/metadata/*').length).toBe(entries.length);
      listed += entries.length;
      cursor = next === undefined ? '' : `&cursor=${encodeURIComponent(next)}`;
    } while (cursor !== '');
    expect(listed).toBe(published);
    for (const path of ['/endorsers', '/log?limit=1000', '/policy', '/metadata?status=withdrawn&limit=100'])
      expect([path, isLive(await html(path))]).toEqual([path, false]);
  });
}

describe('on SQLite', () => {
  injectionSuite(() => Promise.resolve({}), 3);
});

describeWithTools('on PostgreSQL', postgresTools, () => {
  let cluster: Cluster;
  injectionSuite(async () => {
    cluster = await startCluster();
    return { database: cluster.location().url };
  }, 9);
  afterAll(() => cluster?.stop());
});
