// SQL and markup in every parameter of every route, and in every field of a signed document: text comes back as text.
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApiDocument, operations } from '../../src/http/openapi.ts';
import { buildMetadata } from '../../src/metadata/build.ts';
import { type Signer } from '../../src/signature/keys.ts';
import { signDocument } from '../../src/signature/sign.ts';
import { postgresTools, startCluster, type Cluster } from '../db/postgres-cluster.ts';
import { endorserNamed } from '../registry/signed-documents.ts';
import { describeWithTools } from '../setup/tools.ts';
import { TestServer } from './running-server.ts';

const payloads = [
  "' or '1'='1",
  "'; drop table entries; --",
  '1; delete from documents',
  "') union select bytes from documents --",
  '%27%20or%201=1',
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '\u0000',
  '../../etc/passwd',
  '{{7*7}}${7*7}',
  '\u202Egnp.exe',
] as const;

/** Whether a payload has become markup: an element of its own, or an attribute outside of double quotes. */
const live = {
  test: (page: string): boolean =>
    [...page.matchAll(/<(?:"[^"]*"|[^">])*>/gu)].some(([tag]) =>
      /^<script>|<img src=x|\son\w+\s*=/u.test(tag.replaceAll(/"[^"]*"/gu, '""')),
    ),
};

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
}

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly parameters: readonly Parameter[] }>>>>;
}

/** Every GET with one of its parameters set to the payload, the others to something harmless. */
function requestsWith(payload: string): readonly string[] {
  const { paths } = openApiDocument() as Described;
  return Object.entries(paths).flatMap(([path, methods]) => {
    if (methods['get'] === undefined || path === '/events') return [];
    return methods['get'].parameters.map((parameter) => {
      const filled = path.replaceAll(/\{(\w+)\}/gu, (_, name: string) =>
        name === parameter.name && parameter.in === 'path' ? encodeURIComponent(payload) : 'x',
      );
      return parameter.in === 'path' ? filled : `${filled}?${parameter.name}=${encodeURIComponent(payload)}`;
    });
  });
}

function checksums() {
  const bytes = randomBytes(8);
  return {
    'SHA-1': createHash('sha1').update(bytes).digest('hex'),
    'SHA-256': createHash('sha256').update(bytes).digest('hex'),
  };
}

const valued = (names: readonly string[], value: unknown) => Object.fromEntries(names.map((name) => [name, value]));

/** `each`: every payload in every field by itself; else the fields of one kind together. */
function injectionSuite(flags: () => Promise<Readonly<Record<string, unknown>>>, each: boolean): void {
  let server: TestServer;
  let signer: Signer;
  beforeAll(async () => {
    server = await TestServer.open({ ...(await flags()), 'upload-limit': 10_000 });
    signer = await endorserNamed('jane');
    await server.upload(await server.document('one', Buffer.alloc(512, 'one')));
  });
  afterAll(() => server.close());

  const total = async (): Promise<unknown> =>
    ((await (await server.fetch('/metadata?status=all')).json()) as { total: number }).total;

  const html = async (path: string): Promise<string> => {
    const response = await server.fetch(path, { headers: { accept: 'text/html' } });
    expect([path, response.status]).toEqual([path, 200]);
    return response.text();
  };

  test('there are many parameters', () => {
    expect(requestsWith('x').length).toBeGreaterThan(60);
  });

  test.each(payloads)('%j in any parameter breaks nothing', async (payload) => {
    const before = await total();
    const authorization = `Bearer ${server.token}`;
    const accept = 'text/html, application/json;q=0.9, */*;q=0.8';
    for (const path of requestsWith(payload)) {
      const response = await server.fetch(path, { headers: { accept, authorization } });
      const text = await response.text();
      const { status } = response;
      const page = response.headers.get('content-type')?.includes('html') === true && live.test(text);
      expect({ path, broken: status >= 500, page }).toEqual({ path, broken: false, page: false });
    }
    expect(await total()).toBe(before);
  });

  test.each(payloads)('%j in any body breaks nothing', async (payload) => {
    const before = await total();
    const authorization = `Bearer ${server.token}`;
    for (const [path, methods] of Object.entries(operations)) {
      for (const method of ['post', 'put', 'patch'] as const) {
        const operation = methods[method];
        // What works on the whole vault is no question of text.
        if (operation === undefined || operation.body === undefined || path.startsWith('/cache')) continue;
        const fields = Object.keys('shape' in operation.body ? (operation.body.shape as object) : {});
        for (const field of fields) {
          const response = await server.fetch(path.replaceAll(/\{\w+\}/gu, 'x'), {
            method,
            headers: { 'content-type': 'application/json', authorization },
            body: JSON.stringify({ ...Object.fromEntries(fields.map((name) => [name, 'x'])), [field]: payload }),
          });
          expect({ path, field, broken: response.status >= 500 }).toEqual({ path, field, broken: false });
          await response.text();
        }
      }
    }
    expect(await total()).toBe(before);
  });

  test('in every field of a signed document it is shown as text, and found as text', async () => {
    const texts = ['title', 'description', 'creator', 'publisher', 'tag', 'os', 'osVersion', 'osArch', 'version'];
    const lists = ['locations', 'hypervisors', 'kinds', 'disksBuses'];
    const checked = [
      'type',
      'deprecated',
      'valid',
      'format',
      'compression',
      'serialNumber',
      'isReplacedBy',
      'replaces',
    ];
    let accepted = 0;
    for (const payload of payloads) {
      if (payload === '\u0000') continue;
      const documents = [
        ...texts.map((name) => valued([name], payload)).slice(0, each ? texts.length : 1),
        valued(texts, payload),
        ...lists.map((name) => valued([name], [payload])),
        ...checked.map((name) => valued([name], payload)).slice(0, each ? checked.length : 1),
      ];
      for (const document of documents) {
        const fields = { bytes: 8, type: 'machine', checksums: checksums(), foreign: [], ...document };
        const unsigned = buildMetadata(fields, '2026-01-01T00:00:00Z');
        const created = new Date('2026-01-02T00:00:00Z');
        const response = await server.upload(signDocument(unsigned, signer, { created }));
        const { status } = response;
        expect({ document, taken: [201, 422].includes(status) }).toEqual({ document, taken: true });
        if (status !== 201) continue;
        accepted += 1;
        const page = await html(response.headers.get('location') ?? '');
        expect({ document, live: live.test(page) }).toEqual({ document, live: false });
      }
      expect(live.test(await html(`/metadata?status=all&q=${encodeURIComponent(payload)}`))).toBe(false);
    }
    expect(accepted).toBeGreaterThan(40);
    expect(await total()).toBe(accepted + 1);
    for (const path of ['/metadata?status=all&limit=100', '/endorsers', '/endorsers/jane%40example.org', '/log']) {
      expect({ path, live: live.test(await html(path)) }).toEqual({ path, live: false });
    }
  }, 180_000);
}

describe('on SQLite', () => {
  injectionSuite(() => Promise.resolve({}), true);
});

describeWithTools('on PostgreSQL', postgresTools, () => {
  let cluster: Cluster;
  injectionSuite(async () => {
    cluster = await startCluster();
    return { database: cluster.location().url };
  }, false);
  afterAll(() => cluster?.stop());
});
