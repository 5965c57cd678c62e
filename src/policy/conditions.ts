// Free conditions of a policy, in CEL (the language of Kubernetes' admission rules), over what is known of an entry.
import { Environment } from '@marcbachmann/cel-js';
import { type EntryFacts } from './facts.ts';

/** A condition, parsed and type-checked. */
export type Condition = (facts: EntryFacts, now: Date) => boolean;

/** What an expression may be made of, at most. */
const limits = { maxAstNodes: 2000, maxDepth: 50, maxListElements: 500, maxMapEntries: 100, maxCallArguments: 16 };

const environment = new Environment({ limits })
  .registerVariable({
    name: 'image',
    schema: {
      identifier: 'string',
      bytes: 'int',
      type: 'string',
      kinds: 'list<string>',
      title: 'string',
      description: 'string',
      creator: 'string',
      publisher: 'string',
      format: 'string',
      compression: 'string',
      tag: 'string',
      version: 'string',
      os: 'string',
      os_version: 'string',
      os_arch: 'string',
      created: 'string',
      valid: 'string',
      deprecated: 'string',
      locations: 'list<string>',
      hypervisors: 'list<string>',
      inbound_ports: 'list<int>',
    },
  })
  .registerVariable({
    name: 'endorser',
    schema: { email: 'string', subject: 'string', issuer: 'string', fingerprint: 'string' },
  })
  .registerVariable({ name: 'signature', schema: { algorithm: 'string', key: 'string', weak: 'bool' } })
  .registerVariable('now', 'google.protobuf.Timestamp');

function contextOf({ metadata, signer, weak }: EntryFacts, now: Date) {
  return {
    image: {
      identifier: metadata.identifier,
      bytes: BigInt(metadata.bytes),
      type: metadata.type,
      kinds: metadata.kinds,
      title: metadata.title ?? '',
      description: metadata.description ?? '',
      creator: metadata.creator ?? '',
      publisher: metadata.publisher ?? '',
      format: metadata.format ?? '',
      compression: metadata.compression ?? '',
      tag: metadata.tag ?? '',
      version: metadata.version ?? '',
      os: metadata.os ?? '',
      os_version: metadata.osVersion ?? '',
      os_arch: metadata.osArch ?? '',
      created: metadata.endorsement.created,
      valid: metadata.valid ?? '',
      deprecated: metadata.deprecated ?? '',
      locations: metadata.locations,
      hypervisors: metadata.hypervisors,
      inbound_ports: metadata.inboundPorts.map(BigInt),
    },
    endorser: {
      email: metadata.endorsement.endorser.email,
      subject: signer.subject,
      issuer: signer.issuer,
      fingerprint: signer.fingerprint,
    },
    signature: { algorithm: signer.algorithm, key: signer.key, weak },
    now,
  };
}

/** Parses a condition. Throws an error that says what is wrong with it: syntax, an unknown name, a type. */
export function parseCondition(expression: string): Condition {
  const { valid, type, error } = environment.check(expression);
  if (!valid) throw error ?? new Error('cannot be read');
  if (type !== 'bool') throw new Error(`gives a ${type ?? 'value of unknown type'}, not true or false`);
  const evaluate = environment.parse(expression);
  return (facts, now) => evaluate(contextOf(facts, now)) === true;
}
