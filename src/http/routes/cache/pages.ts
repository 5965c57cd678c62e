// The pages of the cache, gathered from the vault, the jobs and the registry.
import { Fault } from '../../../errors/fault.ts';
import { cachePage, type PullView } from '../../../pages/cache.tsx';
import { cachedImagePage } from '../../../pages/cached-image.tsx';
import { usagePage, type UsageProps } from '../../../pages/cache-usage.tsx';
import { progressOf } from '../../../pages/progress.ts';
import { type CacheSummaryView, type NoticeView, type OperatorView, type SiteView } from '../../../pages/view.ts';
import { type Puller } from '../../../pull/puller.ts';
import { isRepair, type Pulls } from '../../../pull/pull-jobs.ts';
import { pinnedImages } from '../../../vault/evict.ts';
import { lastUses } from '../../../vault/last-use.ts';
import { type Quota } from '../../../vault/quota.ts';
import { type ImagePointer } from '../../../vault/records.ts';
import { vaultUsage } from '../../../vault/usage.ts';
import { type Vault } from '../../../vault/vault.ts';
import { presentCached } from './present.ts';

export interface CachePageDeps {
  readonly site: SiteView;
  readonly vault: Vault;
  readonly pulls: Pick<Pulls, 'active' | 'newest'>;
  readonly puller: Pick<Puller, 'rate'>;
  readonly quota: Pick<Quota, 'bytes'>;
  /** What images are called. */
  readonly titles: (identifiers: readonly string[]) => Promise<ReadonlyMap<string, string>>;
}

type Titled<Value> = Value & { readonly title?: string };

export interface CachePages {
  images(operator: OperatorView, more?: { readonly notice?: NoticeView; readonly asked?: string }): Promise<string>;
  /** Throws `not-found` where nothing is known of it, and there is nothing to say. */
  image(operator: OperatorView, identifier: string, notice?: NoticeView): Promise<string>;
  usage(
    operator: OperatorView,
    more?: { readonly notice?: NoticeView; readonly evictable?: readonly ImagePointer[] },
  ): Promise<string>;
}

const named = <Value extends { readonly identifier: string }>(
  value: Value,
  titles: ReadonlyMap<string, string>,
): Titled<Value> => {
  const title = titles.get(value.identifier);
  return title === undefined ? value : { ...value, title };
};

export function cachePages({ site, vault, pulls, puller, quota, titles }: CachePageDeps): CachePages {
  async function summaries(): Promise<readonly CacheSummaryView[]> {
    const [images, pinned, uses] = [await vault.listImages(), await pinnedImages(vault), await lastUses(vault)];
    const lastOf = ({ identifier, verdict }: ImagePointer): number =>
      Math.max(uses.get(identifier) ?? 0, Date.parse(verdict.verified));
    return images
      .toSorted((a, b) => lastOf(b) - lastOf(a))
      .map(({ identifier, size, sourceFormat, verdict }) => {
        const used = uses.get(identifier);
        return {
          identifier,
          size,
          sourceFormat,
          proven: verdict.verified,
          email: verdict.entry.email,
          pinned: pinned.has(identifier),
          ...(used === undefined ? {} : { used: new Date(used).toISOString() }),
        };
      });
  }

  return {
    async images(operator, more = {}) {
      const [images, active] = [await summaries(), await pulls.active()];
      const views = active.map((job): PullView => {
        const { id, key, state, cancelling } = job;
        return {
          identifier: key,
          job: id,
          state,
          cancelling,
          progress: progressOf({ ...job, repairs: isRepair(job) }),
        };
      });
      const known = await titles([...images, ...views].map(({ identifier }) => identifier));
      return cachePage({
        site,
        operator,
        images: images.map((image) => named(image, known)),
        pulls: views.map((pull) => named(pull, known)),
        ...more,
      });
    },

    async image(operator, identifier, notice) {
      const [image, newest] = [await vault.image(identifier), await pulls.newest(identifier)];
      const known = await titles([identifier]);
      const heardOf = image !== undefined || newest !== undefined || known.has(identifier);
      if (!heardOf && notice === undefined) {
        throw new Fault('not-found', `the image ${identifier} is neither in the cache nor on its way`, {
          action: 'Look for it in the list of images.',
        });
      }
      return cachedImagePage({
        site,
        operator,
        ...named({ identifier }, known),
        ...(image === undefined ? {} : { image }),
        pinned: (await pinnedImages(vault)).has(identifier),
        cache: presentCached(image, newest),
        ...(notice === undefined ? {} : { notice }),
      });
    },

    async usage(operator, { notice, evictable } = {}) {
      const usage = { ...(await vaultUsage(vault)), pinned: (await pinnedImages(vault)).size };
      const known = await titles((evictable ?? []).map(({ identifier }) => identifier));
      const rate = puller.rate();
      const optional: Pick<UsageProps, 'quotaBytes' | 'bytesPerSecond' | 'notice' | 'evictable'> = {
        ...(quota.bytes === undefined ? {} : { quotaBytes: quota.bytes }),
        ...(rate === undefined ? {} : { bytesPerSecond: rate }),
        ...(notice === undefined ? {} : { notice }),
        ...(evictable === undefined ? {} : { evictable: evictable.map((image) => named(image, known)) }),
      };
      return usagePage({ site, operator, usage, ...optional });
    },
  };
}
