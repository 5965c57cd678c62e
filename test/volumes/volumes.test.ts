// The service of volumes, as its callers see it.
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Volumes } from '../../src/volumes/volumes.ts';
import { patternBytes } from './memory-disk.ts';
import { deviceOf, digest, digestOf, initiator, newSite, otherInitiator, type Site } from './service.ts';

const image = patternBytes(1024 * 1024 + 1536, 3);
let site: Site;
let volumes: Volumes;

beforeEach(async () => {
  site = newSite({ fauna: image });
  volumes = await site.open();
});
afterEach(async () => {
  await volumes.close();
  site.remove();
});

async function reopen(): Promise<void> {
  await volumes.close();
  volumes = await site.open();
}

async function machine(): Promise<string> {
  return (await volumes.create({ kind: 'machine', image: 'fauna' })).uuid;
}

describe('volumes', () => {
  test('a machine disk reads as its image, keeps what is written, and leaves the image alone', async () => {
    const [one, two] = [await machine(), await machine()];
    const first = await deviceOf(volumes, one);
    expect(await digestOf(first.device)).toBe(digest(image));
    await first.device.write(512, Buffer.alloc(1024, 0x41));
    await first.finish();
    await reopen();
    const again = await deviceOf(volumes, one);
    const expected = Buffer.from(image).fill(0x41, 512, 1536);
    expect(await digestOf(again.device)).toBe(digest(expected));
    const second = await deviceOf(volumes, two);
    expect(await digestOf(second.device)).toBe(digest(image));
    await again.finish();
    await second.finish();
  });

  test('two clones that are open at once never see each other', async () => {
    const one = await deviceOf(volumes, await machine());
    const two = await deviceOf(volumes, await machine());
    await one.device.write(0, Buffer.alloc(8192, 1));
    await two.device.write(4096, Buffer.alloc(8192, 2));
    await one.device.unmap(65536, 65536);
    expect(await digestOf(one.device)).toBe(digest(Buffer.from(image).fill(1, 0, 8192).fill(0, 65536, 131072)));
    expect(await digestOf(two.device)).toBe(digest(Buffer.from(image).fill(2, 4096, 12288)));
  });

  test('each chunk of an image is fetched once, however many clones read it, and not again after a restart', async () => {
    const disks = await Promise.all([1, 2, 3].map(async () => deviceOf(volumes, await machine())));
    await Promise.all(disks.map(({ device }) => digestOf(device)));
    const uuid = volumes.list()[0]?.uuid ?? '';
    await reopen();
    const target = await volumes.findTarget(volumes.show(uuid).iqn, initiator);
    expect(typeof target === 'string' ? target : await digestOf(target.device)).toBe(digest(image));
    expect([...(site.images.get('fauna')?.reads.values() ?? [])]).toEqual([1, 1, 1, 1]);
  });

  test('a static disk is read by several initiators and written by none', async () => {
    const { uuid } = await volumes.create({ kind: 'static', image: 'fauna' });
    await volumes.attach({ volume: uuid, initiator: otherInitiator, mode: 'read-only' });
    const { device } = await deviceOf(volumes, uuid, 'read-only');
    expect(await digestOf(device)).toBe(digest(image));
    expect(() => device.write(0, Buffer.alloc(512))).toThrow('cannot be written');
    await expect(volumes.attach({ volume: uuid, initiator, mode: 'read-write' })).rejects.toMatchObject({
      code: 'volumes.read-only',
    });
  });

  test('a blank disk is zeros, grows while it is open, and never shrinks', async () => {
    const { uuid } = await volumes.create({ kind: 'blank', size: 10 * 512, tag: 'data', owner: 'ada' });
    const { device } = await deviceOf(volumes, uuid);
    await device.write(9 * 512, Buffer.alloc(512, 7));
    await volumes.resize(uuid, 20 * 512);
    expect(device.size).toBe(20 * 512);
    await device.write(19 * 512, Buffer.alloc(512, 8));
    const expected = Buffer.alloc(20 * 512)
      .fill(7, 9 * 512, 5120)
      .fill(8, 19 * 512);
    expect(await digestOf(device)).toBe(digest(expected));
    await expect(volumes.resize(uuid, 512)).rejects.toMatchObject({ code: 'volumes.invalid' });
    await expect(volumes.resize(uuid, 20 * 512 + 1)).rejects.toMatchObject({ code: 'volumes.invalid' });
    await reopen();
    expect(volumes.show(uuid)).toMatchObject({ size: 20 * 512, tag: 'data', owner: 'ada', state: 'attached' });
  });

  test('a snapshot keeps the moment, and clones of it and of the volume go their own ways', async () => {
    const uuid = await machine();
    const { device } = await deviceOf(volumes, uuid);
    await device.write(0, Buffer.alloc(4096, 1));
    const snapshot = await volumes.snapshot(uuid, { tag: 'before' });
    await device.write(0, Buffer.alloc(512, 2));
    const ofSnapshot = await volumes.clone({ source: snapshot.uuid });
    const ofVolume = await volumes.clone({ source: uuid, size: image.length + 4096 });
    await device.write(0, Buffer.alloc(512, 3));
    const one = await deviceOf(volumes, ofSnapshot.uuid);
    const two = await deviceOf(volumes, ofVolume.uuid);
    await one.device.write(4096, Buffer.alloc(512, 9));
    const first = Buffer.from(image).fill(1, 0, 4096).fill(9, 4096, 4608);
    const second = Buffer.concat([Buffer.from(image).fill(1, 0, 4096).fill(2, 0, 512), Buffer.alloc(4096)]);
    const third = Buffer.from(image).fill(1, 0, 4096).fill(3, 0, 512);
    expect(await digestOf(one.device)).toBe(digest(first));
    expect(await digestOf(two.device)).toBe(digest(second));
    expect(await digestOf(device)).toBe(digest(third));
    await reopen();
    for (const [volume, expected] of [
      [ofSnapshot, first],
      [ofVolume, second],
      [volumes.show(uuid), third],
    ] as const) {
      const target = await volumes.findTarget(volume.iqn, initiator);
      expect(typeof target === 'string' ? target : await digestOf(target.device)).toBe(digest(expected));
    }
  });

  test('snapshots and clones of a volume that did not change since share one layer', async () => {
    const uuid = await machine();
    await volumes.snapshot(uuid);
    await volumes.snapshot(uuid);
    await volumes.clone({ source: uuid });
    const layers = readdirSync(join(site.folder, 'volumes', uuid)).filter((name) => name.startsWith('layer-'));
    expect(layers).toEqual(['layer-1', 'layer-2']);
  });

  test('a delete is refused with the reason while the volume is attached, has clones or has snapshots', async () => {
    const uuid = await machine();
    const attachment = await volumes.attach({ volume: uuid, initiator, mode: 'read-write' });
    await expect(volumes.delete(uuid)).rejects.toThrow(initiator);
    await volumes.detach(attachment.id);
    const snapshot = await volumes.snapshot(uuid);
    const clone = await volumes.clone({ source: snapshot.uuid });
    await expect(volumes.delete(uuid, { withSnapshots: true })).rejects.toThrow(clone.uuid);
    await expect(volumes.deleteSnapshot(snapshot.uuid)).rejects.toThrow(clone.uuid);
    await volumes.delete(clone.uuid);
    await expect(volumes.delete(uuid)).rejects.toMatchObject({ code: 'volumes.has-dependants' });
    await volumes.deleteSnapshot(snapshot.uuid);
    await volumes.delete(uuid);
    expect(volumes.list()).toEqual([]);
    expect(readdirSync(join(site.folder, 'volumes'))).toEqual([]);
  });

  test('an attachment names one initiator, its secret and its target; the next initiator waits', async () => {
    const uuid = await machine();
    const attachment = await volumes.attach({ volume: uuid, initiator: initiator.toUpperCase(), mode: 'read-write' });
    expect(attachment).toMatchObject({ initiator, mode: 'read-write', iqn: volumes.show(uuid).iqn });
    expect(attachment.chap.secret).toHaveLength(16);
    expect(await volumes.attach({ volume: uuid, initiator, mode: 'read-write' })).toEqual(attachment);
    await expect(volumes.attach({ volume: uuid, initiator: otherInitiator, mode: 'read-only' })).rejects.toMatchObject({
      code: 'volumes.in-use',
    });
    expect(volumes.targetsFor(initiator)).toEqual([attachment.iqn]);
    expect(volumes.targetsFor(otherInitiator)).toEqual([]);
    expect(await volumes.findTarget(attachment.iqn, otherInitiator)).toBe('forbidden');
    expect(await volumes.findTarget('iqn.2026-01.org.example:nothing', initiator)).toBe('not-found');
    expect(JSON.stringify(volumes.list())).not.toContain(attachment.chap.secret);
    const file = join(site.folder, 'volumes', uuid, 'attachments', `${attachment.id}.json`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    await reopen();
    expect(volumes.showAttachment(attachment.id)).toEqual(attachment);
  });

  test('detaching tells the target, and the device stays until its session has ended', async () => {
    const uuid = await machine();
    const attachment = await volumes.attach({ volume: uuid, initiator, mode: 'read-write' });
    const target = await volumes.findTarget(attachment.iqn, initiator);
    const ended: string[] = [];
    volumes.onDetach(async (event) => {
      ended.push(event.initiator);
      if (typeof target !== 'string') await target.release();
    });
    await volumes.detach(attachment.id);
    expect(ended).toEqual([initiator]);
    expect(volumes.show(uuid).state).toBe('available');
    await volumes.delete(uuid);
  });

  test('a volatile disk dies with its attachment, or at the next start', async () => {
    const { uuid } = await volumes.create({ kind: 'volatile', image: 'fauna' });
    const { finish } = await deviceOf(volumes, uuid);
    await finish();
    expect(volumes.list()).toEqual([]);
    await volumes.create({ kind: 'volatile', image: 'fauna' });
    await reopen();
    expect(volumes.list()).toEqual([]);
  });

  test('a disk in quarantine is kept, not attached, and swept when its time has come', async () => {
    const uuid = await machine();
    await volumes.quarantine(uuid, new Date('2026-02-01T00:00:00Z'));
    await expect(volumes.attach({ volume: uuid, initiator, mode: 'read-only' })).rejects.toMatchObject({
      code: 'volumes.quarantined',
    });
    expect(await volumes.sweep()).toEqual([]);
    await volumes.quarantine(uuid, new Date('2025-12-01T00:00:00Z'));
    expect(await volumes.sweep()).toEqual([uuid]);
  });

  test('lists by properties', async () => {
    await volumes.create({ kind: 'machine', image: 'fauna', tag: 'web', owner: 'ada' });
    const { uuid } = await volumes.create({ kind: 'blank', size: 512, owner: 'bob' });
    await volumes.relabel(uuid, { tag: 'web', owner: '' });
    expect(volumes.list({ tag: 'web' })).toHaveLength(2);
    expect(volumes.list({ owner: 'bob' })).toEqual([]);
    expect(volumes.list({ kind: 'machine', image: 'fauna', state: 'available' })).toHaveLength(1);
    expect(volumes.list({ initiator })).toEqual([]);
  });

  test('refuses what makes no sense', async () => {
    await expect(volumes.create({ kind: 'blank', size: 100 })).rejects.toMatchObject({ code: 'volumes.invalid' });
    await expect(volumes.create({ kind: 'machine', image: 'fauna', size: 512 })).rejects.toMatchObject({
      code: 'volumes.invalid',
    });
    await expect(volumes.create({ kind: 'machine', image: 'unknown' })).rejects.toMatchObject({ code: 'not-found' });
    await expect(volumes.attach({ volume: 'x', initiator: 'me', mode: 'read-only' })).rejects.toMatchObject({
      code: 'volumes.invalid',
    });
    expect(() => volumes.show('x')).toThrow('no volume');
    expect(readdirSync(join(site.folder, 'volumes'))).toEqual([]);
  });

  test('a second process is refused, and a new start is not', async () => {
    await expect(site.open()).rejects.toMatchObject({ code: 'volumes.locked' });
    await reopen();
    expect(volumes.list()).toEqual([]);
  });

  test('what a crash left behind is finished or undone at start, and the rest is left alone', async () => {
    const uuid = await machine();
    await volumes.close();
    const root = join(site.folder, 'volumes');
    const half = '11111111-1111-4111-8111-111111111111';
    mkdirSync(join(root, half, 'layer-1'), { recursive: true });
    mkdirSync(join(root, `${half}.removed`, 'layer-1'), { recursive: true });
    mkdirSync(join(root, uuid, 'layer-2'));
    writeFileSync(join(root, uuid, 'volume.json.tmp'), '{');
    writeFileSync(join(root, 'README'), 'mine');
    volumes = await site.open();
    expect(readdirSync(root)).toEqual([uuid, 'README'].sort());
    expect(readdirSync(join(root, uuid))).toEqual(['layer-1', 'volume.json']);
  });

  test('a damaged descriptor hides one volume, and its files stay', async () => {
    const [one, two] = [await machine(), await machine()];
    await volumes.close();
    writeFileSync(join(site.folder, 'volumes', one, 'volume.json'), '{"format":1');
    volumes = await site.open();
    expect(volumes.list().map(({ uuid }) => uuid)).toEqual([two]);
    expect(volumes.damaged()).toHaveLength(1);
    expect(existsSync(join(site.folder, 'volumes', one, 'layer-1', 'data'))).toBe(true);
  });
});
