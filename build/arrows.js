// Checks the direction of imports, types included: each room knows only the rooms that are named for it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';
import { rooms } from './rooms.js';

const tops = ['src', 'cli', 'fixtures', 'test', 'bench'];
/** What the folders of the project may not know. */
const forbidden = {
  src: ['cli', 'fixtures', 'test', 'bench'],
  fixtures: ['cli', 'test', 'bench'],
  cli: ['test', 'bench'],
};

/** Specifiers of all imports, re-exports and dynamic imports of constant names. */
function importsOf(file) {
  const text = readFileSync(file, 'utf8');
  const { module, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
  const requests = [
    ...module.staticImports.map((one) => one.moduleRequest.value),
    ...module.staticExports.flatMap((one) => one.entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? [])),
    ...module.dynamicImports.map(({ moduleRequest: { start, end } }) => text.slice(start + 1, end - 1)),
  ];
  return requests.filter((request) => request.startsWith('.')).map((request) => resolve(dirname(file), request));
}

/** @type {string[]} */
const problems = [];
/** @type {string[]} */
const files = [];
for (const top of tops.filter((folder) => existsSync(folder))) {
  for (const name of readdirSync(top, { recursive: true })) {
    if (/\.tsx?$/.test(name)) files.push(join(top, name));
  }
}
for (const file of files) {
  const [top, room] = file.split('/');
  for (const target of importsOf(file)) {
    const path = relative('.', target);
    const [otherTop, otherRoom] = path.split('/');
    if (!existsSync(target)) problems.push(`${file}: there is no ${path}`);
    if (forbidden[top]?.includes(otherTop)) problems.push(`${file}: ${top}/ may not know ${path}`);
    if (top !== 'src' || otherTop !== 'src' || room === otherRoom || !Object.hasOwn(rooms, room)) continue;
    if (!rooms[room].includes(otherRoom)) problems.push(`${file}: the room ${room} may not know ${path}`);
  }
}
for (const problem of problems) console.error(problem);
console.log(`${files.length} files, ${problems.length} forbidden imports`);
process.exitCode = problems.length > 0 || files.length === 0 ? 1 : 0;
