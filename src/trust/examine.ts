// The whole check of one signed document, step by step, in the order of design/metadata.md §4.
import { checkContent } from '../metadata/check.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { ruleOf } from '../metadata/rules.ts';
import { loadMetadataSchema } from '../metadata/schema.ts';
import { methodTitle } from '../signature/algorithms.ts';
import { cachedCertificates, type ReadCertificate } from '../signature/certificate.ts';
import { passGate, toFailures, type SignatureFacts } from '../signature/gate.ts';
import { checkSignature } from '../signature/verify.ts';
import { readStrict, type StrictDocument } from '../xml/document.ts';
import { type Failure } from '../xml/failure.ts';
import { documentLimits, type XmlLimits } from '../xml/limits.ts';
import { elementsOf, type XmlElement } from '../xml/tree.ts';
import { type Schema } from '../xml/schema.ts';
import { type ChainRules } from './chain.ts';
import { checkEndorser } from './endorser.ts';
import { type TrustFinding } from './codes.ts';
import { type DocumentReport, type SignerDescription } from './report.ts';
import { defaultSkewSeconds, levelPresets, type CheckLevels, type TrustSettings } from './settings.ts';
import { checkCertificateTime, checkCertificateUsage, checkRevocation, judgeCertificate } from './signer.ts';
import { StepList } from './steps.ts';

/** What many checks share: the compiled schema and the certificates that were read before. */
export interface ExamineTools {
  readonly schema: Schema;
  readonly readCertificate: ReadCertificate;
  readonly limits: XmlLimits;
}

export function examineTools(): ExamineTools {
  return { schema: loadMetadataSchema(), readCertificate: cachedCertificates(256), limits: documentLimits };
}

const structureCodes: ReadonlySet<string> = new Set([
  'canonicalization-algorithm',
  'signature-algorithm',
  'digest-algorithm',
  'legacy-algorithm',
  'transforms',
  'key-mismatch',
  'weak-key',
]);

/** Checks a document against the settings. `ignored` failure codes are for tests that show which check stops an attack. */
export function examine(
  bytes: Uint8Array,
  settings: TrustSettings,
  tools: ExamineTools,
  ignored: ReadonlySet<string> = new Set(),
): DocumentReport {
  const list = new StepList(ignored);
  const read = readStrict(bytes, tools.limits);
  list.record('well-formed', wellFormed, read.failures);
  if (!read.document) return refusal(list);
  try {
    return examineDocument(read.document, settings, tools, list);
  } finally {
    read.document[Symbol.dispose]();
  }
}

/** The report on a document that is too large to be looked at; undefined where it is not. Costs nothing. */
export function refuseLarge(bytes: Uint8Array, limits: XmlLimits): DocumentReport | undefined {
  if (bytes.byteLength <= limits.bytes) return undefined;
  const list = new StepList(new Set());
  list.record('well-formed', wellFormed, readStrict(bytes, limits).failures);
  return refusal(list);
}

const wellFormed = 'the document is well-formed XML within the limits';

function refusal(list: StepList): DocumentReport {
  return { valid: false, steps: list.steps, failures: list.failures, warnings: list.warnings };
}

function examineDocument(
  document: StrictDocument,
  settings: TrustSettings,
  tools: ExamineTools,
  list: StepList,
): DocumentReport {
  const gate = passGate(document.root, settings.allowLegacy === true, tools.readCertificate);
  const gateFailures = toFailures(gate.findings, document.lineOf);
  const { facts } = gate;
  const legacy = facts?.profile.name === 'legacy';
  list.record(
    'signature-structure',
    'there is one signature, it is the last element, and it covers the whole document',
    gateFailures.filter((failure) => !structureCodes.has(failure.code)),
  );
  const refusedAlgorithms = gateFailures.filter((failure) => structureCodes.has(failure.code));
  const algorithm = facts ? methodTitle(facts.method, facts.certificate.key) : 'the signature algorithm';
  const accepted = legacy ? `${algorithm} is accepted for old documents only` : `${algorithm} is accepted`;
  // Without a signature that can be read nobody has looked at its algorithm.
  if (facts === undefined && refusedAlgorithms.length === 0) list.skip('signature-algorithm', accepted);
  else list.record('signature-algorithm', accepted, refusedAlgorithms, 'enforce', legacy);
  if (!facts) {
    list.skip('document-unchanged', 'the document is as it was signed');
    list.skip('signature-value', "the signature was made with the certificate's key");
    recordContent(document, undefined, settings, tools, list);
    return refusal(list);
  }

  const signed = checkSignature(document, facts);
  const signedFailures = toFailures(signed.findings, document.lineOf);
  const unchanged = list.record(
    'document-unchanged',
    'the document is as it was signed',
    signedFailures.filter((failure) => failure.code !== 'signature-mismatch'),
  );
  const proven = list.record(
    'signature-value',
    `the signature was made with the key of ${facts.certificate.subjectText}`,
    signedFailures.filter((failure) => failure.code === 'signature-mismatch'),
  );
  const metadata = recordContent(document, unchanged && proven ? signed.root : undefined, settings, tools, list);
  if (!metadata) return refusal(list);
  const chain = checkSigner(facts, metadata, settings, linesOf(document, facts), list);
  if (list.failures.length > 0) return refusal(list);
  return {
    valid: true,
    steps: list.steps,
    failures: [],
    warnings: list.warnings,
    metadata,
    signer: describe(facts, chain),
    weak: legacy,
  };
}

/**
 * Rules of the content. It is read from what was signed alone; where there is nothing, the document is looked at only to
 * say what else is wrong with it, and no model comes of it.
 */
function recordContent(
  document: StrictDocument,
  signed: XmlElement | undefined,
  settings: TrustSettings,
  tools: ExamineTools,
  list: StepList,
): ImageMetadata | undefined {
  const clock = { now: settings.now?.() ?? new Date(), skewSeconds: settings.skewSeconds ?? defaultSkewSeconds };
  const { metadata, failures } = checkContent(document, signed ?? document.root, tools.schema, clock);
  const group = (name: string): Failure[] => failures.filter((failure) => ruleOf(failure.code)?.group === name);
  list.record('schema', 'every element is in its place and every value in its form', group('schema'));
  list.record('rdf', 'RDF is used plainly: literals and nested resources', group('rdf'));
  list.record('consistency', 'identifier, checksums and dates fit each other', group('consistency'));
  return signed && metadata;
}

/** Where to look for what is wrong with the signer; found only when something is. */
interface SignerLines {
  readonly 'slreq:endorser': () => number;
  readonly 'ds:X509Certificate': () => number;
}

function linesOf(document: StrictDocument, facts: SignatureFacts): SignerLines {
  const lineOfFirst = (name: string): number => {
    for (const element of elementsOf(document.root)) if (element.term === name) return document.lineOf(element);
    return document.lineOf(facts.signature);
  };
  return {
    'slreq:endorser': () => lineOfFirst('slreq:endorser'),
    'ds:X509Certificate': () => lineOfFirst('ds:X509Certificate'),
  };
}

function checkSigner(
  facts: SignatureFacts,
  metadata: ImageMetadata,
  settings: TrustSettings,
  lines: SignerLines,
  list: StepList,
): ChainVerdictChain {
  const levels: CheckLevels = { ...levelPresets[settings.level ?? 'permissive'], ...settings.levels };
  const legacy = facts.profile.name === 'legacy';
  const now = settings.now?.() ?? new Date();
  const { created } = metadata.endorsement;
  const rules: ChainRules = {
    time: new Date(created),
    skewSeconds: settings.skewSeconds ?? defaultSkewSeconds,
    legacy,
  };
  const at = (element: keyof SignerLines, found: readonly TrustFinding[]): Failure[] =>
    found.map(({ code, message }) => ({ code, element, line: lines[element](), message }));
  const { certificate, others } = facts;

  list.record(
    'endorser',
    `the endorser ${metadata.endorsement.endorser.email} is the holder of the certificate`,
    at('slreq:endorser', checkEndorser(metadata.endorsement.endorser, certificate, others)),
    levels.endorser,
  );
  const verdict = judgeCertificate(certificate, others, settings, rules);
  // Where the settings do not ask who signed, the certificate's dates are told, and refuse nothing.
  const lenient = verdict.skipped && levels['certificate-time'] === 'enforce';
  list.record(
    'certificate-time',
    'the certificate was valid when the image was endorsed',
    at('ds:X509Certificate', checkCertificateTime(certificate, rules)),
    lenient ? 'log' : levels['certificate-time'],
  );
  list.record(
    'certificate-usage',
    'the certificate may be used for signatures',
    at('ds:X509Certificate', checkCertificateUsage(certificate)),
    levels['certificate-usage'],
  );
  const chainFailures = at('ds:X509Certificate', verdict.findings);
  if (verdict.skipped && chainFailures.length === 0) list.skip('chain', verdict.title);
  else list.record('chain', verdict.title, chainFailures, levels.chain);
  if (verdict.chain.length < 2 || verdict.skipped) {
    list.skip('revocation', 'no certificate was revoked');
  } else {
    const { revoked, missing } = checkRevocation(verdict.chain, settings, { now, time: rules.time });
    list.record('revocation', 'no certificate was revoked', at('ds:X509Certificate', revoked), levels.revocation);
    list.record(
      'revocation-list',
      'every authority has a current revocation list',
      at('ds:X509Certificate', missing),
      levels['revocation-list'],
    );
  }
  return verdict.chain;
}

type ChainVerdictChain = ReturnType<typeof judgeCertificate>['chain'];

function describe(facts: SignatureFacts, chain: ChainVerdictChain): SignerDescription {
  const { certificate } = facts;
  const [email] = certificate.emails;
  return {
    subject: certificate.subjectText,
    issuer: certificate.issuerText,
    ...(email === undefined ? {} : { email }),
    fingerprint: certificate.fingerprint,
    serialNumber: certificate.serial,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    algorithm: methodTitle(facts.method, certificate.key),
    key: certificate.key.title,
    chain: chain.map((item) => item.pem),
  };
}
