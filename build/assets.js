// Puts what the compiler leaves behind beside the compiled code: schemas, style sheets, scripts that are JavaScript already,
// and the scripts of the pages, which are compiled for browsers.
import { execFileSync } from 'node:child_process';
import { cpSync, statSync } from 'node:fs';

const compiled = /\.tsx?$|tsconfig\.json$/;

for (const folder of ['schemas', 'src']) {
  cpSync(folder, `dist/${folder}`, {
    recursive: true,
    filter: (source) => statSync(source).isDirectory() || !compiled.test(source),
  });
}
execFileSync('node_modules/.bin/tsc', ['-p', 'src/pages/browser'], { stdio: 'inherit' });
