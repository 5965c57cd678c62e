// Another vault as a source of chunks, such as that of another node: it is read, and nothing is written into it.
import { createCatalog, type Catalog } from './catalog.ts';
import { decodeChunk } from './chunk-reader.ts';
import { type ChunkSource } from './chunk-source.ts';
import { type ObjectStore } from './object-store.ts';
import { packKey } from './records.ts';

/** Looks at the other vault when it is first asked, and not again: it is opened for one repair. */
export function storeSource(name: string, open: () => Promise<ObjectStore>): ChunkSource {
  let opening: Promise<{ readonly store: ObjectStore; readonly catalog: Catalog }> | undefined;
  async function look(): Promise<{ readonly store: ObjectStore; readonly catalog: Catalog }> {
    const store = await open();
    const catalog = createCatalog(store);
    await catalog.refresh();
    return { store, catalog };
  }
  return {
    name,
    async read({ sha256 }, signal) {
      opening ??= look();
      const { store, catalog } = await opening;
      for (const { location } of catalog.index.find(sha256)) {
        signal.throwIfAborted();
        const { pack, offset, storedBytes } = location;
        const stored = await store.get(packKey(pack), { offset, length: storedBytes });
        const plain = stored === undefined ? undefined : await decodeChunk(stored, location, sha256);
        if (plain !== undefined) return plain;
      }
      return undefined;
    },
  };
}
