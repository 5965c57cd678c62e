// A real web server that behaves as it is told to: whole, ranged, cut, lying, slow, redirecting, changing.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

export interface ServedFile {
  body: Buffer;
  /** Undefined: no ETag. */
  etag?: string;
  /** Answer ranges; default true. */
  ranges?: boolean;
  /** The connection is cut before this byte of the file; once for each number. */
  cuts?: number[];
  /** Content-Length that is claimed. */
  claims?: number;
  /** Sent with chunked transfer coding, its length untold. */
  untold?: boolean;
  /** Redirect there. */
  redirect?: string;
  status?: number;
  headers?: Record<string, string>;
  /** ms between pieces of 64 KiB. */
  pause?: number;
  /** Called before each piece. */
  onPiece?: (offset: number) => void | Promise<void>;
  /** Called when an answer was taken whole, or its connection closed before. */
  onEnd?: () => void;
}

export interface WebServer {
  readonly port: number;
  url(path: string): string;
  readonly files: Map<string, ServedFile>;
  /** Requests so far: path and the Range that was asked for. */
  readonly requests: { readonly path: string; readonly range: string | undefined }[];
  /** Bytes of bodies sent. */
  sent: number;
}

const pieceBytes = 64 * 1024;

async function serve(server: WebServer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '/';
  server.requests.push({ path, range: request.headers.range });
  const file = server.files.get(path);
  if (file === undefined) {
    response.writeHead(404).end();
    return;
  }
  if (file.redirect !== undefined) {
    response.writeHead(302, { location: file.redirect }).end();
    return;
  }
  const headers: Record<string, string | number> = { ...file.headers };
  if (file.etag !== undefined) headers['etag'] = file.etag;
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  const ranged = match !== null && file.ranges !== false && (condition === undefined || condition === file.etag);
  const start = ranged ? Number(match[1]) : 0;
  const last = ranged && match[2] !== '' ? Number(match[2]) : file.body.length - 1;
  if (ranged) headers['content-range'] = `bytes ${start}-${last}/${file.body.length}`;
  if (file.untold !== true) headers['content-length'] = (file.claims ?? last + 1) - start;
  const body = file.body.subarray(0, last + 1);
  response.writeHead(file.status ?? (ranged ? 206 : 200), headers);
  response.setMaxListeners(0);
  if (file.onEnd !== undefined) response.once('close', file.onEnd);
  for (let at = start; at < body.length;) {
    await file.onPiece?.(at);
    const cut = file.cuts?.find((byte) => byte >= at && byte < at + pieceBytes);
    const piece = body.subarray(at, Math.min(cut ?? body.length, at + pieceBytes));
    server.sent += piece.length;
    if (!response.write(piece)) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
    at += piece.length;
    if (cut !== undefined) {
      file.cuts?.splice(file.cuts.indexOf(cut), 1);
      await wait(20);
      response.destroy();
      return;
    }
    if (response.destroyed) return;
    if (file.pause !== undefined) await wait(file.pause);
  }
  response.end();
}

/** Listens on 127.0.0.1 until the test ends. */
export async function startWebServer(): Promise<WebServer> {
  const http = createServer((request, response) => {
    serve(server, request, response).catch(() => response.destroy());
  });
  const server: WebServer = {
    get port() {
      return (http.address() as AddressInfo).port;
    },
    url: (path) => `http://127.0.0.1:${(http.address() as AddressInfo).port}${path}`,
    files: new Map(),
    requests: [],
    sent: 0,
  };
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => {
      http.close(resolve);
    });
  });
  return server;
}
