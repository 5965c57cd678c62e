// The state machine of a job under any sequence of events, and how waits grow.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backOff } from '../../src/jobs/back-off.ts';
import { activeStates, isActive, keptAttempts, type Job } from '../../src/jobs/model.ts';
import { transition, type JobEvent } from '../../src/jobs/state.ts';

const start = Date.parse('2026-01-01T00:00:00Z');
const at = fc.nat(100_000).map((milliseconds) => new Date(start + milliseconds).toISOString());
const worker = fc.constantFrom('a/1', 'b/2');
const failure = fc.constantFrom('first', 'second').map((message) => ({ code: 'c', message, action: '', details: {} }));
const object = fc.dictionary(fc.constantFrom('x', 'y'), fc.nat(9), { maxKeys: 2 });

const event: fc.Arbitrary<JobEvent> = fc.oneof(
  fc.record({ type: fc.constant('claim' as const), at, worker, leaseUntil: at }),
  fc.record({ type: fc.constant('claim' as const), at, worker, leaseUntil: at }),
  fc.record(
    { type: fc.constant('beat' as const), worker, leaseUntil: at, progress: object },
    { requiredKeys: ['type', 'worker', 'leaseUntil'] },
  ),
  fc.record(
    { type: fc.constant('succeed' as const), at, worker, result: object },
    { requiredKeys: ['type', 'at', 'worker'] },
  ),
  fc.record(
    { type: fc.constant('fail' as const), at, worker, failure, retryAt: at },
    { requiredKeys: ['type', 'at', 'worker', 'failure'] },
  ),
  fc.record({ type: fc.constant('release' as const), at, worker }),
  fc.record({ type: fc.constant('lose' as const), at, worker, most: fc.integer({ min: 1, max: 4 }), failure }),
  fc.record({ type: fc.constant('cancel' as const), at }),
  fc.record({ type: fc.constant('join' as const), at, priority: fc.nat(30) }),
);

const fresh: Job = {
  id: 1,
  kind: 'task',
  key: 'a',
  data: {},
  priority: 10,
  state: 'queued',
  created: '2026-01-01T00:00:00.000Z',
  runAt: '2026-01-01T00:00:00.000Z',
  cancelling: false,
  failures: 0,
  losses: 0,
  attempts: [],
  version: 1,
};

/** What must hold of a job at any time, and does not. */
function unsound(job: Job): readonly string[] {
  const running = job.state === 'running';
  const open = job.attempts.filter(({ outcome }) => outcome === undefined);
  const numbers = job.attempts.map(({ number }) => number);
  const count = (outcome: string): number => job.attempts.filter((attempt) => attempt.outcome === outcome).length;
  const whole = job.attempts[0]?.number === 1;
  const rules: Readonly<Record<string, boolean>> = {
    'one attempt is open while it runs, and none otherwise': open.length === (running ? 1 : 0),
    'that is the newest': !running || open[0] === job.attempts.at(-1),
    'of its worker': !running || (job.worker !== undefined && open[0]?.worker === job.worker),
    'it has a lease while it runs, and no other time': (job.leaseUntil !== undefined) === running,
    'only what runs has a worker': (job.worker !== undefined) === running,
    'it has an end when it has ended': (job.finished !== undefined) !== isActive(job.state),
    'only what runs is being cancelled': !job.cancelling || running,
    'failures have a reason': (job.state !== 'failed' && job.state !== 'retrying') || job.failure !== undefined,
    'attempts are bounded': job.attempts.length <= keptAttempts,
    'attempts are numbered without a gap': numbers.every((number, index) => number === (numbers[0] ?? 0) + index),
    'failures are counted': !whole || job.failures === count('failed'),
    'losses are counted': job.losses >= count('lost'),
  };
  return Object.entries(rules).flatMap(([rule, holds]) => (holds ? [] : [rule]));
}

/** What an event must not have done. */
function unlawful(job: Job, happened: JobEvent, after: Job): readonly string[] {
  const rules: Readonly<Record<string, boolean>> = {
    'what has ended stays as it is': isActive(job.state),
    'what runs is changed by its worker only':
      job.state !== 'running' || !('worker' in happened) || happened.worker === job.worker,
    'nobody makes it less urgent': after.priority >= job.priority,
    'what is being cancelled is not begun again':
      !job.cancelling || ['running', 'cancelled', 'done'].includes(after.state),
  };
  return Object.entries(rules).flatMap(([rule, holds]) => (holds ? [] : [rule]));
}

describe('the state machine', () => {
  test('keeps a job sound whatever happens, in whatever order', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        let job = fresh;
        for (const happened of events) {
          const before = structuredClone(job);
          const after = transition(job, happened);
          expect(job).toEqual(before);
          if (after === undefined) continue;
          expect([...unlawful(job, happened, after), ...unsound(after)]).toEqual([]);
          job = after;
        }
      }),
    );
  });

  test('has a way to an end from every state', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let job = events.reduce((current, happened) => transition(current, happened) ?? current, fresh);
        job = transition(job, { type: 'cancel', at: job.created }) ?? job;
        if (job.worker !== undefined)
          job = transition(job, { type: 'release', at: job.created, worker: job.worker }) ?? job;
        expect(activeStates).not.toContain(job.state);
      }),
    );
  });

  test('does not let a second worker claim what runs, nor the first one end what was taken from it', () => {
    const claim = { type: 'claim', at: fresh.created, leaseUntil: fresh.created } as const;
    const running = transition(fresh, { ...claim, worker: 'a/1' }) ?? fresh;
    expect(transition(running, { ...claim, worker: 'b/2' })).toBeUndefined();
    const lost = { type: 'lose', at: fresh.created, worker: 'a/1', most: 9 } as const;
    const taken =
      transition(running, { ...lost, failure: { code: '', message: '', action: '', details: {} } }) ?? fresh;
    const again = transition(taken, { ...claim, worker: 'b/2' }) ?? fresh;
    expect(transition(again, { type: 'succeed', at: fresh.created, worker: 'a/1' })).toBeUndefined();
    expect(again).toMatchObject({ worker: 'b/2', losses: 1 });
  });
});

test('waits grow up to their limit, and attempts come to an end', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 1, max: 10_000_000 }),
      fc.integer({ min: 1, max: 3000 }),
      (first, more, attempts) => {
        const rule = { first, longest: first + more, attempts };
        const waits = Array.from({ length: attempts - 1 }, (_, index) => backOff(rule, index + 1) ?? Number.NaN);
        expect(waits).toEqual(waits.toSorted((a, b) => a - b));
        expect(waits.every((wait) => wait >= first && wait <= rule.longest)).toBe(true);
        expect(waits.slice(0, 1)).toEqual(attempts > 1 ? [first] : []);
        expect(backOff(rule, attempts)).toBeUndefined();
      },
    ),
    { numRuns: 50 },
  );
});
