// Brings the parts of the volume service together behind its one interface.
import { type Archive, noVault } from './archive.ts';
import { Attachments, type AttachRequest, type DetachListener, type GrantedTarget } from './attachments.ts';
import { type Context } from './context.ts';
import { type LayerStore } from './engines/layers/layer-store.ts';
import { Lifecycle } from './lifecycle.ts';
import { type Attachment, type Snapshot, type Volume } from './model.ts';
import { presentAttachment, presentSnapshot, presentVolume } from './present.ts';
import { Removal } from './removal.ts';
import { type CloneRequest, type CreateRequest, type ImportRequest, type Labels } from './requests.ts';
import { exportDisk, type ExportedDisk, type ExportFormat, exportToFile } from './transfer.ts';
import { type VolumeFilter, type Volumes } from './volumes.ts';

export class VolumeService implements Volumes {
  readonly #context: Context;
  readonly #lifecycle: Lifecycle;
  readonly #removal: Removal;
  readonly #attachments: Attachments;
  readonly #layers: LayerStore;
  readonly #archive: Archive | undefined;
  readonly #problem: (error: unknown) => void;
  readonly #unlock: () => void;

  constructor(
    context: Context,
    layers: LayerStore,
    archive: Archive | undefined,
    problem: (error: unknown) => void,
    unlock: () => void,
  ) {
    this.#layers = layers;
    this.#archive = archive;
    this.#problem = problem;
    this.#context = context;
    this.#lifecycle = new Lifecycle(context);
    this.#removal = new Removal(context);
    this.#attachments = new Attachments(context, (uuid) => this.#removal.delete(uuid, { withSnapshots: true }));
    this.#unlock = unlock;
  }

  async create(request: CreateRequest): Promise<Volume> {
    return this.show((await this.#lifecycle.create(request)).uuid);
  }

  async clone(request: CloneRequest): Promise<Volume> {
    const { uuid, parent } = await this.#lifecycle.clone(request);
    if (parent.kind === 'layer') this.archiveLater([parent.volume]);
    return this.show(uuid);
  }

  async import(request: ImportRequest): Promise<Volume> {
    return this.show((await this.#lifecycle.import(request)).uuid);
  }

  export(source: string): Promise<ExportedDisk> {
    return this.#lifecycle.withContent(source, async ({ parent, size }) =>
      exportDisk(await this.#layers.holdParent(parent), size),
    );
  }

  async exportToFile(source: string, path: string, format: ExportFormat): Promise<void> {
    await exportToFile(await this.export(source), path, format);
  }

  list(filter: VolumeFilter = {}): readonly Volume[] {
    return [...this.#context.catalogue.volumes()]
      .map(({ uuid }) => this.show(uuid))
      .filter((volume) => matches(volume, filter))
      .sort((a, b) => a.created.localeCompare(b.created) || a.uuid.localeCompare(b.uuid));
  }

  show(uuid: string): Volume {
    const { catalogue, iqnPrefix } = this.#context;
    return presentVolume(catalogue.volume(uuid), catalogue, iqnPrefix);
  }

  async relabel(uuid: string, labels: Labels): Promise<Volume> {
    return this.show((await this.#lifecycle.relabel(uuid, labels)).uuid);
  }

  async resize(uuid: string, size: number): Promise<Volume> {
    return this.show((await this.#lifecycle.resize(uuid, size)).uuid);
  }

  delete(uuid: string, options?: { readonly withSnapshots?: boolean }): Promise<void> {
    return this.#removal.delete(uuid, options);
  }

  async quarantine(uuid: string, until: Date | undefined): Promise<Volume> {
    return this.show((await this.#removal.quarantine(uuid, until)).uuid);
  }

  sweep(): Promise<readonly string[]> {
    return this.#removal.sweep();
  }

  async snapshot(uuid: string, labels: { readonly tag?: string } = {}): Promise<Snapshot> {
    const { volume, snapshot } = await this.#lifecycle.snapshot(uuid, labels);
    this.archiveLater([uuid]);
    return presentSnapshot(volume, snapshot);
  }

  showSnapshot(uuid: string): Snapshot {
    const { volume, snapshot } = this.#context.catalogue.snapshot(uuid);
    return presentSnapshot(volume, snapshot);
  }

  deleteSnapshot(uuid: string): Promise<void> {
    return this.#removal.deleteSnapshot(uuid);
  }

  async attach(request: AttachRequest): Promise<Attachment> {
    return presentAttachment(await this.#attachments.attach(request), this.#context.iqnPrefix);
  }

  detach(id: string): Promise<void> {
    return this.#attachments.detach(id);
  }

  showAttachment(id: string): Attachment {
    return presentAttachment(this.#context.catalogue.attachment(id), this.#context.iqnPrefix);
  }

  onDetach(listener: DetachListener): void {
    this.#attachments.onDetach(listener);
  }

  targetsFor(initiator: string): readonly string[] {
    return this.#attachments.targetsFor(initiator);
  }

  findTarget(iqn: string, initiator: string): Promise<GrantedTarget | 'not-found' | 'forbidden'> {
    return this.#attachments.findTarget(iqn, initiator);
  }

  async flatten(uuid: string): Promise<Volume> {
    const archive = this.#archive;
    if (archive === undefined) throw noVault();
    await archive.settle(uuid);
    return this.show((await this.#lifecycle.detachFromOrigin(uuid)).uuid);
  }

  /** Moves sealed layers of these volumes into the vault, in the background. */
  archiveLater(uuids: readonly string[]): void {
    this.#archive?.settleLater(uuids, this.#problem);
  }

  manifestsInUse(): readonly string[] {
    const manifests = new Set<string>();
    for (const { parent, snapshots } of this.#context.catalogue.volumes()) {
      if (parent.kind === 'image' || parent.kind === 'archive') manifests.add(parent.manifestId);
      for (const { archived } of snapshots) if (archived !== undefined) manifests.add(archived.manifestId);
    }
    return [...manifests];
  }

  damaged(): readonly Error[] {
    return this.#context.catalogue.damaged;
  }

  async close(): Promise<void> {
    await this.#archive?.stop();
    await this.#context.queue.idle();
    await this.#context.disks.closeAll();
    this.#unlock();
  }

  /** Volatile disks whose attachment ended with a crash of this process. */
  async deleteLeftVolatile(): Promise<void> {
    for (const volume of this.list({ kind: 'volatile', state: 'available' })) {
      const clones = this.#context.catalogue.clonesOf(volume.uuid);
      if (clones.length === 0) await this.delete(volume.uuid, { withSnapshots: true });
    }
  }
}

function matches(volume: Volume, filter: VolumeFilter): boolean {
  const { initiator, ...properties } = filter;
  for (const key of ['kind', 'state', 'owner', 'tag', 'image'] as const) {
    if (properties[key] !== undefined && volume[key] !== properties[key]) return false;
  }
  return initiator === undefined || volume.attachments.some((one) => one.initiator === initiator.toLowerCase());
}
