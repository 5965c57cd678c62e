// Copies what the compiler leaves behind (schemas, style sheets, browser scripts) beside the compiled code.
import { cpSync } from 'node:fs';

for (const folder of ['schemas', 'src/pages/static']) cpSync(folder, `dist/${folder}`, { recursive: true });
