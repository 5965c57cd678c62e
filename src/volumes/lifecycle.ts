// The life of a volume: created, cloned, snapshotted, resized, put in quarantine, deleted.
import { Fault } from '../errors/fault.ts';
import { type Context } from './context.ts';
import { newUuid } from './credentials.ts';
import { type Parent, type VolumeDescriptor } from './descriptor.ts';
import { largestDiskBytes } from './geometry.ts';
import { type VolumeKind } from './model.ts';
import { fillDisk } from './transfer.ts';

export interface Labels {
  readonly tag?: string;
  readonly owner?: string;
}

export interface CreateFromImage extends Labels {
  readonly kind: Exclude<VolumeKind, 'blank'>;
  /** Identifier of the image. */
  readonly image: string;
  /** Bytes; the image's own size where it is left out. Not for static disks. */
  readonly size?: number;
}

export interface CreateBlank extends Labels {
  readonly kind: 'blank';
  /** Bytes. */
  readonly size: number;
}

export type CreateRequest = CreateFromImage | CreateBlank;

export interface CloneRequest extends Labels {
  /** UUID of a volume, or of a snapshot. */
  readonly source: string;
  readonly kind?: 'machine' | 'volatile';
  /** Bytes, at least the source's. */
  readonly size?: number;
}

export interface ImportRequest extends Labels {
  /** Bytes. */
  readonly size: number;
  /** All of them, in order. */
  readonly pieces: AsyncIterable<Uint8Array>;
}

/** What a volume or a snapshot holds at one moment. */
export interface Content {
  readonly volume: VolumeDescriptor;
  readonly parent: Parent;
  /** Bytes. */
  readonly size: number;
  /** UUID, where it is a snapshot's. */
  readonly snapshot?: string;
}

interface Origin {
  /** Writes the content of the disk, before anybody knows of it. */
  fill?(volume: VolumeDescriptor): Promise<void>;
  readonly image?: string | undefined;
  readonly clonedFrom?: VolumeDescriptor['clonedFrom'];
}

type SnapshotDescriptor = VolumeDescriptor['snapshots'][number];

function checkSize(size: number, least: number): number {
  if (!Number.isSafeInteger(size) || size <= 0 || size % 512 !== 0 || size > largestDiskBytes) {
    throw new Fault('volumes.invalid', `A disk cannot have ${size} bytes: give a multiple of 512, up to 16 TiB.`);
  }
  if (size < least)
    throw new Fault('volumes.invalid', `The disk has ${least} bytes already, and cannot become smaller.`);
  return size;
}

export class Lifecycle {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Throws `volumes.invalid`, `volumes.full`, or what opening the image throws. */
  async create(request: CreateRequest): Promise<VolumeDescriptor> {
    if (request.kind === 'blank') {
      return this.#build(request, { kind: 'nothing' }, checkSize(request.size, 0), 'blank');
    }
    const disk = await this.#context.openImage(request.image);
    const { manifestId, size } = disk;
    await disk.close();
    if (request.kind === 'static' && request.size !== undefined && request.size !== size) {
      throw new Fault('volumes.invalid', `A static disk has the size of its image, ${size} bytes.`);
    }
    const parent: Parent = { kind: 'image', image: request.image, manifestId, size };
    return this.#build(request, parent, checkSize(request.size ?? size, size), request.kind, { image: request.image });
  }

  /** A new blank disk with these bytes; nobody knows of it before all have come. Throws `volumes.invalid`. */
  import(request: ImportRequest): Promise<VolumeDescriptor> {
    const { disks } = this.#context;
    const size = checkSize(request.size, 0);
    return this.#build(request, { kind: 'nothing' }, size, 'blank', {
      async fill(volume) {
        try {
          await fillDisk(await disks.device(volume), request.pieces);
        } finally {
          await disks.close(volume.uuid);
        }
      },
    });
  }

  /** A new disk with the content that a volume has now, or that a snapshot kept. No byte is copied. */
  clone(request: CloneRequest): Promise<VolumeDescriptor> {
    return this.withContent(request.source, ({ volume, parent, size: least, snapshot }) => {
      const clonedFrom = { volume: volume.uuid, ...(snapshot === undefined ? {} : { snapshot }) };
      const size = checkSize(request.size ?? least, least);
      return this.#build(request, parent, size, request.kind ?? 'machine', { clonedFrom, image: volume.image });
    });
  }

  /** Hands the content that a volume has now, or that a snapshot kept, to `use`, for which nothing of it goes away. */
  withContent<T>(source: string, use: (content: Content) => Promise<T>): Promise<T> {
    const { catalogue, queue } = this.#context;
    const uuid = catalogue.has(source) ? source : this.snapshotOf(source).volume.uuid;
    return queue.run(uuid, async () => {
      const volume = catalogue.volume(uuid);
      if (source === uuid) return use({ volume, parent: await this.#contentNow(volume), size: volume.size });
      const { snapshot } = this.snapshotOf(source);
      return use({ volume, parent: contentOf(volume, snapshot), size: snapshot.size, snapshot: source });
    });
  }

  /** Keeps what the volume holds at this moment, as after a power cut. I/O waits for milliseconds, whatever the size. */
  snapshot(
    uuid: string,
    labels: { readonly tag?: string },
  ): Promise<{ volume: VolumeDescriptor; snapshot: SnapshotDescriptor }> {
    const { catalogue, queue, now, randomness } = this.#context;
    return queue.run(uuid, async () => {
      const volume = catalogue.volume(uuid);
      if (volume.head === undefined) {
        throw new Fault('volumes.read-only', 'A static disk never changes: it needs no snapshot.', {
          action: 'Attach or clone the disk itself.',
        });
      }
      const epoch = await this.#sealIfChanged(volume);
      const snapshot: SnapshotDescriptor = {
        uuid: newUuid(randomness),
        ...(labels.tag === undefined ? {} : { tag: labels.tag }),
        epoch,
        size: volume.size,
        created: now().toISOString(),
      };
      const current = catalogue.volume(uuid);
      const next = { ...current, snapshots: [...current.snapshots, snapshot] };
      await catalogue.save(next);
      return { volume: next, snapshot };
    });
  }

  deleteSnapshot(uuid: string): Promise<void> {
    const { catalogue, queue } = this.#context;
    return queue.run(this.snapshotOf(uuid).volume.uuid, async () => {
      const { volume, snapshot } = this.snapshotOf(uuid);
      const shared = volume.snapshots.some((other) => other.uuid !== uuid && other.epoch === snapshot.epoch);
      const clones = catalogue.clonesOf(volume.uuid, uuid);
      if (clones.length > 0) {
        throw dependants(
          `Snapshot ${uuid}`,
          clones.map((clone) => `clone ${clone.uuid}`),
        );
      }
      const archive = shared || snapshot.archived === undefined ? [] : [{ volume: volume.uuid, epoch: snapshot.epoch }];
      const snapshots = volume.snapshots.filter((other) => other.uuid !== uuid);
      await catalogue.save({ ...volume, snapshots, retired: [...(volume.retired ?? []), ...archive] });
      await this.#context.retire(volume.uuid);
    });
  }

  /** A clone that was made independent of what it was cloned from. */
  detachFromOrigin(uuid: string): Promise<VolumeDescriptor> {
    const { catalogue, queue } = this.#context;
    return queue.run(uuid, async () => {
      const { clonedFrom: _before, ...rest } = catalogue.volume(uuid);
      await catalogue.save(rest);
      return rest;
    });
  }

  /** Makes the disk larger, while it is attached too. Throws `volumes.invalid` for a smaller size. */
  resize(uuid: string, size: number): Promise<VolumeDescriptor> {
    const { catalogue, queue, disks } = this.#context;
    return queue.run(uuid, async () => {
      const volume = catalogue.volume(uuid);
      if (volume.head === undefined) throw new Fault('volumes.read-only', 'A static disk has the size of its image.');
      const next = { ...volume, size: checkSize(size, volume.size) };
      await catalogue.save(next);
      disks.grow(uuid, next.size);
      return next;
    });
  }

  /** Changes tag or owner; an empty text takes the value away. */
  relabel(uuid: string, labels: Labels): Promise<VolumeDescriptor> {
    const { catalogue, queue } = this.#context;
    return queue.run(uuid, async () => {
      const { tag, owner, ...rest } = catalogue.volume(uuid);
      const newTag = labels.tag ?? tag ?? '';
      const newOwner = labels.owner ?? owner ?? '';
      const next: VolumeDescriptor = {
        ...rest,
        ...(newTag === '' ? {} : { tag: newTag }),
        ...(newOwner === '' ? {} : { owner: newOwner }),
      };
      await catalogue.save(next);
      return next;
    });
  }

  /** Keeps the disk, which nobody can attach, until an instant; `undefined` releases it. Throws `volumes.attached`. */
  quarantine(uuid: string, until: Date | undefined): Promise<VolumeDescriptor> {
    const { catalogue, queue } = this.#context;
    return queue.run(uuid, async () => {
      this.#assertDetached(uuid);
      const { quarantinedUntil: _before, ...rest } = catalogue.volume(uuid);
      const next = until === undefined ? rest : { ...rest, quarantinedUntil: until.toISOString() };
      await catalogue.save(next);
      return next;
    });
  }

  /** Deletes the disks whose quarantine has ended; answers their UUIDs. Those that have clones stay until they have none. */
  async sweep(): Promise<readonly string[]> {
    const { catalogue, now } = this.#context;
    const ended = [...catalogue.volumes()].filter(
      ({ quarantinedUntil }) => quarantinedUntil !== undefined && new Date(quarantinedUntil) <= now(),
    );
    const deleted: string[] = [];
    for (const { uuid } of ended) {
      try {
        await this.delete(uuid, { withSnapshots: true });
        deleted.push(uuid);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
    }
    return deleted;
  }

  /** Deletes a volume. Throws `volumes.attached`, `volumes.has-dependants`. */
  delete(uuid: string, options: { readonly withSnapshots?: boolean } = {}): Promise<void> {
    const { catalogue, queue, disks } = this.#context;
    return queue.run(uuid, async () => {
      const volume = catalogue.volume(uuid);
      this.#assertDetached(uuid);
      const inTheWay = catalogue.clonesOf(uuid).map((clone) => `clone ${clone.uuid}`);
      if (options.withSnapshots !== true) inTheWay.push(...volume.snapshots.map((one) => `snapshot ${one.uuid}`));
      if (inTheWay.length > 0) throw dependants(`Volume ${uuid}`, inTheWay);
      if (volume.sealed.length > 0 && catalogue.damaged.length > 0) {
        throw new Fault('volumes.damaged', 'A volume whose descriptor is damaged may be a clone of this one.', {
          cause: catalogue.damaged[0],
        });
      }
      await this.#context.stopArchiving(uuid);
      await disks.close(uuid);
      await catalogue.remove(uuid, (removed) => this.#context.retireAll(removed));
    });
  }

  /** Throws `volumes.not-found`. */
  snapshotOf(uuid: string): { volume: VolumeDescriptor; snapshot: SnapshotDescriptor } {
    for (const volume of this.#context.catalogue.volumes()) {
      const snapshot = volume.snapshots.find((one) => one.uuid === uuid);
      if (snapshot !== undefined) return { volume, snapshot };
    }
    throw new Fault('volumes.not-found', `There is no volume or snapshot ${uuid}.`);
  }

  #assertDetached(uuid: string): void {
    const initiators = this.#context.catalogue.attachmentsOf(uuid).map(({ initiator }) => initiator);
    if (initiators.length > 0) {
      throw new Fault('volumes.attached', `Volume ${uuid} is attached by ${initiators.join(', ')}.`, {
        details: { initiators },
      });
    }
    if (this.#context.disks.isUsed(uuid)) {
      throw new Fault('volumes.attached', `Sessions with volume ${uuid} are still being ended.`, {
        action: 'Try again in a moment.',
      });
    }
  }

  /** What holds all that the volume holds now. */
  async #contentNow(volume: VolumeDescriptor): Promise<Parent> {
    if (volume.head === undefined) return volume.parent;
    if (volume.sealed.length === 0 && volume.parent.kind !== 'layer') {
      const { disks } = this.#context;
      const changed = await disks.isChanged(volume);
      await disks.closeIfUnused(volume.uuid);
      if (!changed) return volume.parent;
    }
    return { kind: 'layer', volume: volume.uuid, epoch: await this.#sealIfChanged(volume) };
  }

  /** The topmost sealed layer, which holds all that the volume holds now. */
  async #sealIfChanged(volume: VolumeDescriptor): Promise<number> {
    const { catalogue, disks } = this.#context;
    try {
      const last = volume.sealed.at(-1);
      if (last !== undefined && !(await disks.isChanged(volume))) return last;
      return await disks.seal(volume, (next) => catalogue.save(next));
    } finally {
      await disks.closeIfUnused(volume.uuid);
    }
  }

  async #build(
    labels: Labels,
    parent: Parent,
    size: number,
    kind: VolumeKind,
    origin: Origin = {},
  ): Promise<VolumeDescriptor> {
    const { catalogue, createLayer, now, randomness } = this.#context;
    const uuid = newUuid(randomness);
    const descriptor: VolumeDescriptor = {
      format: 1,
      uuid,
      kind,
      size,
      ...(labels.tag === undefined ? {} : { tag: labels.tag }),
      ...(labels.owner === undefined ? {} : { owner: labels.owner }),
      ...(origin.image === undefined ? {} : { image: origin.image }),
      ...(origin.clonedFrom === undefined ? {} : { clonedFrom: origin.clonedFrom }),
      created: now().toISOString(),
      ...(kind === 'static' ? {} : { head: 1 }),
      sealed: [],
      parent,
      snapshots: [],
    };
    try {
      if (descriptor.head !== undefined) await createLayer(uuid, descriptor.head, size);
      await origin.fill?.(descriptor);
      await catalogue.save(descriptor);
    } catch (error) {
      await catalogue.discard(uuid);
      throw error;
    }
    return descriptor;
  }
}

function contentOf({ uuid: volume }: VolumeDescriptor, { epoch, archived }: SnapshotDescriptor): Parent {
  if (archived === undefined) return { kind: 'layer', volume, epoch };
  return { kind: 'archive', volume, epoch, ...archived };
}

function dependants(what: string, names: readonly string[]): Fault {
  return new Fault('volumes.has-dependants', `${what} has ${names.join(', ')}.`, { details: { dependants: names } });
}
