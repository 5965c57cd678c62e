// Runs the benchmarks one after the other, each in a process of its own: all of them, or those that are named.
// Run: npm run bench [-- NAME ... --OPTION=VALUE ...]; options go to every benchmark that runs.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const all = readdirSync(folder)
  .filter((file) => file.endsWith('.js') && file !== 'run.js')
  .map((file) => file.slice(0, -'.js'.length));
const given = process.argv.slice(2);
const options = given.filter((argument) => argument.startsWith('--'));
const asked = given.filter((argument) => !argument.startsWith('--'));
const unknown = asked.find((name) => !all.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`there is no benchmark "${unknown}"; there are ${all.join(', ')}\n`);
  process.exit(2);
}
let failed = 0;
for (const name of asked.length === 0 ? all : asked) {
  process.stdout.write(`\n== ${name}\n`);
  const program = [`${folder}${name}.js`, ...options];
  const { status } = spawnSync(process.execPath, ['--expose-gc', ...program], { stdio: 'inherit' });
  if (status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
