// What happens, as it happens: server-sent events (HTML Living Standard §9.2) for pages and programs.
import { type Request, type Response } from 'express';

export interface ServerEvent {
  /** Such as `entry`, `pull`, `attachment`. */
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Hands each event to all that listen; a listener that does not read is cut off, so that memory stays bounded. */
export class EventBoard {
  readonly #listeners = new Set<Response>();

  announce(event: ServerEvent): void {
    const text = `event: ${event.type}\ndata: ${JSON.stringify(event.data)}\n\n`;
    for (const listener of this.#listeners) {
      if (listener.writableLength > 1024 * 1024) listener.destroy();
      else listener.write(text);
    }
  }

  /** Keeps the response open and writes each event to it. */
  listen(request: Request, response: Response): void {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.write(': connected\n\n');
    this.#listeners.add(response);
    request.on('close', () => this.#listeners.delete(response));
  }

  close(): void {
    for (const listener of this.#listeners) listener.end();
    this.#listeners.clear();
  }
}
