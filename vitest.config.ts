// Test runner: unit suites need nothing but npm; suites of real clients and services say which tools they need.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import LongestFirst from './test/setup/longest-first.ts';

export default defineConfig({
  test: {
    globalSetup: ['test/setup/build.ts'],
    reporters: ['default', './test/setup/left-out-reporter.ts'],
    // Many suites wait for other programs more than they compute.
    maxWorkers: Math.max(4, availableParallelism()),
    sequence: { sequencer: LongestFirst },
    // What hangs fails; what a busy machine takes longer for does not.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    restoreMocks: true,
    projects: [
      {
        extends: true,
        test: {
          name: 'suites',
          include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
          exclude: ['test/machines/**'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // Whole machines in software emulation take a processor each: they run when the rest is done.
        extends: true,
        test: {
          name: 'machines',
          include: ['test/machines/*.test.ts'],
          maxWorkers: 2,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
