// vmdk (VMware Virtual Disk Format 1.1): only a single sparse file whose descriptor is inside it and names no other file.
import { countable, readExactly, unsafe, type ImageFile, type Inspection } from './inspection.ts';

const sectorBytes = 512;
const magic = 0x564d444b;
const maxDescriptorSectors = 2048;
/** In a stream-optimized file the header's copy at the end tells where the grain directory lies. */
const directoryAtEnd = 0xffffffffffffffffn;

/** The single extent must be the file itself; what its name is does not matter, for it is never looked for by name. */
function checkDescriptor(text: string, capacity: number): void {
  let extents = 0;
  for (const line of text.split('\n').map((raw) => raw.trim())) {
    const [, key = '', value = ''] = /^([A-Za-z.]+)\s*=\s*"?([^"]*)"?$/.exec(line) ?? [];
    if (/^parentFileNameHint$/i.test(key)) throw unsafe('it names a parent file');
    if (/^parentCID$/i.test(key) && !/^f{8}$/i.test(value)) throw unsafe('it has a parent');
    if (/^createType$/i.test(key) && !/^(monolithicSparse|streamOptimized)$/.test(value)) {
      throw unsafe(`it is of the type ${value.slice(0, 40)}, which lies in other files`);
    }
    if (!/^(RW|RDONLY|NOACCESS)\s/i.test(line)) continue;
    extents += 1;
    const extent = /^RW\s+(\d{1,15})\s+SPARSE\s+"([^"/\\]*)"$/.exec(line);
    if (extent === null) throw unsafe('it has an extent in another file or device');
    if (Number(extent[1]) > capacity) throw unsafe('its extent is greater than its disk');
  }
  if (extents !== 1) throw unsafe(`it has ${extents} extents, and only one that is the file itself can be`);
}

/** Reads the header and the embedded descriptor. Throws `pull.unsafe`. */
export async function inspectVmdk(file: ImageFile): Promise<Inspection> {
  const header = await readExactly(file, 0, sectorBytes);
  // A descriptor that stands alone begins with a comment; all it does is name other files.
  if (header.readUInt32LE(0) !== magic) throw unsafe('it is no vmdk that holds its own data');
  const version = header.readUInt32LE(4);
  if (version < 1 || version > 3) throw unsafe(`vmdk of version ${version} is not known`);
  const capacity = countable(header.readBigUInt64LE(12), 'disk');
  const descriptorAt = countable(header.readBigUInt64LE(28), 'descriptor');
  const descriptorSectors = countable(header.readBigUInt64LE(36), 'descriptor');
  const directory = header.readBigUInt64LE(56);
  if (directory !== directoryAtEnd && countable(directory, 'directory') * sectorBytes >= file.bytes) {
    throw unsafe('its grain directory lies outside the file');
  }
  if (descriptorAt === 0 || descriptorSectors === 0) throw unsafe('it has no descriptor inside');
  if (descriptorSectors > maxDescriptorSectors) throw unsafe('its descriptor is too long');
  const bytes = await readExactly(file, descriptorAt * sectorBytes, descriptorSectors * sectorBytes);
  const end = bytes.indexOf(0);
  checkDescriptor(bytes.toString('latin1', 0, end === -1 ? bytes.length : end), capacity);
  const diskBytes = capacity * sectorBytes;
  if (!Number.isSafeInteger(diskBytes)) throw unsafe('its disk is out of all reason');
  return { diskBytes };
}
