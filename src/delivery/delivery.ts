// From an entry to a hypervisor's disk: the policy is asked at every step, the image pulled and proven, then cloned.
import { Fault } from '../errors/fault.ts';
import { judge, type Judgement, type Policy } from '../policy/policy.ts';
import { type RegistryEntry } from '../registry/entry.ts';
import { type Registry } from '../registry/registry.ts';
import { type AttachRequest } from '../volumes/attachments.ts';
import { type CloneRequest, type CreateRequest } from '../volumes/requests.ts';
import { type Attachment, type Volume } from '../volumes/model.ts';
import { type Volumes } from '../volumes/volumes.ts';

export interface DeliveryDeps {
  readonly registry: Registry;
  /** The policy in force at this moment. */
  readonly policy: () => Policy;
  readonly volumes: Volumes;
  readonly pulls: {
    /** Brings the image of an admitted entry into the vault, proven; does nothing where it is there. */
    readonly pull: (entry: RegistryEntry) => Promise<void>;
    /** Sees to it that it comes, and returns the job; undefined where it is there. */
    readonly begin: (entry: RegistryEntry) => Promise<{ readonly id: number } | undefined>;
  };
  /** Keeps an image that is in the vault from being evicted, until what it returns is called. Throws `not-found`. */
  readonly hold: (identifier: string) => Promise<() => void>;
  /** Is told whenever a disk of an image is attached. */
  readonly used: (identifier: string) => void;
  readonly now: () => Date;
}

/** A volume to make: from an image, from a volume or snapshot, or blank. */
export type NewVolume =
  | Labelled<{
      readonly image: string;
      readonly kind: 'machine' | 'static' | 'volatile';
      readonly size?: number | undefined;
    }>
  | Labelled<{ readonly source: string; readonly kind: 'machine' | 'volatile'; readonly size?: number | undefined }>
  | Labelled<{ readonly size: number }>;
type Labelled<Shape> = Shape & { readonly tag?: string | undefined };

export interface Delivery {
  /** The newest endorsement of an image that the policy admits. Throws `policy.denied`, `registry.no-entry`. */
  admitted(identifier: string): Promise<RegistryEntry>;
  /** Pulls an image now. Throws `policy.denied`, `registry.no-entry`, or what the pull throws. */
  pullImage(identifier: string): Promise<RegistryEntry>;
  /** Sees to it that an image is pulled, and returns the number of the job; undefined where it is there. Throws as {@link Delivery.pullImage} does. */
  beginPull(identifier: string): Promise<number | undefined>;
  /** Throws as {@link Delivery.pullImage} does, and what the volumes throw. */
  createVolume(request: NewVolume): Promise<Volume>;
  /** Throws `policy.denied` where the volume's image is no longer admitted. */
  attach(request: AttachRequest): Promise<Attachment>;
}

/** How often an image that is evicted at the same time is pulled again for one volume. */
const pullsAgain = 2;

/** An optional member stays out where it is undefined. */
const given = <Name extends string, Value>(name: Name, value: Value | undefined): { readonly [N in Name]?: Value } =>
  value === undefined ? {} : ({ [name]: value } as { readonly [N in Name]?: Value });

export function createDelivery({ registry, policy, volumes, pulls, hold, used, now }: DeliveryDeps): Delivery {
  /** The newest endorsement that the policy admits. */
  async function admittedEntry(identifier: string): Promise<RegistryEntry> {
    const entries = await registry.image(identifier);
    const judged = entries.map((entry) => ({ entry, judgement: judge(policy(), entry, now()) }));
    const admitted = judged.find(({ judgement }) => judgement.admitted);
    if (admitted !== undefined) return admitted.entry;
    if (entries.length === 0) {
      throw new Fault('registry.no-entry', `nobody endorses an image ${identifier} here`, {
        action: 'Look for it with GET /metadata, or "mintmark image search".',
      });
    }
    throw denied(identifier, judged);
  }

  async function pullImage(identifier: string): Promise<RegistryEntry> {
    const entry = await admittedEntry(identifier);
    await pulls.pull(entry);
    return entry;
  }

  /** An image may be evicted between its pull and the lease on it: then it is pulled again. */
  async function pullAndHold(identifier: string): Promise<() => void> {
    for (let turn = 0; ; turn += 1) {
      await pullImage(identifier);
      try {
        return await hold(identifier);
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'not-found' || turn === pullsAgain) throw error;
      }
    }
  }

  return {
    admitted: admittedEntry,
    pullImage,
    beginPull: async (identifier) => (await pulls.begin(await admittedEntry(identifier)))?.id,

    async createVolume(request) {
      const labels = { ...given('tag', request.tag), ...given('size', request.size) };
      if ('source' in request) {
        const { source, kind } = request;
        await checkVolume(volumeOf(source));
        return await volumes.clone({ source, kind, ...labels } satisfies CloneRequest);
      }
      if ('image' in request) {
        const { image, kind } = request;
        const release = await pullAndHold(image);
        try {
          return await volumes.create({ kind, image, ...labels } satisfies CreateRequest);
        } finally {
          release();
        }
      }
      return await volumes.create({ kind: 'blank', ...labels, size: request.size });
    },

    async attach(request) {
      await checkVolume(request.volume);
      const { image } = volumes.show(request.volume);
      if (image !== undefined) used(image);
      return await volumes.attach(request);
    },
  };

  /** Refuses where a volume was made of an image that the policy no longer admits. */
  async function checkVolume(uuid: string): Promise<void> {
    const { image, clonedFrom } = volumes.show(uuid);
    if (image !== undefined) await admittedEntry(image);
    else if (clonedFrom !== undefined) await checkVolume(clonedFrom);
  }

  /** The volume itself, or the one that a snapshot is of. */
  function volumeOf(source: string): string {
    return volumes.list().find(({ snapshots }) => snapshots.some(({ uuid }) => uuid === source))?.uuid ?? source;
  }
}

function denied(
  identifier: string,
  judged: readonly { readonly entry: RegistryEntry; readonly judgement: Judgement }[],
): Fault {
  const verdicts = judged.map(({ entry, judgement }) => ({
    ...entry.key,
    rules: judgement.rules.filter(({ verdict }) => verdict === 'deny'),
  }));
  const reasons = [...new Set(verdicts.flatMap(({ rules }) => rules.map(({ reason }) => reason)))];
  return new Fault('policy.denied', `the policy of this site does not admit ${identifier}: ${reasons.join(' ')}`, {
    details: { identifier, verdicts },
  });
}
