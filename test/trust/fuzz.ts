// Runs a target on inputs made from seeds for a while, and keeps the input that breaks it.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { randomFrom, type Random } from './mutate.ts';

/** Milliseconds that each target is tried for: a second, or as many as FUZZ_SECONDS says. */
const milliseconds = Number(process.env['FUZZ_SECONDS'] ?? 1) * 1000;
/** Where a run begins: anew each time, or at FUZZ_SEED. */
const firstSeed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
/** Inputs that broke something; each is tried again in every run. */
const crashes = process.env['FUZZ_CRASHES'] ?? fileURLToPath(new URL('./crashes', import.meta.url));
/** Processor time that one input may take, in milliseconds: the time limit of the server's verifiers. */
const mostMilliseconds = 2_000;

export interface FuzzTarget {
  readonly name: string;
  readonly make: (random: Random) => Uint8Array;
  /** Throws where the input shows something wrong. */
  readonly check: (input: Uint8Array) => void;
}

function checkInTime({ check }: FuzzTarget, input: Uint8Array): void {
  const before = process.cpuUsage();
  check(input);
  const { user, system } = process.cpuUsage(before);
  if ((user + system) / 1000 > mostMilliseconds) throw new Error(`it took ${(user + system) / 1000} ms`);
}

function savedInputs(name: string): readonly string[] {
  try {
    return readdirSync(crashes).filter((file) => file.startsWith(`${name}-`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** A test that tries the inputs saved earlier, then new ones until the time is up. */
export function fuzz(target: FuzzTarget): void {
  test(
    `fuzz: ${target.name}`,
    () => {
      for (const file of savedInputs(target.name)) checkInTime(target, readFileSync(join(crashes, file)));
      let tried = 0;
      const until = performance.now() + milliseconds;
      for (let seed = firstSeed; performance.now() < until; seed += 1) {
        tried += 1;
        const input = target.make(randomFrom(seed));
        try {
          checkInTime(target, input);
        } catch (error) {
          mkdirSync(crashes, { recursive: true });
          const digest = createHash('sha256').update(input).digest('hex').slice(0, 16);
          const file = join(crashes, `${target.name}-${digest}`);
          writeFileSync(file, input);
          throw new Error(`seed ${seed} broke ${target.name}; the input is in ${file}`, { cause: error });
        }
      }
      expect(tried).toBeGreaterThan(0);
    },
    milliseconds + 30_000,
  );
}
