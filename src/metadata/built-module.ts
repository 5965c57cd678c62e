// Where a worker thread's compiled module is, also when this code runs from its sources (as under the test runner).

/** The compiled file of a module that stands beside `from`, such as './hash-worker.js' beside import.meta.url. */
export function builtModule(name: string, from: string): URL {
  const file = new URL(name, from);
  if (!from.endsWith('.ts')) return file;
  const root = new URL('../../', import.meta.url);
  return new URL(`dist/${file.href.slice(root.href.length)}`, root);
}
