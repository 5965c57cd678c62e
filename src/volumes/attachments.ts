// Who may use which volume: attachments, and what the iSCSI target asks when an initiator logs in.
import { type BlockDevice } from '../block/device.ts';
import { readOnly } from '../block/read-only.ts';
import { Fault } from '../errors/fault.ts';
import { type Context } from './context.ts';
import { newChapCredentials, newUuid, parseInitiator, targetName } from './credentials.ts';
import { type AttachmentDescriptor, type VolumeDescriptor } from './descriptor.ts';
import { type AttachmentMode, type ChapCredentials } from './model.ts';

export interface AttachRequest {
  /** UUID. */
  readonly volume: string;
  /** Name of the initiator (RFC 7143 §4.2.7). */
  readonly initiator: string;
  readonly mode: AttachmentMode;
}

/** What a session of an initiator may use. The device stays open until `release` is called. */
export interface GrantedTarget {
  readonly device: BlockDevice;
  /** UUID of the volume: NAA name and serial number come from it. */
  readonly identity: string;
  readonly readOnly: boolean;
  readonly chap: ChapCredentials;
  readonly attachment: string;
  release(): Promise<void>;
}

/** Told before a detached volume is closed: it ends the initiator's sessions with this target. */
export type DetachListener = (event: { readonly iqn: string; readonly initiator: string }) => void | Promise<void>;

export class Attachments {
  readonly #context: Context;
  readonly #deleteVolatile: (uuid: string) => Promise<void>;
  readonly #listeners = new Set<DetachListener>();

  constructor(context: Context, deleteVolatile: (uuid: string) => Promise<void>) {
    this.#context = context;
    this.#deleteVolatile = deleteVolatile;
  }

  /**
   * Lets an initiator use a volume. The same request again answers the same attachment. Throws `volumes.in-use` where
   * another initiator has it, `volumes.read-only`, `volumes.quarantined`.
   */
  attach(request: AttachRequest): Promise<AttachmentDescriptor> {
    const { catalogue, queue, disks, now, randomness } = this.#context;
    const initiator = parseInitiator(request.initiator);
    return queue.run(request.volume, async () => {
      const volume = catalogue.volume(request.volume);
      const present = this.#presentOrFree(volume, initiator, request.mode);
      if (present !== undefined) return present;
      // Opened now, so that what is wrong with the disk is said to whoever attaches it.
      await disks.device(volume);
      const chap = newChapCredentials(randomness);
      const attachment: AttachmentDescriptor = {
        format: 1,
        id: newUuid(randomness),
        volume: volume.uuid,
        initiator,
        mode: request.mode,
        chapName: chap.name,
        chapSecret: chap.secret,
        created: now().toISOString(),
      };
      await catalogue.saveAttachment(attachment);
      return attachment;
    });
  }

  /** Ends an attachment and the sessions that use it. A volatile disk goes with its last one. */
  async detach(id: string): Promise<void> {
    const { catalogue, queue, disks, iqnPrefix } = this.#context;
    const { volume: uuid } = catalogue.attachment(id);
    const { initiator } = await queue.run(uuid, async () => {
      const attachment = catalogue.attachment(id);
      await catalogue.removeAttachment(attachment);
      return attachment;
    });
    // Outside the volume's turn: ending a session gives the device back, which takes a turn of its own.
    for (const listener of this.#listeners) await listener({ iqn: targetName(iqnPrefix, uuid), initiator });
    await queue.run(uuid, () => disks.closeIfUnused(uuid));
    if (catalogue.has(uuid) && catalogue.volume(uuid).kind === 'volatile') await this.#deleteVolatile(uuid);
  }

  onDetach(listener: DetachListener): void {
    this.#listeners.add(listener);
  }

  /** Names of the targets that the initiator may use. */
  targetsFor(initiator: string): readonly string[] {
    const { catalogue, iqnPrefix } = this.#context;
    const name = initiator.toLowerCase();
    return [...catalogue.attachments()]
      .filter((attachment) => attachment.initiator === name)
      .map(({ volume }) => targetName(iqnPrefix, volume));
  }

  /** What a login of the initiator at this target may use, or why it may not. */
  async findTarget(iqn: string, initiator: string): Promise<GrantedTarget | 'not-found' | 'forbidden'> {
    const { catalogue, queue, disks, iqnPrefix } = this.#context;
    const prefix = targetName(iqnPrefix, '');
    const uuid = iqn.toLowerCase().slice(prefix.length);
    if (!iqn.toLowerCase().startsWith(prefix) || !catalogue.has(uuid)) return 'not-found';
    const name = initiator.toLowerCase();
    return queue.run(uuid, async () => {
      const attachment = catalogue.attachmentsOf(uuid).find((one) => one.initiator === name);
      if (attachment === undefined) return 'forbidden';
      const device = await disks.device(catalogue.volume(uuid));
      disks.hold(uuid);
      const forReading = attachment.mode === 'read-only';
      return {
        device: forReading && !device.readOnly ? readOnly(device) : device,
        identity: uuid,
        readOnly: forReading,
        chap: { name: attachment.chapName, secret: attachment.chapSecret },
        attachment: attachment.id,
        release: this.#releaseOnce(uuid),
      };
    });
  }

  #releaseOnce(uuid: string): () => Promise<void> {
    const { disks, queue } = this.#context;
    let released: Promise<void> | undefined;
    return () => {
      if (released === undefined) {
        disks.letGo(uuid);
        released = queue.run(uuid, () => disks.closeIfUnused(uuid));
      }
      return released;
    };
  }

  /** The attachment that this request names already; `undefined` where the volume is free for it. */
  #presentOrFree(volume: VolumeDescriptor, initiator: string, mode: AttachmentMode): AttachmentDescriptor | undefined {
    if (volume.quarantinedUntil !== undefined) {
      throw new Fault('volumes.quarantined', `Volume ${volume.uuid} is kept until ${volume.quarantinedUntil}.`);
    }
    if (volume.head === undefined && mode === 'read-write') {
      throw new Fault('volumes.read-only', `Volume ${volume.uuid} is a static disk.`);
    }
    const attachments = this.#context.catalogue.attachmentsOf(volume.uuid);
    const own = attachments.find((one) => one.initiator === initiator);
    if (own?.mode === mode) return own;
    const inTheWay = own ?? attachments.find((one) => mode === 'read-write' || one.mode === 'read-write');
    if (inTheWay === undefined) return undefined;
    throw new Fault('volumes.in-use', `Volume ${volume.uuid} is attached ${inTheWay.mode} by ${inTheWay.initiator}.`, {
      details: { initiator: inTheWay.initiator, mode: inTheWay.mode, attachment: inTheWay.id },
    });
  }
}
