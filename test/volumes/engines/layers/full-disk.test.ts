// A full disk: a write that does not fit is refused and changes nothing else; reads go on, and all that was answered is kept.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../../../src/errors/fault.ts';
import { Head } from '../../../../src/volumes/engines/layers/head.ts';
import { zeroLayer } from '../../../../src/volumes/engines/layers/layer.ts';
import { diceOf, FragileFiles } from '../../fragile-files.ts';
import { AdmissibleContents } from './admissible.ts';
import { anyStep, applyToDevice, openDevice, readAll, salt, type Step } from './device.ts';

const sectors = 803;
const size = sectors * 512;
const directory = '/head';

interface Outcome {
  readonly wrong: number | undefined;
  readonly refused: number;
}

async function fillUp(steps: readonly Step[], freePages: number): Promise<Outcome> {
  const files = new FragileFiles(diceOf(1));
  await Head.create({ files, directory, salt }, size);
  const contents = new AdmissibleContents(Buffer.alloc(size));
  const device = await openDevice(files, directory, zeroLayer, size);
  files.freePages = freePages;
  let refused = 0;
  for (const step of steps) {
    contents.begin(step);
    try {
      await applyToDevice(device, step);
      contents.keepLast();
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'volumes.full') throw error;
      refused += 1;
      const found = await readAll(device);
      const wrong = contents.firstWrong(found);
      if (wrong !== undefined) return { wrong, refused };
      contents.reset(found);
    }
  }
  const restarted = files.afterKill();
  restarted.freePages = 0;
  const reopened = await openDevice(restarted, directory, zeroLayer, size);
  const wrong = contents.firstWrong(await readAll(reopened));
  restarted.freePages = Number.POSITIVE_INFINITY;
  await reopened.flush();
  await reopened.write(0, Buffer.alloc(size, 1));
  await reopened.flush();
  return { wrong, refused };
}

describe('a head on a full disk', () => {
  test('loses nothing, reads on, and writes again once there is space', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep(sectors), { minLength: 10, maxLength: 50 }),
        fc.integer({ min: 0, max: 90 }),
        async (steps, freePages) => {
          const outcome = await fillUp(steps, freePages);
          refused += outcome.refused;
          expect(outcome.wrong).toBeUndefined();
        },
      ),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(0);
  });
});
