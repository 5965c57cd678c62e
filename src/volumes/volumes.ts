// The service of volumes: disks that are made of images or blank, snapshotted, cloned, and attached to initiators.
import { join } from 'node:path';
import { type StoredDisk } from '../vault/stored-disk.ts';
import { Archive, noVault, type VolumeVault } from './archive.ts';
import { type AttachRequest, type DetachListener, type GrantedTarget } from './attachments.ts';
import { Catalogue, layerPath } from './catalogue.ts';
import { type Context } from './context.ts';
import { type Randomness, saltOf } from './credentials.ts';
import { type ArchiveName, type VolumeDescriptor } from './descriptor.ts';
import { Disks } from './disks.ts';
import { Head } from './engines/layers/head.ts';
import { type HeadPlace } from './engines/layers/head-files.ts';
import { LayerStore } from './engines/layers/layer-store.ts';
import { machineFiles, type StorageFiles } from './files.ts';
import { KeyedQueue } from './keyed-queue.ts';
import { baseFolder } from './local-copies.ts';
import { lockFolder } from './lock.ts';
import { type Attachment, type Snapshot, type Volume, type VolumeKind, type VolumeState } from './model.ts';
import { type ExportedDisk, type ExportFormat } from './transfer.ts';
import { type CloneRequest, type CreateRequest, type ImportRequest, type Labels } from './requests.ts';
import { VolumeService } from './service.ts';

export interface VolumesOptions {
  /** Folder of the volumes; made where it is not there. One process at a time may use it. */
  readonly dataDir: string;
  /** The images that volumes are made of; each `open` is closed again. */
  readonly images: { open(identifier: string): Promise<StoredDisk> };
  readonly now: () => Date;
  readonly randomness: Randomness;
  /** What the names of targets begin with (RFC 7143 §4.2.7.1), without the colon that follows. */
  readonly iqnPrefix: string;
  /** Where snapshots are moved to. Without it they stay in the folder, and disks are read through one layer per snapshot. */
  readonly vault?: VolumeVault;
  /** Told what went wrong in the background; it is tried again at the next snapshot or start. */
  readonly onProblem?: (error: unknown) => void;
  /** Told when a sealed layer of a volume is in the vault, and nothing needs the one in the folder any more. */
  readonly onArchived?: (archive: ArchiveName) => void;
  readonly files?: StorageFiles;
}

export interface VolumeFilter {
  readonly kind?: VolumeKind;
  readonly state?: VolumeState;
  readonly owner?: string;
  readonly tag?: string;
  readonly image?: string;
  /** Name of an initiator that has it attached. */
  readonly initiator?: string;
}

/** Failures are `Fault`s with codes `volumes.…`; `volumes.not-found` where a UUID is not known. */
export interface Volumes {
  create(request: CreateRequest): Promise<Volume>;
  clone(request: CloneRequest): Promise<Volume>;
  /** A blank disk with these bytes, made as a whole or not at all. */
  import(request: ImportRequest): Promise<Volume>;
  /** The content of a volume at this moment, or of a snapshot, as a stream. */
  export(source: string): Promise<ExportedDisk>;
  /** The same into a new file. */
  exportToFile(source: string, path: string, format: ExportFormat): Promise<void>;
  /** In the order of their creation. */
  list(filter?: VolumeFilter): readonly Volume[];
  show(uuid: string): Volume;
  relabel(uuid: string, labels: Labels): Promise<Volume>;
  /** `size` in bytes; only larger, while it is attached too. */
  resize(uuid: string, size: number): Promise<Volume>;
  /** Refused while the volume is attached, or has clones or (but for `withSnapshots`) snapshots. */
  delete(uuid: string, options?: { readonly withSnapshots?: boolean }): Promise<void>;
  /** Nobody can attach the volume until it is released (`undefined`); after the instant `sweep` deletes it. */
  quarantine(uuid: string, until: Date | undefined): Promise<Volume>;
  sweep(): Promise<readonly string[]>;
  snapshot(uuid: string, labels?: { readonly tag?: string }): Promise<Snapshot>;
  showSnapshot(uuid: string): Snapshot;
  deleteSnapshot(uuid: string): Promise<void>;
  attach(request: AttachRequest): Promise<Attachment>;
  detach(id: string): Promise<void>;
  /** An attachment with its secret. */
  showAttachment(id: string): Attachment;
  onDetach(listener: DetachListener): void;
  targetsFor(initiator: string): readonly string[];
  findTarget(iqn: string, initiator: string): Promise<GrantedTarget | 'not-found' | 'forbidden'>;
  /** Makes a volume independent of what it was cloned from; I/O goes on. Needs the vault. */
  flatten(uuid: string): Promise<Volume>;
  /** Manifests that volumes are made of: the vault must keep them. */
  manifestsInUse(): readonly string[];
  /** Why volumes were left out at start; their files are as they were found. */
  damaged(): readonly Error[];
  close(): Promise<void>;
}

/** Opens the service. Throws `volumes.locked` where another process uses the folder. */
export async function openVolumes(options: VolumesOptions): Promise<Volumes> {
  const files = options.files ?? machineFiles;
  await files.makeDirectory(options.dataDir);
  const lock = lockFolder(options.dataDir);
  try {
    await files.outlive(options.dataDir);
    const catalogue = await Catalogue.open(files, join(options.dataDir, 'volumes'));
    const place = (volume: string, epoch: number): HeadPlace => ({
      files,
      directory: layerPath(catalogue.root, volume, epoch),
      salt: saltOf(volume),
    });
    const openImage = (image: string): Promise<StoredDisk> => options.images.open(image);
    const baseRoot = baseFolder(options.dataDir);
    await files.makeDirectory(baseRoot);
    const openManifest = (manifestId: string): Promise<StoredDisk> =>
      options.vault === undefined ? Promise.reject(noVault()) : options.vault.openDisk(manifestId);
    const volume = (uuid: string): VolumeDescriptor => catalogue.volume(uuid);
    const layers = new LayerStore({ files, baseRoot, openImage, openManifest, volume, place });
    const disks = new Disks(layers, place, (uuid) => catalogue.attachmentsOf(uuid).length > 0);
    const queue = new KeyedQueue();
    const archive =
      options.vault === undefined
        ? undefined
        : new Archive({ catalogue, disks, queue }, layers, options.vault, options.onArchived);
    const context: Context = {
      catalogue,
      disks,
      queue,
      openImage,
      createLayer: (uuid, epoch, size) => Head.create(place(uuid, epoch), size),
      retire: async (uuid) => archive?.retire(uuid),
      stopArchiving: async (uuid) => archive?.breakOff(uuid),
      retireAll: async (removed) => archive?.retireAll(removed),
      now: options.now,
      randomness: options.randomness,
      iqnPrefix: options.iqnPrefix.toLowerCase(),
    };
    await catalogue.finishRemovals(context.retireAll);
    for (const { uuid, retired } of catalogue.volumes()) if (retired !== undefined) await context.retire(uuid);
    const service = new VolumeService(context, layers, archive, options.onProblem ?? (() => undefined), () =>
      lock.release(),
    );
    await service.deleteLeftVolatile();
    service.archiveLater([...catalogue.volumes()].filter(({ sealed }) => sealed.length > 0).map(({ uuid }) => uuid));
    return service;
  } catch (error) {
    lock.release();
    throw error;
  }
}
