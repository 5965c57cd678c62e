// HOST:PORT as people write it on a command line.
import { z } from 'zod';

/** A TCP address to listen on; port 0 asks the system for a free one. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const shape = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[^\s:[\]]+)):(?<port>\d{1,5})$/u;

/** Parses `HOST:PORT` or `[IPv6]:PORT`; undefined where the text is neither. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = shape.exec(text);
  const host = match?.groups?.['six'] ?? match?.groups?.['host'];
  const port = Number(match?.groups?.['port']);
  return host === undefined || port > 65_535 ? undefined : { host, port };
}

/** The text that {@link parseEndpoint} reads. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** `HOST:PORT` in a file, the environment or a flag. */
export const endpointSchema = z.string().transform((text, context): Endpoint => {
  const endpoint = parseEndpoint(text);
  if (endpoint !== undefined) return endpoint;
  context.addIssue({ code: 'custom', message: `"${text}" is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080` });
  return z.NEVER;
});
