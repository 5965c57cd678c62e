// Puts what the compiler leaves behind beside the compiled code: schemas, style sheets, and the scripts of the pages, which
// are compiled for browsers.
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';

for (const path of ['schemas', 'src/pages/static', 'src/pull/hash-worker.js'])
  cpSync(path, `dist/${path}`, { recursive: true });

execFileSync('node_modules/.bin/tsc', ['-p', 'src/pages/browser'], { stdio: 'inherit' });
