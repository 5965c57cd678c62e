// A thousand readers at once while others upload: every answer is a whole list of one moment, and none is missing.
import { Agent, request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { endorserNamed, signedDocument } from '../registry/signed-documents.ts';
import { TestServer } from './running-server.ts';

const readers = 1000;
const before = 25;
const meanwhile = 40;

const listSchema = z.object({
  total: z.number(),
  exact: z.boolean(),
  next: z.string().optional(),
  facets: z.record(z.string(), z.array(z.object({ value: z.string(), count: z.number() }))),
  entries: z.array(z.object({ identifier: z.string(), created: z.string(), standing: z.string() })),
});

let server: TestServer;
let documents: readonly Buffer[];
/** Every reader has a connection of its own. */
const agent = new Agent({ connections: readers });

const upload = async (document: Buffer): Promise<number> => (await server.upload(document.toString())).status;

beforeAll(async () => {
  server = await TestServer.open();
  const signer = await endorserNamed('jane');
  documents = Array.from({ length: before + meanwhile }, (_, number) => signedDocument(signer, number));
  for (const document of documents.slice(0, before)) await upload(document);
});
afterAll(async () => {
  await agent.close();
  await server.close();
});

const paths = ['/metadata', '/metadata?q=image&limit=5', '/metadata?os=centos', '/metadata?sort=title&format=raw'];

async function read(path: string, dispatcher = agent): Promise<z.output<typeof listSchema>> {
  const answer = await request(new URL(path, server.url), {
    dispatcher,
    headers: { accept: 'application/json' },
  });
  expect(answer.statusCode).toBe(200);
  return listSchema.parse(await answer.body.json());
}

test('a thousand readers at once see whole lists while entries arrive', async () => {
  let arriving = true;
  const uploads = Promise.all(documents.slice(before).map(upload)).finally(() => {
    arriving = false;
  });
  const lists: z.output<typeof listSchema>[] = [];
  let overlapped = 0;
  await Promise.all(
    Array.from({ length: readers }, async (_, number) => {
      lists.push(await read(paths[number % paths.length] ?? '/metadata'));
      if (arriving) overlapped += 1;
    }),
  );
  expect(new Set(await uploads)).toEqual(new Set([201]));
  expect(overlapped).toBeGreaterThan(0);
  expect(lists.length).toBe(readers);
  for (const { total, exact, facets, entries, next } of lists) {
    expect(exact).toBe(true);
    expect(total).toBeGreaterThanOrEqual(Math.floor(before / 2));
    expect(total).toBeLessThanOrEqual(documents.length);
    expect(facets['format']).toEqual([{ value: 'raw', count: total }]);
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.every(({ standing }) => standing === 'valid')).toBe(true);
    expect(new Set(entries.map(({ identifier }) => identifier)).size).toBe(entries.length);
    expect(next === undefined).toBe(total === entries.length);
  }
  // The server is closing the connections that have had nothing to do for five seconds: none of these is taken again.
  const afterwards = new Agent();
  for (const path of ['/metadata', '/metadata?q=image']) {
    expect((await read(path, afterwards)).total).toBe(documents.length);
  }
  await afterwards.close();
}, 120_000);
