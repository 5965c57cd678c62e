// The list of steps that a report prints: one line for each check, and what failed under it.
import { type Failure } from '../xml/failure.ts';
import { type CheckLevel } from './settings.ts';
import { type Step } from './report.ts';

/** Collects steps in order. Codes in `ignored` are taken out of what is found: only tests of the checks do that. */
export class StepList {
  readonly steps: Step[] = [];
  readonly failures: Failure[] = [];
  readonly warnings: Failure[] = [];
  readonly #ignored: ReadonlySet<string>;

  constructor(ignored: ReadonlySet<string>) {
    this.#ignored = ignored;
  }

  /** Records one check; true where it leaves the document valid. */
  record(code: string, title: string, found: readonly Failure[], level: CheckLevel = 'enforce', weak = false): boolean {
    if (level === 'skip') {
      this.steps.push({ code, title, outcome: 'skipped' });
      return true;
    }
    const left = found.filter((failure) => !this.#ignored.has(failure.code));
    const wrong = level === 'log' ? 'warned' : 'failed';
    const right = weak ? 'weak' : 'passed';
    this.steps.push({ code, title, outcome: left.length > 0 ? wrong : right });
    (level === 'log' ? this.warnings : this.failures).push(...left);
    return left.length === 0 || level === 'log';
  }

  skip(code: string, title: string): void {
    this.steps.push({ code, title, outcome: 'skipped' });
  }
}
