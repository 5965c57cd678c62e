// A vault in a temporary folder that is removed after the test, and disks to put into it.
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type DiskChunk } from '../../src/vault/disk-writer.ts';
import { openDirectoryStore } from '../../src/vault/stores/directory.ts';
import { type ObjectStore } from '../../src/vault/object-store.ts';
import { chunkBytes, type StoredDisk } from '../../src/vault/stored-disk.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';
import { type ImageToCommit } from '../../src/vault/write-session.ts';

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mintmark-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function freshVault(): Promise<{
  readonly folder: string;
  readonly store: ObjectStore;
  readonly vault: Vault;
}> {
  const folder = await temporaryFolder();
  const store = await openDirectoryStore(folder);
  return { folder, store, vault: await openVault({ store, node: 'test' }) };
}

export const sha256Hex = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Bytes that look random and are the same for the same seed. */
export function noise(length: number, seed: string): Buffer {
  const blocks: Buffer[] = [];
  for (let at = 0; at < length; at += 4096) {
    blocks.push(createHash('shake256', { outputLength: 4096 }).update(`${seed}/${at}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

export function* chunksOf(disk: Buffer): Generator<DiskChunk> {
  for (let index = 0; index * chunkBytes < disk.length; index += 1) {
    yield { index, data: disk.subarray(index * chunkBytes, Math.min(disk.length, (index + 1) * chunkBytes)) };
  }
}

export async function readWhole(disk: StoredDisk): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let index = 0; index * chunkBytes < disk.size; index += 1) chunks.push(await disk.readChunk(index));
  return Buffer.concat(chunks);
}

/** An identifier of the right form for each number. */
export const identifierOf = (number: number): string => `M${String(number).padStart(26, '0')}`;

export function imageOf(identifier: string, manifestId: string, disk: Buffer): ImageToCommit {
  return {
    identifier,
    manifestId,
    size: disk.length,
    contentBytes: disk.length,
    sourceFormat: 'raw',
    diskSha256: sha256Hex(disk),
    verdict: {
      entry: { identifier, email: 'a@example.org', created: '2026-01-01T00:00:00Z' },
      bytes: disk.length,
      checksums: { 'SHA-256': sha256Hex(disk) },
      location: 'http://example.org/disk',
      finalLocation: 'http://example.org/disk',
      verified: '2026-01-01T00:00:00.000Z',
    },
  };
}

/** Writes and commits a disk as an image. */
export async function storeImage(vault: Vault, number: number, disk: Buffer): Promise<string> {
  const session = await vault.beginWrite();
  const manifestId = await session.writeDisk({ size: disk.length, chunks: chunksOf(disk) });
  await session.commitImage(imageOf(identifierOf(number), manifestId, disk));
  return manifestId;
}
