// Builds dist/ once before the suites run: those that start the real command need it.
// Each project of vitest.config.ts calls this, in one process.
import { execFileSync } from 'node:child_process';

const built = 'MINTMARK_TESTS_BUILT';

export default function setup(): void {
  if (process.env[built] === 'yes') return;
  process.env[built] = 'yes';
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' });
}
