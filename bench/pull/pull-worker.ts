// One pull into a folder, in a process of its own: tells the most memory that it took, and its time. Packs are removed as soon as they are put: the largest image need not fit the disk.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageMetadata } from '../../src/metadata/model.ts';
import { addressPolicy } from '../../src/pull/address-policy.ts';
import { createPuller } from '../../src/pull/puller.ts';
import { type ObjectStore } from '../../src/vault/object-store.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { openVault } from '../../src/vault/vault.ts';
import { metadataOf, secondsOf } from './source.ts';

const { folder, url, bytes, checksums } = JSON.parse(process.argv[2] ?? '') as {
  folder: string;
  url: string;
  bytes: number;
  checksums: ImageMetadata['checksums'];
};
const kept = await openDirectoryStore(join(folder, 'vault'));
const store: ObjectStore = {
  ...kept,
  async put(key, parts, options) {
    const written = await kept.put(key, parts, options);
    if (key.startsWith('packs/')) await kept.remove(key);
    return written;
  },
};
const vault = await openVault({ store, node: 'bench' });
const puller = createPuller({
  vault,
  workDir: join(folder, 'work'),
  allowAddress: addressPolicy(['127.0.0.0/8']),
  freeSpace: () => Promise.resolve(Number.MAX_SAFE_INTEGER),
});
const seconds = await secondsOf(async () => void (await puller.pull(metadataOf(bytes, checksums, url))));
await puller.close();
rmSync(join(folder, 'vault'), { recursive: true });
process.stdout.write(JSON.stringify({ most: process.resourceUsage().maxRSS / 1024, seconds }));
