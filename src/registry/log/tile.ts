// Tiles (C2SP tlog-tiles): the log cut into files of 256 hashes or leaves that never change once they are full.

/** Hashes or leaves in a full tile. */
export const tileWidth = 256;
/** Levels of the tree in one tile. */
export const tileHeight = 8;

export interface TileName {
  /** `entries`, or the level of the hashes: level 0 are the leaves' hashes, level 1 the roots of full tiles of those. */
  readonly level: number | 'entries';
  readonly index: number;
  /** 1 to 256; below 256 in a partial tile. */
  readonly width: number;
}

/** 1234067 as x001/x234/067. */
function indexPath(index: number): string {
  const groups = [String(index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  return groups.join('/');
}

export function tilePath({ level, index, width }: TileName): string {
  return `tile/${level}/${indexPath(index)}${width === tileWidth ? '' : `.p/${width}`}`;
}

/** The tile that a path such as `tile/0/x001/234.p/7` names; undefined where it names none, or not in the one right way. */
export function readTilePath(path: string): TileName | undefined {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/){0,4}\d{3})(?:\.p\/([1-9]\d{0,2}))?$/u.exec(path);
  const [, levelText, indexText, widthText] = match ?? [];
  if (levelText === undefined || indexText === undefined) return undefined;
  const level = levelText === 'entries' ? 'entries' : Number(levelText);
  const index = Number(indexText.replaceAll(/[x/]/gu, ''));
  const tile = { level, index, width: widthText === undefined ? tileWidth : Number(widthText) } as const;
  return tilePath(tile) === path ? tile : undefined;
}

/** How many hashes of a level a log of `size` leaves has. */
export function hashesAt(level: number, size: number): number {
  return Math.floor(size / tileWidth ** level);
}

/** An entry bundle: each leaf after its length in two bytes, most significant first. */
export function writeBundle(leaves: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    leaves.flatMap((leaf) => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(leaf.length);
      return [length, leaf];
    }),
  );
}

/** The leaves of a bundle; undefined where it is cut short. */
export function readBundle(bytes: Buffer): readonly Buffer[] | undefined {
  const leaves: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length) return undefined;
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) return undefined;
    leaves.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return leaves;
}
