// Another registry as a source to follow: read without a token, and never more than such an answer may be.
import { Fault } from '../src/errors/fault.ts';
import { readVerifier } from '../src/registry/log/note.ts';
import { remoteLog, type LogSource } from '../src/registry/mirror/source.ts';

/** A tile of entries is the longest: 256 leaves of up to 64 KiB, each after its length. */
const longestAnswer = 256 * (65_535 + 2);

export interface RemoteRegistry {
  /** The verifier that it names itself. */
  verifier(): Promise<string>;
  readonly source: LogSource;
}

async function bytesOf(response: Response, path: string): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > longestAnswer) {
      throw new Fault('registry.mirror-forged', `The answer to ${path} is longer than such an answer can be`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Throws `usage` where the address is none; what is read throws `unreachable`, or `cancelled` once the signal is given. */
export function remoteRegistry(address: string, signal: AbortSignal): RemoteRegistry {
  if (!URL.canParse(address) || !/^https?:$/u.test(new URL(address).protocol)) {
    throw new Fault('usage', `"${address}" is not the address of a registry`, {
      action: 'Give an address such as https://images.example.org.',
    });
  }
  const get = async (path: string): Promise<Buffer | undefined> => {
    const url = new URL(path, address);
    try {
      const response = await fetch(url, { signal });
      if (response.status === 404) {
        await response.body?.cancel();
        return undefined;
      }
      if (!response.ok) throw new Error(`it answered ${response.status} to ${path}`);
      return await bytesOf(response, path);
    } catch (error) {
      if (error instanceof Fault) throw error;
      if (signal.aborted) throw new Fault('cancelled', `stopped while reading from ${url.origin}`);
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new Fault('unreachable', `the registry at ${url.origin} cannot be read`, {
        cause,
        action: 'Check the address, and try again later: what was taken in is kept.',
      });
    }
  };
  return {
    source: remoteLog(get),
    verifier: async () => {
      const line = await get('/log/verifier');
      if (line !== undefined && readVerifier(line.toString().trim()) === undefined) {
        throw new Fault('unreachable', `${new URL(address).origin} answers, but not as a Mintmark server does`, {
          action: 'Check the address with its port, and what stands before the server.',
        });
      }
      if (line !== undefined) return line.toString().trim();
      throw new Fault('registry.mirror-incomplete', `${new URL(address).origin} has no log of decisions`);
    },
  };
}
