// Flips bits in stored packs, in a store of any kind.
import { packEntry } from '../../src/vault/pack.ts';
import { packKey } from '../../src/vault/records.ts';
import { type Vault } from '../../src/vault/vault.ts';

/** Flips one bit of each copy of these chunks (hex), or of every chunk of the kind. Returns how many. */
export async function damageChunks(vault: Vault, chosen: (sha256: string, kind: number) => boolean): Promise<number> {
  let damaged = 0;
  for (const pack of vault.catalog.index.packs()) {
    const bytes = Buffer.from((await vault.store.get(packKey(pack.name))) ?? Buffer.alloc(0));
    for (let at = 0; at < pack.index.length; at += packEntry.bytes) {
      const { sha256, offset, storedBytes, kind } = packEntry.decode(pack.index, at);
      if (!chosen(sha256.toString('hex'), kind)) continue;
      const place = offset + (storedBytes >> 1);
      bytes[place] = (bytes[place] ?? 0) ^ 4;
      damaged += 1;
    }
    await vault.store.put(packKey(pack.name), [bytes]);
  }
  return damaged;
}
