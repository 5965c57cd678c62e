// vhd (Virtual Hard Disk Image Format 1.0): fixed and dynamic disks; those that differ from another file are refused.
import { countable, readExactly, unsafe, type ImageFile, type Inspection } from './inspection.ts';

const footerBytes = 512;
const fixed = 2;
const dynamic = 3;

function checksumHolds(structure: Buffer, at: number): boolean {
  let sum = 0;
  for (const [index, byte] of structure.entries()) if (index < at || index >= at + 4) sum += byte;
  return ~sum >>> 0 === structure.readUInt32BE(at);
}

/** Reads the footer and the header of a dynamic disk. Throws `pull.unsafe`. */
export async function inspectVhd(file: ImageFile): Promise<Inspection> {
  const footer = await readExactly(file, file.bytes - footerBytes, footerBytes);
  if (footer.toString('latin1', 0, 8) !== 'conectix') throw unsafe('it is not vhd, as the metadata says');
  if (!checksumHolds(footer, 64)) throw unsafe('its footer does not match its checksum');
  const diskBytes = countable(footer.readBigUInt64BE(48), 'disk');
  const type = footer.readUInt32BE(60);
  if (type === fixed) {
    if (diskBytes > file.bytes - footerBytes) throw unsafe('its disk is greater than the file');
    return { diskBytes };
  }
  if (type !== dynamic) throw unsafe('it holds only the difference to another disk');
  const headerAt = countable(footer.readBigUInt64BE(16), 'header');
  const header = await readExactly(file, headerAt, 1024);
  if (header.toString('latin1', 0, 8) !== 'cxsparse') throw unsafe('its dynamic header is missing');
  if (!checksumHolds(header, 36)) throw unsafe('its dynamic header does not match its checksum');
  const tableAt = countable(header.readBigUInt64BE(16), 'table');
  const blocks = header.readUInt32BE(28);
  const blockBytes = header.readUInt32BE(32);
  if (blockBytes < 512 || blockBytes > 256 * 1024 * 1024) throw unsafe('its blocks have a size that is not in use');
  if (blocks * blockBytes < diskBytes || tableAt + blocks * 4 > file.bytes) throw unsafe('its table does not fit');
  if (header.subarray(40, 56).some((byte) => byte !== 0)) throw unsafe('it names a parent');
  return { diskBytes };
}
