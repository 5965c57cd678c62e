// vhdx (MS-VHDX): the region table leads to the metadata, which tell the size and whether the disk has a parent.
import { countable, readExactly, unsafe, type ImageFile, type Inspection } from './inspection.ts';

const regionTablesAt = [192 * 1024, 256 * 1024] as const;
const headersAt = [64 * 1024, 128 * 1024] as const;
/** GUIDs as they lie in the file (MS-VHDX §2.2.3.2, §2.6.2). */
const metadataRegion = '06a27c8b90479a4bb8fe575f050f886e';
const fileParameters = '3767a1ca36fa434db3b633f0aa44e76b';
const virtualDiskSize = '2442a52f1bcd7648b2115dbed83bf4b8';
const parentLocator = '2d5fd3a80bb34d45abf7d3d84834ab0c';
const maxEntries = 2047;

interface Item {
  readonly offset: number;
  readonly length: number;
}

async function findMetadata(file: ImageFile): Promise<Item> {
  for (const at of regionTablesAt) {
    const table = await readExactly(file, at, 64 * 1024);
    if (table.toString('latin1', 0, 4) !== 'regi') continue;
    const entries = table.readUInt32LE(8);
    if (entries > maxEntries) throw unsafe('its region table is too long');
    for (let entry = 16; entry < 16 + entries * 32; entry += 32) {
      if (table.toString('hex', entry, entry + 16) !== metadataRegion) continue;
      const offset = countable(table.readBigUInt64LE(entry + 16), 'metadata');
      return { offset, length: table.readUInt32LE(entry + 24) };
    }
  }
  throw unsafe('it has no metadata');
}

async function readItems(file: ImageFile, region: Item): Promise<ReadonlyMap<string, Item>> {
  const table = await readExactly(file, region.offset, 64 * 1024);
  if (table.toString('latin1', 0, 8) !== 'metadata') throw unsafe('its metadata are damaged');
  const entries = table.readUInt16LE(10);
  if (entries > maxEntries) throw unsafe('its metadata are too long');
  const items = new Map<string, Item>();
  for (let entry = 32; entry < 32 + entries * 32; entry += 32) {
    const id = table.toString('hex', entry, entry + 16);
    if (items.has(id)) throw unsafe('its metadata say the same thing twice');
    items.set(id, { offset: region.offset + table.readUInt32LE(entry + 16), length: table.readUInt32LE(entry + 20) });
  }
  return items;
}

/** Reads the headers and the metadata region. A log that would have to be replayed is refused too. Throws `pull.unsafe`. */
export async function inspectVhdx(file: ImageFile): Promise<Inspection> {
  const signature = await readExactly(file, 0, 8);
  if (signature.toString('latin1') !== 'vhdxfile') throw unsafe('it is not vhdx, as the metadata says');
  for (const at of headersAt) {
    const header = await readExactly(file, at, 80);
    if (header.toString('latin1', 0, 4) !== 'head') continue;
    if (header.subarray(48, 64).some((byte) => byte !== 0)) throw unsafe('it was not closed cleanly');
  }
  const items = await readItems(file, await findMetadata(file));
  const parameters = items.get(fileParameters);
  const size = items.get(virtualDiskSize);
  if (parameters === undefined || size === undefined) throw unsafe('its metadata do not tell its size');
  const flags = (await readExactly(file, parameters.offset, 8)).readUInt32LE(4);
  if ((flags & 2) !== 0 || items.has(parentLocator)) throw unsafe('it holds only the difference to another disk');
  return { diskBytes: countable((await readExactly(file, size.offset, 8)).readBigUInt64LE(0), 'disk') };
}
