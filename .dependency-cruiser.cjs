// The direction of imports: each room may know only the rooms that are named for it. ARCHITECTURE.md draws the same.
const rooms = {
  errors: [],
  block: ['errors'],
  xml: ['errors'],
  metadata: ['errors', 'xml'],
  signature: ['errors', 'xml', 'metadata'],
  trust: ['errors', 'xml', 'metadata', 'signature'],
  policy: ['errors', 'metadata'],
  db: ['errors'],
  registry: ['errors', 'metadata', 'xml', 'signature', 'trust', 'policy', 'db'],
  iscsi: ['errors', 'block'],
  vault: ['errors', 'block'],
  jobs: ['errors', 'db'],
  pull: ['errors', 'metadata', 'vault', 'jobs'],
  volumes: ['errors', 'block', 'vault', 'jobs'],
  config: ['errors'],
  delivery: ['errors', 'config', 'metadata', 'policy', 'registry', 'block', 'iscsi', 'volumes'],
  pages: ['errors', 'metadata', 'policy'],
};
const everyRoom = Object.keys(rooms);

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'product-does-not-know-tests',
      severity: 'error',
      from: { path: '^(src|cli|fixtures)/' },
      to: { path: '^(test|bench)/' },
    },
    { name: 'src-does-not-know-cli', severity: 'error', from: { path: '^src/' }, to: { path: '^(cli|fixtures)/' } },
    ...everyRoom.map((room) => ({
      name: `${room}-knows-only-what-lies-below`,
      severity: 'error',
      from: { path: `^src/${room}/` },
      to: { path: '^src/', pathNot: `^src/(${[room, ...rooms[room]].join('|')})/` },
    })),
  ],
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
  },
};
