// qcow2 (QEMU docs/interop/qcow2): refused where it names any other file, or asks for features that are not known here.
import { countable, readExactly, unsafe, type ImageFile, type Inspection } from './inspection.ts';

const magic = 0x514649fb;
/** Incompatible features: dirty, corrupt, external data file, compression type, extended L2 entries. */
const dirtyBit = 1n;
const corruptBit = 2n;
const externalDataBit = 4n;
const knownBits = 0x1fn;
const extensionNames: Readonly<Record<number, string>> = {
  0xe2792aca: 'a backing file format',
  0x44415441: 'an external data file',
  0x0537be77: 'encryption',
};
const maxExtensions = 64;
const maxL1Bytes = 32 * 1024 * 1024;

async function checkExtensions(file: ImageFile, start: number, end: number): Promise<void> {
  let at = start;
  for (let count = 0; at + 8 <= end; count += 1) {
    const header = await readExactly(file, at, 8);
    const type = header.readUInt32BE(0);
    if (type === 0) return;
    const found = extensionNames[type];
    if (found !== undefined) throw unsafe(`its header names ${found}`);
    if (count === maxExtensions) throw unsafe('it has too many header extensions');
    at += 8 + Math.ceil(header.readUInt32BE(4) / 8) * 8;
  }
}

/** Reads the header of a qcow2 file. Throws `pull.unsafe`. */
export async function inspectQcow2(file: ImageFile): Promise<Inspection> {
  const header = await readExactly(file, 0, 72);
  if (header.readUInt32BE(0) !== magic) throw unsafe('it is not qcow2, as the metadata says');
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw unsafe(`qcow2 of version ${version} is not known`);
  if (header.readBigUInt64BE(8) !== 0n || header.readUInt32BE(16) !== 0) throw unsafe('it names a backing file');
  const clusterBits = header.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw unsafe('its clusters have a size that does not exist');
  if (header.readUInt32BE(32) !== 0) throw unsafe('it is encrypted');
  const diskBytes = countable(header.readBigUInt64BE(24), 'disk');
  const clusterBytes = 2 ** clusterBits;
  const l1Entries = header.readUInt32BE(36);
  const l1Offset = countable(header.readBigUInt64BE(40), 'table');
  if (l1Entries * 8 > maxL1Bytes || l1Offset + l1Entries * 8 > file.bytes)
    throw unsafe('its table lies outside the file');
  if (header.readUInt32BE(60) !== 0 || header.readBigUInt64BE(64) !== 0n) {
    if (header.readUInt32BE(60) > 65536) throw unsafe('it has too many snapshots');
  }
  if (version === 2) {
    await checkExtensions(file, 72, clusterBytes);
    return { diskBytes };
  }
  const extended = await readExactly(file, 72, 32);
  const incompatible = extended.readBigUInt64BE(0);
  if ((incompatible & externalDataBit) !== 0n) throw unsafe('it keeps its data in another file');
  if ((incompatible & (dirtyBit | corruptBit)) !== 0n)
    throw unsafe('it was not closed cleanly, or is marked as corrupt');
  if ((incompatible & ~knownBits) !== 0n) throw unsafe('it needs features that are not known');
  const headerLength = extended.readUInt32BE(28);
  if (headerLength < 104 || headerLength > clusterBytes) throw unsafe('its header has an odd length');
  await checkExtensions(file, headerLength, clusterBytes);
  return { diskBytes };
}
