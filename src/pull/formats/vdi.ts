// vdi (VirtualBox): dynamic and fixed disks of version 1.1; those that differ from another file are refused.
import { countable, readExactly, unsafe, type ImageFile, type Inspection } from './inspection.ts';

const magic = 0xbeda107f;
const typeDynamic = 1;
const typeFixed = 2;

/** Reads the header. Throws `pull.unsafe`. */
export async function inspectVdi(file: ImageFile): Promise<Inspection> {
  const header = await readExactly(file, 0, 512);
  if (header.readUInt32LE(0x40) !== magic) throw unsafe('it is not vdi, as the metadata says');
  if (header.readUInt32LE(0x44) !== 0x00010001) throw unsafe('it is vdi of a version that is not known');
  const type = header.readUInt32LE(0x4c);
  if (type !== typeDynamic && type !== typeFixed) throw unsafe('it holds only the difference to another disk');
  const blockMapAt = header.readUInt32LE(0x154);
  const dataAt = header.readUInt32LE(0x158);
  const diskBytes = countable(header.readBigUInt64LE(0x170), 'disk');
  const blockBytes = header.readUInt32LE(0x178);
  const blocks = header.readUInt32LE(0x180);
  if (blockBytes !== 1024 * 1024) throw unsafe('its blocks have a size that is not in use');
  if (blocks !== Math.ceil(diskBytes / blockBytes)) throw unsafe('its block map does not fit its disk');
  if (blockMapAt + blocks * 4 > dataAt || dataAt > file.bytes) throw unsafe('its block map lies outside the file');
  const parents = header.subarray(0x1a8, 0x1c8);
  if (parents.some((byte) => byte !== 0)) throw unsafe('it is linked to another disk');
  return { diskBytes };
}
