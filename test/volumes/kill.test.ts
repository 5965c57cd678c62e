// kill -9 of a real process under a write load: what it had answered is there, and the next process takes over at once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type BlockDevice } from '../../src/block/device.ts';
import { chunkBytes, type StoredDisk } from '../../src/vault/stored-disk.ts';
import { openVolumes, type Volumes } from '../../src/volumes/volumes.ts';
import { diceOf } from './fragile-files.ts';
import { digest, digestOf, initiator } from './service.ts';

const imageSize = 4 * 1024 * 1024;
const manifestId = 'cd'.repeat(32);
const rounds = 6;

interface PlannedStep {
  readonly kind: 'write' | 'unmap' | 'flush' | 'snapshot' | 'clone';
  readonly offset: number;
  readonly length: number;
  readonly fill: number;
}

function plan(): PlannedStep[] {
  const dice = diceOf(7);
  return Array.from({ length: 40_000 }, (_, index): PlannedStep => {
    const which = dice();
    const kind =
      which < 0.85 ? 'write' : which < 0.95 ? 'unmap' : which < 0.99 ? 'flush' : which < 0.995 ? 'snapshot' : 'clone';
    const first = Math.floor(dice() * (imageSize / 512));
    const count = Math.min(1 + Math.floor(dice() * 64), imageSize / 512 - first);
    return { kind, offset: first * 512, length: count * 512, fill: 1 + (index % 255) };
  });
}

function apply(model: Buffer, step: PlannedStep): void {
  if (step.kind === 'write') model.fill(step.fill, step.offset, step.offset + step.length);
  if (step.kind === 'unmap') model.fill(0, step.offset, step.offset + step.length);
}

const plainImage: StoredDisk = {
  manifestId,
  size: imageSize,
  isZeroChunk: () => false,
  readChunk: (index) => Promise.resolve(Buffer.alloc(chunkBytes, index + 1)),
  close: () => Promise.resolve(),
};

async function grab(volumes: Volumes): Promise<{ device: BlockDevice; release: () => Promise<void> }> {
  const [volume] = volumes.list({ tag: 'main' });
  const target = await volumes.findTarget(volume?.iqn ?? '', initiator);
  if (typeof target === 'string') throw new Error(target);
  return target;
}

/** Copies the sectors of the step that was cut off from what was found into the model, where they are its old or its new content. */
function settle(model: Buffer, found: Buffer, step: PlannedStep | undefined): void {
  if (step === undefined) return;
  const after = Buffer.from(model);
  apply(after, step);
  for (let at = step.offset; at < step.offset + step.length; at += 512) {
    if (after.subarray(at, at + 512).equals(found.subarray(at, at + 512))) after.copy(model, at, at, at + 512);
  }
}

test('every answered write survives kill -9, round after round', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mintmark-kill-'));
  const steps = plan();
  const planPath = join(folder, 'plan.json');
  writeFileSync(planPath, JSON.stringify({ imageSize, manifestId, initiator, steps }));
  const model = Buffer.alloc(imageSize);
  for (let at = 0; at < imageSize; at += chunkBytes) model.fill(at / chunkBytes + 1, at, at + chunkBytes);
  let next = 0;
  for (let round = 0; round < rounds; round += 1) {
    const script = fileURLToPath(new URL('child-writer.js', import.meta.url));
    const child = spawn(process.execPath, [script, join(folder, 'data'), planPath, String(next)]);
    let output = '';
    let errors = '';
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString('latin1');
    });
    child.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.toString('utf8');
    });
    const closed = once(child, 'close');
    await Promise.race([once(child.stdout, 'data'), closed]);
    await setTimeout(20 + 30 * round);
    child.kill('SIGKILL');
    await closed;
    expect(errors).toBe('');
    const lines = output.split('\n').slice(0, -1);
    const answered = lines.filter((line) => line.startsWith('a')).length;
    for (const step of steps.slice(next, next + answered)) apply(model, step);
    const cutOff = lines.at(-1)?.startsWith('b') === true ? steps[next + answered] : undefined;
    next += answered + (cutOff === undefined ? 0 : 1);

    const volumes = await openVolumes({
      dataDir: join(folder, 'data'),
      images: { open: () => Promise.resolve(plainImage) },
      now: () => new Date(),
      randomness: (bytes) => Buffer.alloc(bytes),
      iqnPrefix: 'iqn.2026-01.org.example',
    });
    const { device, release } = await grab(volumes);
    const found = Buffer.alloc(imageSize);
    await device.read(0, found);
    settle(model, found, cutOff);
    expect(digest(found)).toBe(digest(model));
    expect(await digestOf(device)).toBe(digest(model));
    await release();
    await volumes.close();
  }
  expect(next).toBeGreaterThan(rounds);
  rmSync(folder, { recursive: true });
});
