// The XSD files under schemas/, as the last of the schema rules: what they find and no other rule has named yet.
import { readFileSync } from 'node:fs';
import { type StrictDocument } from '../xml/document.ts';
import { type Failure } from '../xml/failure.ts';
import { termOf } from '../xml/namespaces.ts';
import { compileSchema, type Schema } from '../xml/schema.ts';

const files = ['image-metadata.xsd', 'xml.xsd', 'dcterms.xsd', 'slreq.xsd', 'slterms.xsd'] as const;

/** Reads and compiles the schemas; costs some milliseconds, so it is done once for many documents. */
export function loadMetadataSchema(): Schema {
  const folder = new URL('../../schemas/', import.meta.url);
  return compileSchema(new Map(files.map((name) => [name, readFileSync(new URL(name, folder))])), files[0]);
}

/** What the schema finds, but for elements that `known` failures name already. */
export function schemaFailures(schema: Schema, document: StrictDocument, known: readonly Failure[]): Failure[] {
  const named = new Set(known.map((failure) => `${failure.element ?? ''} ${failure.line ?? 0}`));
  const elements = new Set(known.map((failure) => failure.element));
  return schema
    .validate(document)
    .map((problem) => ({
      code: 'schema',
      element: problem.name === '' ? 'rdf:RDF' : termOf(problem.namespace, problem.name),
      line: Math.max(1, problem.line),
      message: problem.message,
    }))
    .filter((failure) => !named.has(`${failure.element} ${failure.line}`) && !elements.has(failure.element));
}
