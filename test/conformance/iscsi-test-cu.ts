// Runs libiscsi's conformance suites and reads what they report.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { findTool } from '../setup/tools.ts';

export interface ConformanceResult {
  readonly run: number;
  readonly failed: number;
  /** Names of the tests that failed. */
  readonly failures: readonly string[];
  /** Reasons of what was left out, without those that this kind of disk cannot have; each once. */
  readonly skipped: readonly string[];
  /** All that was printed. */
  readonly output: string;
}

/**
 * What a disk of this kind cannot have: a medium that can be taken out, and encryption whose key could be thrown away.
 * "LBPPB < 2" speaks of physical blocks of one sector: those tests run against the other kind of disk.
 */
const impossible = [/not removable/, /CRYPTO_ERASE is not implemented/];

/** @param test FAMILY.SUITE.TEST, or a part of it from the left. @param urls one, or two for the multipath suites. */
export async function runConformance(
  test: string,
  urls: readonly string[],
  alsoImpossible: readonly RegExp[] = [],
): Promise<ConformanceResult> {
  const argv = ['--dataloss', '--allow-sanitize', '--normal', '--test', test, ...urls];
  const child = spawn(findTool('iscsi-test-cu') ?? 'iscsi-test-cu', argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const take = (chunk: unknown): void => {
    output += String(chunk);
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  await once(child, 'close');
  const summary = /tests\s+(\d+)\s+(\d+)\s+(\d+)\s+(\d+)/.exec(output);
  if (summary === null) throw new Error(`iscsi-test-cu came to no end:\n${output}`);
  const reasons = [...output.matchAll(/\[SKIPPED\] ?(.*)/g)].map((match) => match[1] ?? '');
  const allowed = [...impossible, ...alsoImpossible];
  return {
    run: Number(summary[2]),
    failed: Number(summary[4]),
    failures: [...output.matchAll(/Suite (\S+), Test (\S+) had failures/g)].map(
      (match) => `${match[1] ?? ''}.${match[2] ?? ''}`,
    ),
    skipped: [...new Set(reasons.filter((reason) => !allowed.some((pattern) => pattern.test(reason))))],
    output,
  };
}
