// An HTTP server's beginning and end.
import { once } from 'node:events';
import { type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { formatEndpoint, type Endpoint } from '../config/endpoint.ts';
import { Fault } from '../errors/fault.ts';

/** Throws `config.address` where the address cannot be used. */
export async function listen(server: Server, { host, port }: Endpoint): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new Fault('config.address', `cannot listen on ${formatEndpoint({ host, port })}`, { cause: error });
  }
}

/** Where it listens: its host, with the port in use. */
export function boundTo(server: Server, { host }: Endpoint): Endpoint {
  const { port } = server.address() as AddressInfo;
  return { host, port };
}

/** Ends it once the requests that are under way are answered. */
export async function endServer(server: Server): Promise<void> {
  const ended = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  await ended;
}
