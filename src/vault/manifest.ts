// A manifest: what chunks a disk is made of, as a two-level tree of SHA-256 hashes that is named by its root's own.
import { createHash } from 'node:crypto';
import { Fault } from '../errors/fault.ts';
import { layout, octets, text, u32, u53 } from './layout.ts';
import { chunkBytes } from './stored-disk.ts';

export const hashBytes = 32;
/** Hashes in one leaf; a leaf is always full, and past the end of the disk it holds zeros. */
export const leafHashes = 1024;
export const leafBytes = leafHashes * hashBytes;

/** Stands for a chunk, or a leaf, of nothing but zeros; it is stored nowhere. */
export const zeroHash: Buffer = Buffer.alloc(hashBytes);

export const manifestHeader = layout({
  magic: text(8),
  version: u32,
  flags: u32,
  /** Of the disk in bytes, a multiple of 512. */
  size: u53,
  chunkBytes: u32,
  leafHashes: u32,
  leaves: u32,
  reserved: u32,
  /** Id of the manifest this one was made from; zeros where there is none. */
  parent: octets(32),
});

const magic = 'MMDISK\r\n';
const version = 1;
/** 64 TiB: the root is then 8 MiB. */
export const maxDiskBytes = 2 ** 46;

export interface Manifest {
  readonly size: number;
  /** Hex. */
  readonly parent?: string;
  /** One hash for each leaf, one after another. */
  readonly leaves: Buffer;
}

export const chunkCount = (size: number): number => Math.ceil(size / chunkBytes);
export const leafCount = (size: number): number => Math.ceil(chunkCount(size) / leafHashes);
export const sha256Of = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** The root: the header and the hashes of all leaves. Its SHA-256 is the id of the manifest. */
export function encodeManifest({ size, parent, leaves }: Manifest): Buffer {
  const header = manifestHeader.encode({
    magic,
    version,
    flags: 0,
    size,
    chunkBytes,
    leafHashes,
    leaves: leaves.length / hashBytes,
    reserved: 0,
    parent: parent === undefined ? zeroHash : Buffer.from(parent, 'hex'),
  });
  return Buffer.concat([header, leaves]);
}

/** Reads a root. Throws `vault.bad-format`. */
export function decodeManifest(root: Buffer, id: string): Manifest {
  const bad = (why: string): Fault =>
    new Fault('vault.bad-format', `The manifest ${id} cannot be read: ${why}.`, { details: { manifest: id } });
  if (root.length < manifestHeader.bytes) throw bad('it is too short');
  const header = manifestHeader.decode(root);
  if (header.magic !== magic) throw bad('it does not begin as a manifest does');
  if (header.version !== version || header.flags !== 0) throw bad(`version ${header.version} is not known here`);
  if (header.chunkBytes !== chunkBytes || header.leafHashes !== leafHashes) throw bad('its chunks have another size');
  if (!(header.size >= 0 && header.size <= maxDiskBytes && header.size % 512 === 0))
    throw bad('its disk has an odd size');
  if (header.leaves !== leafCount(header.size) || root.length !== manifestHeader.bytes + header.leaves * hashBytes) {
    throw bad('its tree does not fit the size of its disk');
  }
  const leaves = root.subarray(manifestHeader.bytes);
  const parent = header.parent.equals(zeroHash) ? undefined : header.parent.toString('hex');
  return { size: header.size, leaves, ...(parent === undefined ? {} : { parent }) };
}
