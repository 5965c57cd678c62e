// Garbage is collected while writes and reads go on: what a pointer leads to is never lost, what none leads to goes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/errors/fault.ts';
import { collectGarbage, type Collection } from '../../src/vault/collect.ts';
import { evictImages } from '../../src/vault/evict.ts';
import { createLeases } from '../../src/vault/leases.ts';
import { packKey } from '../../src/vault/records.ts';
import { chunkBytes, type StoredDisk } from '../../src/vault/stored-disk.ts';
import { openVault, type Vault } from '../../src/vault/vault.ts';
import { type WriteSession } from '../../src/vault/write-session.ts';
import { chunksOf, freshVault, identifierOf, imageOf, noise, readWhole, storeImage } from './fresh-vault.ts';
import { withinTime } from '../setup/within-time.ts';

const grace = 60_000;

/** A clock that the test moves. */
function clock(): { now: () => Date; pass: (time: number) => void } {
  let time = Date.parse('2026-01-01T00:00:00Z');
  return {
    now: () => new Date(time),
    pass(by) {
      time += by;
    },
  };
}

async function packCount(vault: Vault): Promise<number> {
  let count = 0;
  for await (const _ of vault.store.list('packs/')) count += 1;
  return count;
}

describe('a collection', () => {
  test('takes what was unreferenced in two marks and longer than the grace, and says so beforehand', async () => {
    const { now, pass } = clock();
    const { store } = await freshVault();
    const vault = await openVault({ store, node: 'test', now });
    const disk = noise(3 * chunkBytes, 'a');
    await storeImage(vault, 1, disk);
    const kept = await storeImage(vault, 2, noise(chunkBytes, 'b'));
    expect(await collectGarbage(vault, { grace })).toMatchObject({ removedPacks: 0, condemnedPacks: 0 });
    await vault.removeImage(identifierOf(1));
    expect(await collectGarbage(vault, { grace })).toMatchObject({ removedPacks: 0, condemnedPacks: 1 });
    expect(await collectGarbage(vault, { grace })).toMatchObject({ removedPacks: 0, condemnedPacks: 1 });
    pass(grace);
    expect(await collectGarbage(vault, { grace, dryRun: true })).toMatchObject({ removedPacks: 1 });
    expect(await packCount(vault)).toBe(2);
    expect(await collectGarbage(vault, { grace })).toMatchObject({ removedPacks: 1, condemnedPacks: 0 });
    expect(await packCount(vault)).toBe(1);
    expect((await readWhole(await vault.openDisk(kept))).length).toBe(chunkBytes);
  });

  test('that is ended at any step leaves all that is live, and the next one does the rest', async () => {
    const steps = new Set<string>();
    for (let end = 1; end <= 12; end += 1) {
      const { vault } = await freshVault();
      const kept: { readonly id: string; readonly disk: Buffer }[] = [];
      for (const number of [1, 2, 3]) {
        // Of each pack little stays: what is live is copied together.
        const live = noise(chunkBytes, `live ${number}`);
        await storeImage(vault, number, Buffer.concat([live, noise(4 * chunkBytes, `garbage ${number}`)]));
        kept.push({ id: await storeImage(vault, 10 + number, live), disk: live });
        await storeImage(vault, 20 + number, noise(chunkBytes, `gone ${number}`));
        for (const gone of [number, 20 + number]) await vault.removeImage(identifierOf(gone));
      }
      const stop = new AbortController();
      let step = 0;
      const ended = async (): Promise<unknown> =>
        await collectGarbage(vault, {
          grace: 0,
          signal: stop.signal,
          onProgress({ phase }) {
            steps.add(phase);
            step += 1;
            if (step === end) stop.abort();
          },
        }).catch((error: unknown) => error);
      // The first condemns, and the second removes.
      for (let run = 0; run < 2; run += 1) await ended();
      for (const { id, disk } of kept) expect((await readWhole(await vault.openDisk(id))).equals(disk)).toBe(true);
      for (let run = 0; run < 3; run += 1) await collectGarbage(vault, { grace: 0 });
      expect(await collectGarbage(vault, { grace: 0, dryRun: true })).toMatchObject({
        removedPacks: 0,
        condemnedPacks: 0,
      });
      const fresh = await openVault({ store: vault.store, node: 'later' });
      for (const { id, disk } of kept) expect((await readWhole(await fresh.openDisk(id))).equals(disk)).toBe(true);
    }
    expect([...steps].sort()).toEqual(['copying', 'marking', 'removing']);
  });

  test('spares what an open disk reads, and what a write that began before came to rely on', async () => {
    const { now, pass } = clock();
    const { store } = await freshVault();
    const vault = await openVault({ store, node: 'one', now });
    const other = await openVault({ store, node: 'two', now });
    const disk = noise(2 * chunkBytes, 'a');
    const opened = await vault.openDisk(await storeImage(vault, 1, disk));
    const session = await other.beginWrite();
    const manifestId = await session.writeDisk({ size: disk.length, chunks: chunksOf(disk) });
    expect(session.storedBytes).toBe(0);
    await vault.removeImage(identifierOf(1));
    for (let turn = 0; turn < 3; turn += 1) {
      await collectGarbage(vault, { grace });
      pass(grace);
    }
    expect((await readWhole(opened)).equals(disk)).toBe(true);
    await opened.close();
    for (let turn = 0; turn < 3; turn += 1) {
      await collectGarbage(vault, { grace });
      pass(grace);
    }
    await session.commitImage(imageOf(identifierOf(2), manifestId, disk));
    await collectGarbage(vault, { grace });
    expect((await readWhole(await vault.openDisk(manifestId))).equals(disk)).toBe(true);
  });

  test('spares a disk that is open here for that alone, and takes it once it is closed', async () => {
    const { store } = await freshVault();
    const vault = await openVault({ store, node: 'one', cacheBytes: 0 });
    const disk = noise(2 * chunkBytes, 'open');
    const opened = await vault.openDisk(await storeImage(vault, 1, disk));
    await vault.removeImage(identifierOf(1));
    for (let turn = 0; turn < 3; turn += 1) await collectGarbage(vault, { grace: 0 });
    expect((await readWhole(opened)).equals(disk)).toBe(true);
    await opened.close();
    for (let turn = 0; turn < 3; turn += 1) await collectGarbage(vault, { grace: 0 });
    expect(await packCount(vault)).toBe(0);
  });

  test('does not let a write rely on what is about to go', async () => {
    const { now, pass } = clock();
    const { store } = await freshVault();
    const vault = await openVault({ store, node: 'one', now });
    const disk = noise(2 * chunkBytes, 'a');
    await storeImage(vault, 1, disk);
    await vault.removeImage(identifierOf(1));
    await collectGarbage(vault, { grace });
    const session = await vault.beginWrite();
    const manifestId = await session.writeDisk({ size: disk.length, chunks: chunksOf(disk) });
    expect(session.storedBytes).toBeGreaterThan(disk.length);
    pass(grace);
    expect(await collectGarbage(vault, { grace })).toMatchObject({ removedPacks: 1 });
    await session.commitImage(imageOf(identifierOf(2), manifestId, disk));
    expect((await readWhole(await vault.openDisk(manifestId))).equals(disk)).toBe(true);
  });

  test('copies packs that are mostly garbage together', async () => {
    const { now, pass } = clock();
    const { store } = await freshVault();
    const vault = await openVault({ store, node: 'one', now });
    const kept: { manifestId: string; disk: Buffer }[] = [];
    for (let number = 0; number < 3; number += 1) {
      const disk = noise(chunkBytes, `kept ${number}`);
      // One pack holds both disks: a session puts what it has when its disk ends, so they are written as one.
      await storeImage(vault, number, Buffer.concat([disk, noise(6 * chunkBytes, `lost ${number}`)]));
      kept.push({ manifestId: await storeImage(vault, 10 + number, disk), disk });
      await vault.removeImage(identifierOf(number));
    }
    expect(await collectGarbage(vault, { grace })).toMatchObject({ rewrittenPacks: 3 });
    pass(grace);
    await collectGarbage(vault, { grace });
    let bytes = 0;
    for await (const object of store.list('packs/')) bytes += object.bytes;
    expect(bytes).toBeLessThan(5 * chunkBytes);
    for (const { manifestId, disk } of kept)
      expect((await readWhole(await vault.openDisk(manifestId))).equals(disk)).toBe(true);
  });

  test('takes nothing where a pointer cannot be read', async () => {
    const { vault, store } = await freshVault();
    await storeImage(vault, 1, noise(chunkBytes, 'a'));
    await store.put(`images/${identifierOf(2)}`, [Buffer.from('damaged')]);
    await expect(collectGarbage(vault, { grace: 0 })).rejects.toMatchObject({ code: 'vault.corrupt' });
    expect(await packCount(vault)).toBe(1);
  });

  test('leaves a pack that cannot be read alone, names it, and takes other garbage; what needs the pack is whole when it is read again', async () => {
    const { vault: seeing, store } = await freshVault();
    const disks = ['ab', 'ac', 'd', 'abe'].map((letters) =>
      Buffer.concat(Array.from(letters, (letter) => noise(chunkBytes, letter))),
    );
    const diskOf = (number: number): Buffer => disks[number - 1] ?? Buffer.alloc(0);
    await storeImage(seeing, 1, diskOf(1));
    const [{ name } = { name: '' }] = seeing.catalog.index.packs();
    const whole = (await store.get(packKey(name))) ?? Buffer.alloc(0);
    await store.put(packKey(name), [whole.subarray(0, -64), Buffer.alloc(64)]);
    const blind = await openVault({ store, node: 'blind' });
    // The manifest of an image that stands cannot be read: then nothing at all may go.
    await expect(collectGarbage(blind, { grace: 0 })).rejects.toMatchObject({ code: 'vault.corrupt' });
    await seeing.removeImage(identifierOf(1));
    const kept = [await storeImage(blind, 2, diskOf(2)), await storeImage(seeing, 4, diskOf(4))];
    await storeImage(blind, 3, diskOf(3));
    await blind.removeImage(identifierOf(3));
    await seeing.damage.note({ pack: name, entry: 0 }, Buffer.alloc(32));

    const runs: Collection[] = [];
    for (let run = 0; run < 3; run += 1) runs.push(await collectGarbage(blind, { grace: 0 }));
    expect(runs).toMatchObject([
      { removedPacks: 0, condemnedPacks: 1, unreadable: [name] },
      { removedPacks: 1, condemnedPacks: 0, unreadable: [name] },
      { removedPacks: 0, condemnedPacks: 0, unreadable: [name] },
    ]);
    await store.put(packKey(name), [whole]);
    const after = await openVault({ store, node: 'after' });
    expect(after.damage.has({ pack: name, entry: 0 })).toBe(true);
    for (const [number, manifestId] of kept.entries())
      expect((await readWhole(await after.openDisk(manifestId))).equals(diskOf(2 * number + 2))).toBe(true);
    expect((await collectGarbage(after, { grace: 0 })).unreadable).toEqual([]);
  });

  test('runs once at a time', async () => {
    const { store } = await freshVault();
    const vaults = [await openVault({ store, node: 'one' }), await openVault({ store, node: 'two' })] as const;
    const outcomes = await Promise.allSettled(vaults.map((vault) => collectGarbage(vault, { grace })));
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as unknown] : []));
    expect(reasons.every((reason) => reason instanceof Fault && reason.code === 'vault.busy')).toBe(true);
    await collectGarbage(vaults[1], { grace });
  });
});

const stepArbitrary = fc.record({
  does: fc.constantFrom(
    'begin',
    'begin',
    'write',
    'write',
    'commit',
    'commit',
    'abort',
    'remove',
    'open',
    'open',
    'close',
    'collect',
    'collect beside',
  ),
  slot: fc.nat(2),
  content: fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }),
  passes: fc.nat(2 * grace),
});
/** Another process may be at it: that is no failure. */
const collectBy = async (vault: Vault): Promise<void> => {
  try {
    await collectGarbage(vault, { grace });
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'vault.busy') throw error;
  }
};

/** False: it is in use. */
const evicted = async (vault: Vault, number: number): Promise<boolean> => {
  try {
    return (await evictImages(vault, { identifiers: [identifierOf(number)] })).length === 1;
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'vault.in-use') throw error;
    return false;
  }
};

const alphabet = Array.from({ length: 6 }, (_, letter) =>
  letter === 0 ? Buffer.alloc(chunkBytes) : noise(chunkBytes, `letter ${letter}`),
);

test('over any order of writes, reads, evictions and collections by two processes, every image that has a pointer, and every disk that is open, reads as it was written', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(stepArbitrary, { maxLength: 25 }),
      withinTime(8000, async (steps) => {
        const { now, pass } = clock();
        const { store } = await freshVault();
        const nodes = [
          await openVault({ store, node: 'one', now, cacheBytes: 0 }),
          await openVault({ store, node: 'two', now, cacheBytes: 0 }),
        ] as const;
        const nodeOf = (number: number): Vault => (number % 2 === 0 ? nodes[0] : nodes[1]);
        const sessions = new Map<number, { session: WriteSession; written?: { manifestId: string; disk: Buffer } }>();
        const images = new Map<number, { manifestId: string; disk: Buffer }>();
        const leases = nodes.map((vault) => createLeases(vault, { inUse: () => [], isComplete: () => true }));
        const opened = new Map<number, { stored: StoredDisk; disk: Buffer; release: () => void }>();
        const beside: Promise<unknown>[] = [];
        let serial = 0;
        for (const step of steps) {
          if (step.does === 'collect' || step.does === 'collect beside') {
            pass(step.passes);
            const collection = collectBy(nodeOf(step.slot));
            if (step.does === 'collect') await collection;
            else beside.push(collection);
            continue;
          }
          const open = sessions.get(step.slot);
          if (step.does === 'remove') {
            const [first] = images.keys();
            if (first !== undefined && (await evicted(nodeOf(step.slot), first))) images.delete(first);
          } else if (step.does === 'open' && !opened.has(step.slot)) {
            const [first] = images;
            if (first !== undefined) {
              const [number, { manifestId, disk }] = first;
              const release = (await leases[step.slot % 2]?.hold(identifierOf(number))) ?? (() => undefined);
              opened.set(step.slot, { stored: await nodeOf(step.slot).openDisk(manifestId), disk, release });
            }
          } else if (step.does === 'close') {
            const reader = opened.get(step.slot);
            opened.delete(step.slot);
            reader?.release();
            await reader?.stored.close();
            await leases[step.slot % 2]?.settle();
          } else if (step.does === 'begin' && open === undefined) {
            sessions.set(step.slot, { session: await nodeOf(step.slot).beginWrite() });
          } else if (step.does === 'write' && open !== undefined && open.written === undefined) {
            const disk = Buffer.concat(step.content.map((letter) => alphabet[letter] ?? Buffer.alloc(0)));
            open.written = {
              disk,
              manifestId: await open.session.writeDisk({ size: disk.length, chunks: chunksOf(disk) }),
            };
          } else if (step.does === 'commit' && open?.written !== undefined) {
            serial += 1;
            sessions.delete(step.slot);
            await open.session.commitImage(imageOf(identifierOf(serial), open.written.manifestId, open.written.disk));
            images.set(serial, open.written);
          } else if (step.does === 'abort' && open !== undefined) {
            sessions.delete(step.slot);
            await open.session.abort();
          }
          for (const { manifestId, disk } of images.values()) {
            const stored = await nodeOf(step.slot + 1).openDisk(manifestId);
            expect((await readWhole(stored)).equals(disk)).toBe(true);
            await stored.close();
          }
          for (const { stored, disk } of opened.values()) expect((await readWhole(stored)).equals(disk)).toBe(true);
        }
        await Promise.all(beside);
        for (const { session } of sessions.values()) await session.abort();
        for (const { stored, release } of opened.values()) {
          release();
          await stored.close();
        }
        for (const lease of leases) await lease.settle();
        for (const number of images.keys()) await nodes[0].removeImage(identifierOf(number));
        for (let turn = 0; turn < 3; turn += 1) {
          await collectGarbage(nodes[0], { grace });
          pass(grace);
        }
        expect(await packCount(nodes[0])).toBe(0);
      }),
    ),
    { numRuns: 200 },
  );
});
