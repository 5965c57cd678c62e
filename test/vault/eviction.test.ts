// What leaves the cache and what stays: pins, leases of nodes, last use, and a quota.
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/errors/fault.ts';
import { collectGarbage } from '../../src/vault/collect.ts';
import { evictImages, evictThose, pinImage, unpinImage } from '../../src/vault/evict.ts';
import { createUseNotes, lastUses } from '../../src/vault/last-use.ts';
import { createLeases, readLeases, type Leases } from '../../src/vault/leases.ts';
import { type ObjectStore } from '../../src/vault/object-store.ts';
import { createQuota } from '../../src/vault/quota.ts';
import { chunkBytes } from '../../src/vault/stored-disk.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';
import { withinTime } from '../setup/within-time.ts';
import { freshVault, identifierOf, noise, readWhole, storeImage } from './fresh-vault.ts';

const storeDisks = async (vault: Vault, count: number): Promise<string[]> => {
  const ids: string[] = [];
  for (let number = 0; number < count; number += 1)
    ids.push(await storeImage(vault, number, noise(chunkBytes, `disk ${number}`)));
  return ids;
};
const namesIn = async (vault: Vault): Promise<string[]> =>
  (await vault.listImages()).map(({ identifier }) => identifier).sort();
const leasesOf = (vault: Vault, needed: ReadonlySet<string> = new Set(), isComplete = true): Leases =>
  createLeases(vault, { inUse: () => needed, isComplete: () => isComplete });

describe('eviction', () => {
  test('takes what was used longest ago, and never what is pinned, leased or open', async () => {
    const { vault, store } = await freshVault();
    const ids = await storeDisks(vault, 5);
    await pinImage(vault, identifierOf(0));
    const open = await vault.openDisk(ids[1] ?? '');
    const other = await openVault({ store, node: 'other' });
    await leasesOf(other).hold(identifierOf(2));
    const uses = createUseNotes({ store, now: () => new Date('2030-01-01T00:00:00Z') });
    await uses(identifierOf(3));
    const options = { freeBytes: 2 * chunkBytes };
    const planned = await evictImages(vault, { ...options, dryRun: true });
    expect(planned.map(({ identifier }) => identifier)).toEqual([identifierOf(4), identifierOf(3)]);
    expect(await vault.listImages()).toHaveLength(5);
    await evictImages(vault, options);
    expect(await namesIn(vault)).toEqual([0, 1, 2].map(identifierOf));
    for (const [number, reason] of ['pinned', 'being read', 'other has volumes'].entries()) {
      const attempt = evictImages(vault, { identifiers: [identifierOf(number)] });
      await expect(attempt).rejects.toMatchObject({
        code: 'vault.in-use',
        message: expect.stringContaining(reason) as string,
      });
    }
    await open.close();
    await unpinImage(vault, identifierOf(0));
    await evictImages(vault, { identifiers: [identifierOf(0), identifierOf(1)] });
    expect(await namesIn(vault)).toEqual([identifierOf(2)]);
  });

  test('of a list may be ended and begun again, and takes nothing that has come into use or was not on it', async () => {
    const { vault } = await freshVault();
    await storeDisks(vault, 6);
    const list = [0, 1, 2, 3].map(identifierOf);
    const stop = new AbortController();
    const gone: string[] = [];
    const onEvicted = ({ identifier }: { readonly identifier: string }): void => {
      gone.push(identifier);
      if (gone.length === 2) stop.abort();
    };
    await expect(evictThose(vault, list, { signal: stop.signal, onEvicted })).rejects.toThrow('aborted');
    expect(await namesIn(vault)).toEqual([2, 3, 4, 5].map(identifierOf));
    await pinImage(vault, identifierOf(2));
    await evictThose(vault, list, { signal: new AbortController().signal, onEvicted });
    expect(gone).toEqual([0, 1, 3].map(identifierOf));
    expect(await namesIn(vault)).toEqual([2, 4, 5].map(identifierOf));
  });

  test('goes by uses that a restart and other nodes know', async () => {
    const { vault, store } = await freshVault();
    await storeDisks(vault, 1);
    let time = Date.parse('2030-01-01T00:00:00Z');
    const note = createUseNotes({ store, now: () => new Date(time) });
    await note(identifierOf(0));
    time += 1000;
    await note(identifierOf(0));
    expect([...(await lastUses(vault))]).toEqual([[identifierOf(0), time - 1000]]);
    time += 3_600_000;
    await note(identifierOf(0));
    await note('../../etc/passwd');
    expect([...(await lastUses(vault))]).toEqual([[identifierOf(0), time]]);
    await evictImages(vault, { identifiers: [identifierOf(0)] });
    expect((await lastUses(vault)).size).toBe(0);
  });
});

/** Each step of the store comes so many ms late. */
const delayed = (store: ObjectStore, times: number[]): ObjectStore => {
  const late = async <T>(does: () => Promise<T>): Promise<T> => {
    await delay(times.shift() ?? 0);
    return await does();
  };
  return {
    ...store,
    get: (key, range) => late(() => store.get(key, range)),
    put: (key, parts, options) => late(() => store.put(key, parts, options)),
    remove: (key) => late(() => store.remove(key)),
    async *list(prefix) {
      await late(() => Promise.resolve());
      yield* store.list(prefix);
    },
  };
};

describe('a lease', () => {
  test('of what volumes need is there after a restart; it is given up when nothing needs it', async () => {
    const { vault, store } = await freshVault();
    const [first = '', second = ''] = await storeDisks(vault, 2);
    const needed = new Set([first]);
    await leasesOf(vault, needed).settle();
    const release = await leasesOf(vault).hold(identifierOf(1));
    expect((await readLeases(store)).map(({ manifestId }) => manifestId).sort()).toEqual([first, second].sort());
    release();
    // As long as a volume could not be read, nothing that it may need is given up.
    await leasesOf(vault, needed, false).settle();
    expect(await readLeases(store)).toHaveLength(2);
    await leasesOf(vault, needed).settle();
    expect(await readLeases(store)).toEqual([{ node: 'test', manifestId: first }]);
    needed.clear();
    await leasesOf(vault, needed).settle();
    expect(await readLeases(store)).toEqual([]);
  });

  test('keeps the chunks of a disk whose pointer is gone', async () => {
    const { vault } = await freshVault();
    const [manifestId = ''] = await storeDisks(vault, 1);
    await leasesOf(vault).hold(identifierOf(0));
    await vault.removeImage(identifierOf(0));
    for (let run = 0; run < 3; run += 1) await collectGarbage(vault, { grace: 0 });
    expect((await readWhole(await vault.openDisk(manifestId))).length).toBe(chunkBytes);
    await expect(leasesOf(vault).hold(identifierOf(0))).rejects.toMatchObject({ code: 'not-found' });
  });

  test('taken while another node evicts: who holds the image has it, whatever the order of their steps', async () => {
    const pauses = fc.array(fc.nat(4), { minLength: 30, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(
        pauses,
        pauses,
        withinTime(4000, async (mine, theirs) => {
          const { vault, store } = await freshVault();
          const [manifestId = ''] = await storeDisks(vault, 1);
          const [holder, evictor] = [
            await openVault({ store: delayed(store, mine), node: 'holder' }),
            await openVault({ store: delayed(store, theirs), node: 'evictor' }),
          ];
          const [held] = await Promise.allSettled([
            leasesOf(holder).hold(identifierOf(0)),
            evictImages(evictor, { identifiers: [identifierOf(0)] }),
          ]);
          if (held.status === 'rejected') return held.reason instanceof Fault && held.reason.code === 'not-found';
          if ((await vault.image(identifierOf(0))) === undefined) return false;
          for (let run = 0; run < 2; run += 1) await collectGarbage(vault, { grace: 0 });
          return (await readWhole(await vault.openDisk(manifestId))).length === chunkBytes;
        }),
      ),
      { numRuns: 200 },
    );
  });
});

describe('a quota', () => {
  const plenty = 4 * chunkBytes + 512 * 1024;

  test('makes the images that were used longest ago go, and says so beforehand', async () => {
    const { vault } = await freshVault();
    await storeDisks(vault, 4);
    await pinImage(vault, identifierOf(0));
    const note = createUseNotes({ store: vault.store, now: () => new Date('2030-01-01T00:00:00Z') });
    for (const number of [2, 3]) await note(identifierOf(number));
    const quota = createQuota(vault, leasesOf(vault), plenty);
    const plan = await quota.plan(2 * chunkBytes);
    expect(plan).toMatchObject({ fits: true, quotaBytes: plenty, neededBytes: 2 * chunkBytes });
    const going = plan?.evicted.map(({ identifier }) => identifier);
    expect(going?.[0]).toBe(identifierOf(1));
    expect(await vault.listImages()).toHaveLength(4);
    const release = await quota.reserve(2 * chunkBytes);
    expect(await vault.listImages()).toHaveLength(4 - (going?.length ?? 0));
    // What is set aside counts until it is given back.
    expect((await quota.plan(plenty - 2 * chunkBytes))?.fits).toBe(false);
    release();
  });

  test('that even evictions do not meet is a clear error, and nothing goes', async () => {
    const { vault } = await freshVault();
    await storeDisks(vault, 3);
    await leasesOf(vault).hold(identifierOf(2));
    const quota = createQuota(vault, { settle: () => Promise.resolve() }, plenty);
    await expect(quota.reserve(plenty)).rejects.toMatchObject({
      code: 'vault.quota',
      details: { neededBytes: plenty, quotaBytes: plenty },
    });
    expect(await vault.listImages()).toHaveLength(3);
    expect((await quota.plan(plenty))?.fits).toBe(false);
  });

  test('counts what images share once: an eviction that frees nothing is not taken for enough', async () => {
    const { vault } = await freshVault();
    const disk = noise(4 * chunkBytes, 'shared');
    await storeImage(vault, 1, disk);
    await storeImage(vault, 2, disk);
    const quota = createQuota(vault, leasesOf(vault), plenty);
    expect((await quota.plan(2 * chunkBytes))?.evicted).toHaveLength(2);
  });

  test('that is not set allows all', async () => {
    const { vault } = await freshVault();
    const quota = createQuota(vault, leasesOf(vault), undefined);
    (await quota.reserve(2 ** 50))();
    expect(await quota.plan(2 ** 50)).toBeUndefined();
  });
});
