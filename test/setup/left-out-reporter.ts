// Says at the end of a run which suites were left out for want of a program, and the one command that installs them.
import type { Reporter, TestModule, TestSuite } from 'vitest/node';
import { leftOutMark } from './tools.ts';

function* suitesOf(children: Iterable<{ type: string }>): Generator<TestSuite> {
  for (const child of children) {
    if (child.type !== 'suite') continue;
    const suite = child as TestSuite;
    yield suite;
    yield* suitesOf(suite.children);
  }
}

export default class LeftOutReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const names = modules.flatMap((module) =>
      [...suitesOf(module.children)].map((suite) => suite.name).filter((name) => name.includes(leftOutMark)),
    );
    if (names.length === 0) return;
    process.stdout.write(`\nLeft out, because a program is missing here:\n`);
    for (const name of names) process.stdout.write(`  - ${name}\n`);
    process.stdout.write('To install them all on Debian or Ubuntu: npm run test:tools\n\n');
  }
}
