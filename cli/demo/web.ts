// A plain web server on loopback, as any creator of images has one.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo } from 'node:net';

export interface WebServer {
  /** Address of a file. */
  url(name: string): string;
  close(): Promise<void>;
}

/** Serves these files from memory, each under its name. */
export async function serveFiles(files: ReadonlyMap<string, Buffer>): Promise<WebServer> {
  const server = createServer((request, response) => {
    const content = files.get((request.url ?? '').slice(1));
    if (content === undefined) response.writeHead(404).end();
    else
      response
        .writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': content.length })
        .end(content);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: (name) => `http://127.0.0.1:${port}/${name}`,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
