// Where another registry's log and documents come from: its own server, or a bundle that was carried here.
import { Fault } from '../../errors/fault.ts';
import { trustMaterialSchema, type TrustMaterial } from '../../trust/material.ts';
import { type EntryKey } from '../entry.ts';
import { readBundle, tilePath, tileWidth } from '../log/tile.ts';

export interface LogSource {
  /** The newest checkpoint, a signed note. */
  checkpoint(): Promise<string>;
  /** The leaves from `first` up to, not including, `end`. */
  leaves(first: number, end: number): AsyncIterable<Buffer>;
  /** The signed document of an accepted entry; undefined where the source does not have it. */
  document(key: EntryKey, sha256: string): Promise<Buffer | undefined>;
  /** What the other site checks signers with; undefined where it does not say. */
  trust(): Promise<TrustMaterial | undefined>;
}

/** Fetches a path of the other registry; undefined for 404. Anything else that is no success is an error. */
export type GetPath = (path: string) => Promise<Buffer | undefined>;

function readMaterial(bytes: Buffer): TrustMaterial {
  try {
    return trustMaterialSchema.parse(JSON.parse(bytes.toString()));
  } catch (cause) {
    throw new Fault('registry.mirror-forged', "The other registry's /trust cannot be read", { cause });
  }
}

/** The log of a running registry, by its tiles. It is only ever read: a link that lets nothing in is enough. */
export function remoteLog(get: GetPath): LogSource {
  const having = async (path: string): Promise<Buffer> => {
    const bytes = await get(path);
    if (bytes !== undefined) return bytes;
    throw new Fault('registry.mirror-incomplete', `The other registry has no ${path}`);
  };
  return {
    checkpoint: async () => (await having('/log/checkpoint')).toString(),
    async *leaves(first, end) {
      for (let index = Math.floor(first / tileWidth); index * tileWidth < end; index += 1) {
        const start = index * tileWidth;
        const width = Math.min(tileWidth, end - start);
        const path = tilePath({ level: 'entries', index, width });
        const leaves = readBundle(await having(`/log/${path}`));
        if (leaves?.length !== width) {
          throw new Fault('registry.mirror-forged', `The other registry's ${path} does not hold ${width} decisions`);
        }
        yield* leaves.slice(Math.max(0, first - start));
      }
    },
    trust: async () => {
      const bytes = await get('/trust');
      return bytes === undefined ? undefined : readMaterial(bytes);
    },
    document: ({ identifier, email, created }) =>
      get(`/metadata/${[identifier, email, created].map(encodeURIComponent).join('/')}?media=xml`),
  };
}
