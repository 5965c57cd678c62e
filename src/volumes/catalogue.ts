// All descriptors: in memory as an index, on disk as the truth. Opening one finishes or undoes what a crash left behind.
import { join } from 'node:path';
import { Fault } from '../errors/fault.ts';
import {
  type ArchiveName,
  type AttachmentDescriptor,
  descriptorText,
  parseAttachment,
  parseVolume,
  type SnapshotDescriptor,
  type VolumeDescriptor,
} from './descriptor.ts';
import { type StorageFiles } from './files.ts';

const descriptorName = 'volume.json';
const attachmentFolder = 'attachments';
const removedSuffix = '.removed';
const volumeFolder = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;

/** The folder of one layer of a volume. */
export function layerPath(root: string, volume: string, epoch: number): string {
  return join(root, volume, `layer-${epoch}`);
}

export class Catalogue {
  readonly #files: StorageFiles;
  /** Folder with one folder per volume. */
  readonly root: string;
  readonly #volumes = new Map<string, VolumeDescriptor>();
  readonly #attachments = new Map<string, AttachmentDescriptor>();
  readonly #damaged: Fault[] = [];

  private constructor(files: StorageFiles, root: string) {
    this.#files = files;
    this.root = root;
  }

  static async open(files: StorageFiles, root: string): Promise<Catalogue> {
    const catalogue = new Catalogue(files, root);
    await files.makeDirectory(root);
    const names = await files.list(root);
    for (const name of names) {
      if (volumeFolder.test(name)) await catalogue.#loadOrReport(name);
    }
    return catalogue;
  }

  /** Why volumes were left out whose descriptor cannot be understood; their files are as they were found. */
  get damaged(): readonly Fault[] {
    return this.#damaged;
  }

  volumes(): Iterable<VolumeDescriptor> {
    return this.#volumes.values();
  }

  /** Throws `volumes.not-found`. */
  volume(uuid: string): VolumeDescriptor {
    const found = this.#volumes.get(uuid);
    if (found === undefined) throw new Fault('volumes.not-found', `There is no volume ${uuid}.`);
    return found;
  }

  has(uuid: string): boolean {
    return this.#volumes.has(uuid);
  }

  /** A snapshot and its volume. Throws `volumes.not-found`. */
  snapshot(uuid: string): { volume: VolumeDescriptor; snapshot: SnapshotDescriptor } {
    for (const volume of this.#volumes.values()) {
      const snapshot = volume.snapshots.find((one) => one.uuid === uuid);
      if (snapshot !== undefined) return { volume, snapshot };
    }
    throw new Fault('volumes.not-found', `There is no volume or snapshot ${uuid}.`);
  }

  attachments(): Iterable<AttachmentDescriptor> {
    return this.#attachments.values();
  }

  attachmentsOf(volume: string): readonly AttachmentDescriptor[] {
    return [...this.#attachments.values()].filter((attachment) => attachment.volume === volume);
  }

  /** Throws `volumes.not-found`. */
  attachment(id: string): AttachmentDescriptor {
    const found = this.#attachments.get(id);
    if (found === undefined) throw new Fault('volumes.not-found', `There is no attachment ${id}.`);
    return found;
  }

  /** The volumes whose layers lie over one of this volume; of one epoch, where that is given. */
  dependantsOf(uuid: string, epoch?: number): readonly VolumeDescriptor[] {
    return [...this.#volumes.values()].filter(
      ({ parent }) =>
        parent.kind === 'layer' && parent.volume === uuid && (epoch === undefined || parent.epoch === epoch),
    );
  }

  /** The clones of a volume; of one snapshot, where that is given. */
  clonesOf(uuid: string, snapshot?: string): readonly VolumeDescriptor[] {
    return [...this.#volumes.values()].filter(
      ({ clonedFrom }) => clonedFrom?.volume === uuid && (snapshot === undefined || clonedFrom.snapshot === snapshot),
    );
  }

  /** Whether a volume is made of this snapshot in the vault, or has it as one of its own, or is about to: its layer is there yet. */
  namesArchive({ volume, epoch }: ArchiveName): boolean {
    return [...this.#volumes.values()].some(
      ({ uuid, parent, sealed, snapshots }) =>
        (parent.kind === 'archive' && parent.volume === volume && parent.epoch === epoch) ||
        (uuid === volume && (sealed.includes(epoch) || snapshots.some((one) => one.epoch === epoch))),
    );
  }

  /** Writes a descriptor; from then on the volume is what it says, whatever happens. */
  async save(descriptor: VolumeDescriptor): Promise<void> {
    const folder = join(this.root, descriptor.uuid);
    await this.#files.makeDirectory(folder);
    await this.#files.replaceText(folder, descriptorName, descriptorText(descriptor));
    if (!this.#volumes.has(descriptor.uuid)) await this.#files.synchronizeDirectory(this.root);
    this.#volumes.set(descriptor.uuid, descriptor);
  }

  /** Removes a volume and all its files. `retire` is done once it is gone, again at the next start if that was cut off. */
  async remove(uuid: string, retire: (removed: VolumeDescriptor) => Promise<void>): Promise<void> {
    const descriptor = this.volume(uuid);
    const removed = join(this.root, `${uuid}${removedSuffix}`);
    await this.#files.rename(join(this.root, uuid), removed);
    await this.#files.synchronizeDirectory(this.root);
    this.#volumes.delete(uuid);
    for (const attachment of this.attachmentsOf(uuid)) this.#attachments.delete(attachment.id);
    await retire(descriptor);
    await this.#files.remove(removed);
  }

  /** Finishes the removals that a crash cut off. */
  async finishRemovals(retire: (removed: VolumeDescriptor) => Promise<void>): Promise<void> {
    for (const name of await this.#files.list(this.root)) {
      if (!name.endsWith(removedSuffix)) continue;
      const folder = join(this.root, name);
      if ((await this.#files.list(folder)).includes(descriptorName)) {
        const path = join(folder, descriptorName);
        await retire(parseVolume(await this.#files.readText(path), path));
      }
      await this.#files.remove(folder);
    }
  }

  /** Removes what was made of a volume whose descriptor could not be written. */
  async discard(uuid: string): Promise<void> {
    if (!this.#volumes.has(uuid)) await this.#files.remove(join(this.root, uuid));
  }

  async saveAttachment(attachment: AttachmentDescriptor): Promise<void> {
    const home = join(this.root, attachment.volume);
    const folder = join(home, attachmentFolder);
    if (this.attachmentsOf(attachment.volume).length === 0) {
      await this.#files.makeDirectory(folder);
      await this.#files.synchronizeDirectory(home);
    }
    await this.#files.replaceText(folder, `${attachment.id}.json`, descriptorText(attachment));
    this.#attachments.set(attachment.id, attachment);
  }

  async removeAttachment({ id, volume }: AttachmentDescriptor): Promise<void> {
    const folder = join(this.root, volume, attachmentFolder);
    await this.#files.remove(join(folder, `${id}.json`));
    await this.#files.synchronizeDirectory(folder);
    this.#attachments.delete(id);
  }

  async #loadOrReport(name: string): Promise<void> {
    try {
      await this.#load(name);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.#damaged.push(error);
    }
  }

  async #load(name: string): Promise<void> {
    const folder = join(this.root, name);
    const names = await this.#files.list(folder);
    if (!names.includes(descriptorName)) {
      // Its creation, or the first step of its removal, was cut off before anyone was told of it.
      await this.#files.remove(folder);
      return;
    }
    const descriptor = parseVolume(
      await this.#files.readText(join(folder, descriptorName)),
      join(folder, descriptorName),
    );
    if (descriptor.uuid !== name)
      throw new Fault('volumes.damaged', `${folder} holds the descriptor of another volume.`);
    const layers = [...descriptor.sealed, ...(descriptor.head === undefined ? [] : [descriptor.head])];
    const expected = new Set([descriptorName, attachmentFolder, ...layers.map((epoch) => `layer-${epoch}`)]);
    for (const other of names) if (!expected.has(other)) await this.#files.remove(join(folder, other));
    this.#volumes.set(name, descriptor);
    for (const file of await this.#files.list(join(folder, attachmentFolder))) {
      const path = join(folder, attachmentFolder, file);
      if (file.endsWith('.tmp')) {
        await this.#files.remove(path);
        continue;
      }
      const attachment = parseAttachment(await this.#files.readText(path), path);
      this.#attachments.set(attachment.id, attachment);
    }
  }
}
