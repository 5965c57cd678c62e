// The rooms of src/ and what each may know. ARCHITECTURE.md draws the same; build/arrows.js keeps it so.

/** A room that is not named here may know everything. */
export const rooms = {
  errors: [],
  block: ['errors'],
  xml: ['errors'],
  metadata: ['errors', 'xml'],
  signature: ['errors', 'xml', 'metadata'],
  trust: ['errors', 'xml', 'metadata', 'signature'],
  policy: ['errors', 'metadata'],
  db: ['errors'],
  mail: ['errors'],
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
