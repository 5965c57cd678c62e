// Copies what the compiler leaves behind (schemas, style sheets, scripts that are JavaScript already) beside the compiled code.
import { cpSync, statSync } from 'node:fs';

const compiled = /\.tsx?$/;

for (const folder of ['schemas', 'src']) {
  cpSync(folder, `dist/${folder}`, {
    recursive: true,
    filter: (source) => statSync(source).isDirectory() || !compiled.test(source),
  });
}
