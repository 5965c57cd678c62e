// Runs libiscsi's conformance suites and reads what they report.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findTool } from '../setup/tools.ts';

export interface ConformanceResult {
  readonly run: number;
  readonly failed: number;
  /** Assertions that did not hold. */
  readonly failedAssertions: number;
  /** Names of the tests that failed. */
  readonly failures: readonly string[];
  /** What was said of each failure. */
  readonly complaints: readonly string[];
  /** Reasons of what was left out, without those that this kind of disk cannot have; each once. */
  readonly skipped: readonly string[];
  /** All that was printed. */
  readonly output: string;
}

export interface ConformanceRun {
  /** FAMILY.SUITE.TEST, or a part of it from the left. */
  readonly test: string;
  /** One, or two for the multipath suites. */
  readonly urls: readonly string[];
  /** Name of both initiators that the suites play, where the target knows who may log in. */
  readonly initiator?: string;
  /** Reasons for leaving a test out that are no loss here. */
  readonly impossible?: readonly RegExp[];
}

/** What a disk of this kind cannot have: a medium that can be taken out, and encryption whose key could be thrown away. */
const impossible = [/not removable/, /CRYPTO_ERASE is not implemented/];

export async function runConformance(options: ConformanceRun): Promise<ConformanceResult> {
  const names = options.initiator === undefined ? [] : ['-i', options.initiator, '-I', options.initiator];
  const argv = ['--dataloss', '--allow-sanitize', '--normal', ...names, '--test', options.test, ...options.urls];
  const child = spawn(findTool('iscsi-test-cu') ?? 'iscsi-test-cu', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const take = (chunk: unknown): void => {
    output += String(chunk);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  await once(child, 'close');
  const summary = /tests\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s.*\n\s*asserts\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)/.exec(output);
  if (summary === null) throw new Error(`iscsi-test-cu came to no end:\n${output}`);
  const reasons = [...output.matchAll(/\[SKIPPED\] ?(.*)/g)].map((match) => match[1] ?? '');
  const allowed = [...impossible, ...(options.impossible ?? [])];
  return {
    run: Number(summary[2]),
    failed: Number(summary[4]),
    failedAssertions: Number(summary[8]),
    failures: [...output.matchAll(/Suite (\S+), Test (\S+) had failures/g)].map(
      (match) => `${match[1] ?? ''}.${match[2] ?? ''}`,
    ),
    complaints: [...output.matchAll(/^\s+\d+\. (\S+:\d+\s+- .*)$/gm)].map((match) => match[1] ?? ''),
    skipped: [...new Set(reasons.filter((reason) => !allowed.some((pattern) => pattern.test(reason))))],
    output,
  };
}
