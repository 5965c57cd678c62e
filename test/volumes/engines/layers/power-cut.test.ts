// Power cuts and kills at any write, sync, rename or removal: what was promised is there, and nothing that was never written.
import { setImmediate } from 'node:timers/promises';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Head } from '../../../../src/volumes/engines/layers/head.ts';
import { type Layer } from '../../../../src/volumes/engines/layers/layer.ts';
import { diceOf, FragileFiles } from '../../fragile-files.ts';
import { patternBytes } from '../../memory-disk.ts';
import { AdmissibleContents } from './admissible.ts';
import { anyStep, applyToDevice, openDevice, readAll, salt, type Step } from './device.ts';
import { withinTime } from '../../../setup/within-time.ts';

const sectors = 203;
const size = sectors * 512;
const image = patternBytes(size, 11);
const directory = '/head';

/** The image, always resident. */
const below: Layer = {
  readNow(offset, into, at, length) {
    into.fill(0, at, at + length);
    image.copy(into, at, offset, Math.min(size, offset + length));
    return true;
  },
  fetch: () => Promise.resolve(),
  addExtents: (offset, length, list) => list.add(offset, length, 'data'),
};

type Ending = 'power cut' | 'kill';

/** Does steps until the machine stops; flushes and checkpoints run beside the writes. */
async function runUntilStop(
  files: FragileFiles,
  steps: readonly Step[],
  contents: AdmissibleContents,
  ending: Ending,
): Promise<void> {
  const background: Promise<unknown>[] = [];
  const beside = (work: Promise<void>): void => void background.push(work.catch((error: unknown) => error));
  const flushAt = async (flush: undefined | Promise<void>, moment: number): Promise<void> => {
    await flush;
    contents.flushed(moment);
  };
  try {
    let device = await openDevice(files, directory, below, size);
    contents.reset(await readAll(device));
    for (const [index, step] of steps.entries()) {
      if (step.kind === 'reopen') {
        await Promise.all(background);
        await device.close();
        device = await openDevice(files, directory, below, size);
      } else if (step.kind === 'flush') {
        beside(flushAt(device.flush(), contents.moment));
      } else if (step.kind === 'checkpoint') {
        beside(device.top.head.checkpoint());
      } else {
        contents.begin(step);
        await applyToDevice(device, step);
        if (ending === 'kill') contents.keepLast();
      }
      if (index % 3 === 0) await setImmediate();
    }
    await Promise.all(background);
    files.step();
  } catch {
    // The power is gone, or the process was killed.
  }
  await Promise.all(background);
}

interface Run {
  readonly steps: readonly Step[];
  /** Writes, syncs and the like until the machine stops. */
  readonly stopAfter: number;
  readonly ending: Ending;
}

/** The first sector that broke a promise. */
async function firstWrong(seed: number, runs: readonly Run[]): Promise<number | undefined> {
  let files = new FragileFiles(diceOf(seed));
  await Head.create({ files, directory, salt }, size);
  const contents = new AdmissibleContents(image);
  for (const { steps, stopAfter, ending } of runs) {
    files = files.afterKill(stopAfter);
    await runUntilStop(files, steps, contents, ending);
    files = ending === 'kill' ? files.afterKill() : files.afterPowerCut();
    const device = await openDevice(files, directory, below, size);
    const found = await readAll(device);
    const wrong = contents.firstWrong(found);
    if (wrong !== undefined) return wrong;
    // What was found once stays, though the power goes again.
    contents.reset(found);
  }
  return undefined;
}

const seed = fc.integer({ min: 1 });
const runs = fc.array(
  fc.record<Run>({
    steps: fc.array(anyStep(sectors, 180), { minLength: 1, maxLength: 40 }),
    stopAfter: fc.integer({ min: 3, max: 250 }),
    ending: fc.constantFrom<Ending>('power cut', 'kill'),
  }),
  { minLength: 1, maxLength: 4 },
);

const write = (fill: number): Step => ({ kind: 'write', offset: 0, length: 4096, fill });
const pause: Step = { kind: 'read', offset: 0, length: 512 };

describe('a head', () => {
  test('keeps its promises through power cuts and kills', async () => {
    await fc.assert(
      fc.asyncProperty(
        seed,
        runs,
        withinTime(15_000, async (dice, plan) => {
          expect(await firstWrong(dice, plan)).toBeUndefined();
        }),
      ),
      { numRuns: Number(process.env['RUNS'] ?? 200) },
    );
  });

  test('nobody is told that a flush succeeded after one that failed', async () => {
    const files = new FragileFiles(diceOf(1));
    await Head.create({ files, directory, salt }, size);
    const before = await openDevice(files, directory, below, size);
    await before.write(0, Buffer.alloc(4096, 1));
    await before.close();
    const failing = files.afterKill(4);
    const device = await openDevice(failing, directory, below, size);
    await device.write(0, Buffer.alloc(4096, 2));
    const flushes = await Promise.allSettled([device.flush(), device.flush(), device.flush()]);
    expect(flushes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  });

  test('a block that is given back and written again while a flush runs survives a kill', async () => {
    const steps: Step[] = [write(1), { kind: 'flush' }, { kind: 'unmap', offset: 0, length: 4096 }, write(2)];
    for (let count = 0; count < 30; count += 1) steps.push(pause);
    const run: Run = { steps: [...steps, write(3)], stopAfter: 1000, ending: 'kill' };
    expect(await firstWrong(1, [run])).toBeUndefined();
  });
});
