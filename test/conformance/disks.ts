// The disks that the conformance suites run against: a raw file with no server, and a clone of an image of a whole server.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Site } from '../e2e/site.ts';
import { serveFile } from '../iscsi/serve.ts';

/** Large enough that an overwriting SANITIZE still runs when the suite looks for it, five seconds later. */
const diskBytes = 160 * 1024 * 1024;
const initiator = 'iqn.2026-01.org.example:conformance';

export interface ConformanceDisk {
  readonly urls: readonly string[];
  /** Who may log in; anybody where it is left out. */
  readonly initiator?: string;
  close(): Promise<void>;
}

/** `mintmark iscsi serve FILE` on a new file of zeros. */
export async function fileDisk(flags: readonly string[], portals = 1): Promise<ConformanceDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-conformance-'));
  const file = join(folder, 'disk.raw');
  writeFileSync(file, '');
  truncateSync(file, diskBytes);
  const disk = await serveFile(file, flags, portals);
  return {
    urls: disk.urls,
    async close() {
      await disk.stop();
      rmSync(folder, { recursive: true });
    },
  };
}

/** A copy-on-write clone, of `mintmark serve`, of an image without a single zero: whatever shows it wrongly is seen. */
export async function cloneDisk(flags: readonly string[] = []): Promise<ConformanceDisk> {
  const site = await Site.open(flags.map((flag) => flag.replace('--physical-block', '--iscsi-physical-block')));
  const image = site.path('base.raw');
  writeFileSync(image, Buffer.alloc(diskBytes, Buffer.from(randomBytes(1_048_573).map((byte) => byte | 1))));
  const identifier = await site.publish(image, ['--title', 'Base', '--os', 'none', '--os-arch', 'x86_64']);
  const { uuid } = await site.volume(['--image', identifier]);
  const attachment = await site.attach(uuid, initiator);
  return { urls: [attachment.guide.url], initiator, close: () => site.close() };
}
