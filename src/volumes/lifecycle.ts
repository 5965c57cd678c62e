// The life of a volume: created, cloned, snapshotted, resized.
import { Fault } from '../errors/fault.ts';
import { type Context } from './context.ts';
import { newUuid } from './credentials.ts';
import { type Parent, type SnapshotDescriptor, type VolumeDescriptor } from './descriptor.ts';
import { largestDiskBytes } from './geometry.ts';
import { type VolumeKind } from './model.ts';
import { type CloneRequest, type CreateRequest, type ImportRequest, type Labels } from './requests.ts';
import { fillDisk } from './transfer.ts';

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
    const uuid = catalogue.has(source) ? source : catalogue.snapshot(source).volume.uuid;
    return queue.run(uuid, async () => {
      const volume = catalogue.volume(uuid);
      if (source === uuid) return use({ volume, parent: await this.#contentNow(volume), size: volume.size });
      const { snapshot } = catalogue.snapshot(source);
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
