// A server in this process, on free loopback ports, with its data in a temporary folder; and an endorser who publishes.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Creator } from '../../cli/demo/creator.ts';
import { serveFiles, type WebServer } from '../../cli/demo/web.ts';
import { loadConfig } from '../../src/config/load.ts';
import { startServer, type RunningServer } from '../../src/server.ts';

export class TestServer {
  readonly folder: string;
  readonly web: WebServer;
  readonly creator: Creator;
  readonly files: Map<string, Buffer>;
  #running: RunningServer;
  readonly #clock: { ahead: number };
  readonly #start: () => Promise<RunningServer>;

  private constructor(
    parts: Pick<TestServer, 'folder' | 'web' | 'creator' | 'files'>,
    running: RunningServer,
    start: () => Promise<RunningServer>,
    clock: { ahead: number },
  ) {
    ({ folder: this.folder, web: this.web, creator: this.creator, files: this.files } = parts);
    this.#running = running;
    this.#start = start;
    this.#clock = clock;
  }

  static async open(flags: Readonly<Record<string, unknown>> = {}): Promise<TestServer> {
    const folder = mkdtempSync(join(tmpdir(), 'mintmark-http-'));
    const files = new Map<string, Buffer>();
    const free = { 'http': '127.0.0.1:0', 'iscsi': '127.0.0.1:0', 'pull-allow': ['127.0.0.0/8'] };
    const { config } = loadConfig({ flags: { data: join(folder, 'data'), ...free, ...flags }, env: {} });
    const clock = { ahead: 0 };
    const now = (): Date => new Date(Date.now() + clock.ahead);
    const start = (): Promise<RunningServer> =>
      startServer({ config, log: pino({ level: 'silent' }), now, randomness: randomBytes });
    const parts = { folder, files, web: await serveFiles(files), creator: await Creator.create(now) };
    return new TestServer(parts, await start(), start, clock);
  }

  get token(): string {
    return readFileSync(this.#running.tokenFile, 'utf8').trim();
  }

  get url(): string {
    return this.#running.url;
  }

  /** Sets the clock of the server forward, or back. */
  forward(seconds: number): void {
    this.#clock.ahead += seconds * 1000;
  }

  /** Ends the server and starts it again on the same data; `between` runs while there is none. */
  async restart(between?: () => Promise<unknown>): Promise<void> {
    await this.#running.close();
    await between?.();
    this.#running = await this.#start();
  }

  /** A signed document about an image that the web server serves under this name. */
  async document(name: string, image: Buffer): Promise<string> {
    this.files.set(name, image);
    return (await this.creator.publish(image, `Image ${name}`, this.web.url(name))).document;
  }

  async upload(document: string): Promise<Response> {
    return await this.fetch('/metadata', {
      method: 'POST',
      headers: { 'content-type': 'application/xml' },
      body: document,
    });
  }

  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return await fetch(new URL(path, this.url), { redirect: 'manual', ...init });
  }

  /** A request of the operator; the answer's JSON, or undefined where there is none. */
  async operator(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await this.fetch(path, {
      method,
      headers: { 'authorization': `Bearer ${this.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> };
  }

  async close(): Promise<void> {
    await this.#running.close();
    await this.web.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
