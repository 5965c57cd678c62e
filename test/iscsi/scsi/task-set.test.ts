// Whose turn it is: the rules of SAM-5 §8.3 to §8.6, held against whatever comes and goes.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type QueuedTask, TaskSet } from '../../../src/iscsi/scsi/task-set.ts';

const simple = 1;
const ordered = 2;
const headOfQueue = 3;

/** Whether a task may run, by the standard's words: `before` are those that came before it and are not done. */
function mayRun(task: QueuedTask, all: readonly QueuedTask[]): boolean {
  if (task.attribute === headOfQueue) return true;
  if (all.some((other) => other.attribute === headOfQueue)) return false;
  const before = all.slice(0, all.indexOf(task));
  return task.attribute === ordered ? before.length === 0 : before.every((other) => other.attribute !== ordered);
}

/** Tasks that come and go, each with what the set and the standard say of it. */
class Play {
  readonly set = new TaskSet();
  readonly present: QueuedTask[] = [];
  readonly running = new Set<QueuedTask>();
  /** Whose turn it was at some time, or who left before. */
  readonly allowed = new Set<QueuedTask>();

  /** @returns whether the set admits it as the standard does. */
  come(attribute: number): boolean {
    const task = { attribute };
    const admitted = this.set.admits(attribute);
    this.present.push(task);
    this.set.join(task);
    const turn = this.set.turn(task);
    if (turn === undefined) this.running.add(task);
    else void turn.then(() => this.running.add(task));
    return admitted === mayRun(task, this.present);
  }

  go(which: number): true {
    const [task] = this.present.splice(which % Math.max(1, this.present.length), 1);
    if (task === undefined) return true;
    this.set.leave(task);
    // Who leaves while it waits hears of it as well, and looks for itself.
    this.allowed.add(task);
    return true;
  }

  /** Those that run and should not, and those that should and do not. */
  async wrong(): Promise<readonly QueuedTask[]> {
    await new Promise((resolve) => setImmediate(resolve));
    const able = this.present.filter((task) => mayRun(task, this.present));
    for (const task of able) this.allowed.add(task);
    const late = able.filter((task) => !this.running.has(task));
    return [...late, ...[...this.running].filter((task) => !this.allowed.has(task))];
  }
}

describe('a task set', () => {
  test('runs each task when its turn has come and no sooner', async () => {
    const step = fc.record({
      attribute: fc.constantFrom(0, simple, ordered, headOfQueue),
      leave: fc.option(fc.nat(20)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const play = new Play();
        for (const { attribute, leave } of steps) {
          const admitted = leave === null ? play.come(attribute) : play.go(leave);
          expect(admitted).toBe(true);
          expect(await play.wrong()).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });
});
