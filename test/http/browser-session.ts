// A browser without scripts, as far as a server sees it: it keeps the cookie, follows what it is sent to, and sends forms.
import { type TestServer } from './running-server.ts';

export interface Shown {
  readonly status: number;
  /** Where it is sent on to. */
  readonly to: string | null;
  readonly text: string;
  readonly headers: Headers;
}

export class BrowserSession {
  cookie = '';
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  /** Signs in with the operator token of the server. */
  static async signedIn(server: TestServer): Promise<BrowserSession> {
    const browser = new BrowserSession(server);
    await browser.send('/login', { token: server.token });
    return browser;
  }

  async #ask(path: string, init: RequestInit): Promise<Shown> {
    const response = await this.#server.fetch(path, { ...init, headers: { accept: 'text/html', cookie: this.cookie } });
    const [cookie] = response.headers.getSetCookie();
    if (cookie !== undefined) this.cookie = cookie.split(';')[0] ?? '';
    return {
      status: response.status,
      to: response.headers.get('location'),
      text: await response.text(),
      headers: response.headers,
    };
  }

  show(path: string): Promise<Shown> {
    return this.#ask(path, {});
  }

  /** A field may have several values. */
  send(path: string, fields: Readonly<Record<string, string | readonly string[]>>): Promise<Shown> {
    const pairs = Object.entries(fields).flatMap(([name, values]) => [values].flat().map((value) => [name, value]));
    return this.#ask(path, { method: 'POST', body: new URLSearchParams(pairs) });
  }

  /** The sign that the forms of this session carry. */
  async formToken(): Promise<string> {
    return /name="form" value="([^"]+)"/u.exec((await this.show('/jobs')).text)?.[1] ?? '';
  }

  /** Sends a form of the cache's pages. */
  async order(fields: Readonly<Record<string, string>>): Promise<Shown> {
    return await this.send('/cache', { form: await this.formToken(), ...fields });
  }
}
