// Copies what the compiler leaves behind (schemas, style sheets, browser scripts) beside the compiled code.
import { cpSync } from 'node:fs';

for (const path of ['schemas', 'src/pages/static', 'src/pull/hash-worker.js'])
  cpSync(path, `dist/${path}`, { recursive: true });
