// Where the files of one head lie, and what is found there at start: the newest map, and the journals after it.
import { join } from 'node:path';
import { Fault } from '../../../errors/fault.ts';
import { type StorageFiles } from '../../files.ts';
import { MapFile } from './checkpoint.ts';
import { readJournal, type ReadJournal } from './journal.ts';

export interface HeadPlace {
  readonly files: StorageFiles;
  readonly directory: string;
  /** 48-bit number of the volume that the files belong to. */
  readonly salt: number;
}

export function dataPath(directory: string): string {
  return join(directory, 'data');
}

export function journalName(generation: number): string {
  return `journal.${generation}`;
}

/** The map that holds all records of journals with lower numbers. */
export function mapName(generation: number): string {
  return `map.${generation}`;
}

const numbered = /^(?<kind>journal|map)\.(?<generation>[0-9]{1,15})$/;

export interface FoundFiles {
  readonly map: MapFile | undefined;
  /** Oldest first. */
  readonly journals: readonly ReadJournal[];
  /** No file of the head bears this number or a higher one. */
  readonly nextGeneration: number;
  /** Names of map and journal files that are there, whether still needed or not. */
  readonly names: readonly string[];
}

/** Reads what a head left behind. Throws `volumes.damaged` where it belongs to another head or fails its checksum. */
export async function findFiles(files: StorageFiles, directory: string, salt: number): Promise<FoundFiles> {
  const generations = { journal: [] as number[], map: [] as number[] };
  const names: string[] = [];
  for (const name of await files.list(directory)) {
    const match = numbered.exec(name);
    if (match?.groups !== undefined) {
      const generation = Number(match.groups['generation']);
      generations[match.groups['kind'] === 'map' ? 'map' : 'journal'].push(generation);
      names.push(name);
    } else if (name.endsWith('.tmp')) {
      names.push(name);
    }
  }
  const newestMap = generations.map.length === 0 ? undefined : Math.max(...generations.map);
  const map =
    newestMap === undefined ? undefined : MapFile.read(files.openSync(join(directory, mapName(newestMap)), 'read'));
  const journals: ReadJournal[] = [];
  for (const generation of generations.journal.sort((a, b) => a - b)) {
    if (generation < (newestMap ?? 0)) continue;
    const file = files.openSync(join(directory, journalName(generation)), 'read');
    const journal = readJournal(file);
    file.closeSync();
    if (journal !== undefined) journals.push(journal);
  }
  for (const found of [map?.values, ...journals]) {
    if (found !== undefined && found.salt !== salt) {
      throw new Fault('volumes.damaged', `${directory} holds files of another volume.`);
    }
  }
  const nextGeneration = Math.max(0, ...generations.journal, ...generations.map) + 1;
  return { map, journals, nextGeneration, names };
}
