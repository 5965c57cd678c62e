// Writes chunks that were lost into new packs: each is proven by its hash before a byte of it is stored.
import { publishIntent, withIntent } from './intent.ts';
import { sha256Of } from './manifest.ts';
import { type ChunkKind } from './pack.ts';
import { createPackWriter } from './pack-writer.ts';
import { type Vault } from './vault.ts';

/** False: these bytes are not the chunk, and nothing was stored. */
export type PutProven = (sha256: Buffer, bytes: Buffer, kind: ChunkKind) => Promise<boolean>;

const renewEvery = 10 * 60 * 1000;

/** What `write` puts is there for all once this returns; where it throws, nothing of it is kept. */
export async function repairChunks(vault: Vault, write: (put: PutProven) => Promise<void>): Promise<void> {
  const writer = vault.random(12).toString('hex');
  await withIntent(vault, writer, async () => {
    const packs = createPackWriter(vault.store, vault.catalog, writer, false);
    let renewed = vault.now().getTime();
    await write(async (sha256, bytes, kind) => {
      if (!sha256Of(bytes).equals(sha256)) return false;
      if (vault.now().getTime() - renewed > renewEvery) {
        await publishIntent(vault, writer);
        renewed = vault.now().getTime();
      }
      if (!packs.holds(sha256.toString('hex'))) await packs.add(sha256, bytes, kind);
      return true;
    });
    await packs.flush();
  });
}
