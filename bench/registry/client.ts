// Asks a running server over HTTP, many requests at once, each connection kept open.
import { Pool } from 'undici';
import { timed, type Times } from './time.ts';

export interface Question {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function statusOf(pool: Pool, { path, headers = {} }: Question): Promise<number> {
  const { statusCode, body } = await pool.request({ path, method: 'GET', headers });
  await body.arrayBuffer();
  return statusCode;
}

/** Times `count` questions, `inFlight` at once. Every answer must have the status that is wanted. */
export async function ask(
  url: string,
  { count, inFlight, status = 200 }: { readonly count: number; readonly inFlight: number; readonly status?: number },
  questionOf: (number: number) => Question,
): Promise<Times> {
  const pool = new Pool(url, { connections: inFlight });
  try {
    // Connections are made beforehand: what is timed are requests.
    await timed(4 * inFlight, inFlight, () => statusOf(pool, { path: '/healthz' }));
    return await timed(count, inFlight, async (number) => {
      const answered = await statusOf(pool, questionOf(number));
      if (answered !== status) throw new Error(`${questionOf(number).path} was answered with ${answered}`);
    });
  } finally {
    await pool.close();
  }
}

/** Clients with different loopback addresses, so that none uploads more than the server takes from one address. */
const senders = 64;

/** Uploads every document, `inFlight` at once; each must be answered with 201. */
export async function upload(url: string, documents: readonly Buffer[], inFlight: number): Promise<Times> {
  const pools = Array.from(
    { length: senders },
    (_, index) => new Pool(url, { connections: 4, localAddress: `127.0.1.${index + 1}` }),
  );
  const headers = { 'content-type': 'application/xml', 'accept': 'application/json' };
  try {
    return await timed(documents.length, inFlight, async (number) => {
      const pool = pools[number % senders];
      const document = documents[number];
      if (pool === undefined || document === undefined) throw new Error('there is no such document');
      const { statusCode, body } = await pool.request({ path: '/metadata', method: 'POST', headers, body: document });
      const text = await body.text();
      if (statusCode !== 201) throw new Error(`upload ${number} was answered with ${statusCode}: ${text}`);
    });
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
  }
}
