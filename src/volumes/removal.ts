// The end of a volume or snapshot: put in quarantine, swept, deleted; never while something depends on it.
import { Fault } from '../errors/fault.ts';
import { type Context } from './context.ts';
import { type VolumeDescriptor } from './descriptor.ts';

export class Removal {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
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

  deleteSnapshot(uuid: string): Promise<void> {
    const { catalogue, queue } = this.#context;
    return queue.run(catalogue.snapshot(uuid).volume.uuid, async () => {
      const { volume, snapshot } = catalogue.snapshot(uuid);
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
}

function dependants(what: string, names: readonly string[]): Fault {
  return new Fault('volumes.has-dependants', `${what} has ${names.join(', ')}.`, { details: { dependants: names } });
}
