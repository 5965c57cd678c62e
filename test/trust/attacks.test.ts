// The attacks of design/metadata.md §3 and §4, each a named change of a valid document; and each check switched off once.
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { beforeAll, describe, expect, test } from 'vitest';
import { readCertificate } from '../../src/signature/certificate.ts';
import { generateCertificate, generateKey, type NewCertificate } from '../../src/signature/generate.ts';
import {
  basicConstraintsExtension,
  emailExtension,
  issueCertificate,
  keyUsageExtension,
} from '../../src/signature/issue.ts';
import { assembleSigner } from '../../src/signature/keys.ts';
import { signDocument } from '../../src/signature/sign.ts';
import { examine, examineTools } from '../../src/trust/examine.ts';
import { type TrustSettings } from '../../src/trust/settings.ts';
import { documentLimits, type XmlLimits } from '../../src/xml/limits.ts';
import { reseal } from './reseal.ts';
import { at, endorser, now, signedSample } from './sample.ts';

interface Attack {
  readonly name: string;
  /** The document to send, from a valid one. */
  readonly change: (valid: string, tools: Tools) => string | Promise<string>;
  /** The codes of the checks that stop it. */
  readonly stoppedBy: readonly string[];
  /** What else is found where those are switched off; nothing where it is left out. */
  readonly behind?: readonly string[];
  readonly settings?: (tools: Tools) => TrustSettings;
  /** Limits under which the checks of the first pass are off. */
  readonly off?: Partial<XmlLimits>;
}

interface Tools {
  readonly victim: NewCertificate;
  readonly attacker: NewCertificate;
  readonly weakKey: KeyObject;
}

const base64 = (made: NewCertificate): string => made.signer.certificate.x509.raw.toString('base64');
const endorserSigned = (text: string, { victim }: Tools): string => reseal(text, { key: victim.privateKey });
const inDescription = (text: string, element: string): string =>
  text.replace('</rdf:Description>', `${element}</rdf:Description>`);
const exclusive = 'http://www.w3.org/2001/10/xml-exc-c14n#';
const secondTransform = `<Transform Algorithm="${exclusive}"></Transform>`;
const inclusiveSeal = { form: { exclusive: false, comments: false } } as const;

/** Signs as the endorser with other certificates in X509Data, the endorsement filled for the first. */
function withCertificate(valid: string, key: KeyObject, x509: ReturnType<typeof issueCertificate>): string {
  return signDocument(valid, assembleSigner(key, [readCertificate(x509.raw)]), {
    created: now,
    email: 'jane@example.org',
  });
}

function certificateOf(
  key: KeyObject,
  changes: Partial<Parameters<typeof issueCertificate>[0]>,
): ReturnType<typeof issueCertificate> {
  return issueCertificate({
    subject: [['CN', 'Jane']],
    key,
    notBefore: at('2026-01-01T00:00:00Z'),
    notAfter: at('2027-01-01T00:00:00Z'),
    extensions: [
      basicConstraintsExtension(false),
      keyUsageExtension(['digitalSignature']),
      emailExtension('jane@example.org'),
    ],
    ...changes,
  });
}

const attacks: readonly Attack[] = [
  {
    name: 'identity from the first certificate, key from the last',
    change: (valid, { victim, attacker }) =>
      reseal(
        valid
          .replace('3000000000', '1')
          .replace(
            /(<X509Certificate>[^<]*<\/X509Certificate>)/,
            `<X509Certificate>${base64(victim)}</X509Certificate><X509Certificate>${base64(attacker)}</X509Certificate>`,
          ),
        { key: attacker.privateKey },
      ),
    stoppedBy: ['signature-mismatch'],
    behind: ['certificate-stray'],
  },
  {
    name: 'key from a bare KeyValue',
    change: (valid, { attacker }) =>
      reseal(valid.replace('3000000000', '1').replace('<KeyInfo>', '<KeyInfo><KeyValue></KeyValue>'), {
        key: attacker.privateKey,
      }),
    stoppedBy: ['key-info', 'signature-mismatch'],
  },
  {
    name: 'a signature over an inner Object, the document changed',
    change: (valid, tools) =>
      endorserSigned(valid, tools)
        .replace('3000000000', '1')
        .replace('<Reference URI="">', '<Reference URI="#payload">')
        .replace('</Signature>', '<Object Id="payload">anything</Object></Signature>'),
    stoppedBy: ['signature-content', 'reference-uri', 'digest-mismatch', 'signature-mismatch'],
  },
  {
    name: 'an unsigned payload in the signature',
    change: (valid) => valid.replace('</Signature>', '<Object>unsigned</Object></Signature>'),
    stoppedBy: ['signature-content'],
  },
  {
    name: 'a reference to one element only',
    change: (valid, tools) => endorserSigned(valid.replace('<Reference URI="">', '<Reference URI="#part">'), tools),
    stoppedBy: ['reference-uri'],
  },
  {
    name: 'a second Description, signed by the endorser',
    change: (valid, tools) =>
      endorserSigned(valid.replace(/(<rdf:Description[\s\S]*<\/rdf:Description>)/, '$1$1'), tools),
    stoppedBy: ['repeated-element'],
  },
  {
    name: 'a second Description ahead, unsigned',
    change: (valid) =>
      valid.replace(
        /(<rdf:Description[\s\S]*<\/rdf:Description>)/,
        (whole) => `${whole.replace('3000000000', '1')}${whole}`,
      ),
    stoppedBy: ['digest-mismatch', 'repeated-element'],
  },
  {
    name: 'a decoy e-mail ahead of the real one',
    change: (valid, tools) =>
      endorserSigned(valid.replace('<slreq:email>', '<slreq:email>root@example.org</slreq:email><slreq:email>'), tools),
    stoppedBy: ['repeated-element'],
  },
  {
    name: 'the real endorsement nested in a foreign element',
    change: (valid, tools) =>
      endorserSigned(
        valid.replace(
          /(<slreq:endorsement[\s\S]*<\/slreq:endorsement>)/,
          (whole) =>
            `${whole.replace('jane.tester@', 'root@')}<x:old xmlns:x="urn:x" rdf:parseType="Resource">${whole}</x:old>`,
        ),
        tools,
      ),
    stoppedBy: ['endorser-email'],
  },
  {
    name: 'an element renamed into another namespace',
    change: (valid, tools) => endorserSigned(valid.replaceAll('slreq:bytes', 'dcterms:bytes'), tools),
    stoppedBy: ['missing-element', 'unknown-element', 'misplaced-element'],
  },
  {
    name: 'the signature moved into the description',
    change: (valid, tools) => {
      const [signature = ''] = /<Signature[\s\S]*<\/Signature>/.exec(valid) ?? [];
      return endorserSigned(inDescription(valid.replace(signature, ''), signature), tools);
    },
    stoppedBy: [
      'signature-misplaced',
      'canonical-mismatch',
      'digest-mismatch',
      'rdf-attribute',
      'rdf-parse-type',
      'schema',
      'unknown-element',
    ],
    behind: ['missing-element'],
  },
  {
    name: 'the signed document wrapped in another',
    change: (valid) => valid.replace(/<rdf:RDF[\s\S]*<\/rdf:RDF>/, '<wrap>$&</wrap>'),
    stoppedBy: ['signature-misplaced', 'canonical-mismatch', 'digest-mismatch', 'root-element'],
  },
  {
    name: 'two signatures',
    change: (valid) => valid.replace(/<Signature[\s\S]*<\/Signature>/, '$&$&'),
    stoppedBy: ['signature-repeated', 'digest-mismatch', 'repeated-element'],
  },
  {
    name: 'text after the signature',
    change: (valid, tools) => endorserSigned(valid.replace('</Signature>', '</Signature>more'), tools),
    stoppedBy: ['signature-misplaced', 'stray-text'],
  },
  {
    name: 'an element after the signature',
    change: (valid, tools) => endorserSigned(valid.replace('</Signature>', '</Signature><x></x>'), tools),
    stoppedBy: ['signature-misplaced', 'canonical-mismatch', 'digest-mismatch', 'unknown-element'],
  },
  {
    name: 'a comment that splits a value',
    change: (valid) => valid.replace('<slreq:email>jane', '<slreq:email>jane<!-- x -->'),
    stoppedBy: ['comment-in-value'],
  },
  {
    name: 'a processing instruction that splits a value',
    change: (valid) => valid.replace('<slreq:email>jane', '<slreq:email>jane<?x y?>'),
    stoppedBy: ['processing-instruction'],
    off: { instructions: true },
    behind: ['not-well-formed'],
  },
  {
    name: 'a comment in the digest',
    change: (valid, tools) => endorserSigned(valid, tools).replace('</DigestValue>', '<!-- x --></DigestValue>'),
    stoppedBy: ['signature-text', 'comment-in-value'],
  },
  ...[
    'http://www.w3.org/TR/1999/REC-xslt-19991116',
    'http://www.w3.org/TR/1999/REC-xpath-19991116',
    'http://www.w3.org/2000/09/xmldsig#base64',
    'urn:unknown',
  ].map((uri): Attack => ({
    name: `the transform ${uri}`,
    change: (valid, { victim }) =>
      reseal(
        valid
          .replace(secondTransform, `<Transform Algorithm="${uri}"></Transform>`)
          .replace(
            `<CanonicalizationMethod Algorithm="${exclusive}">`,
            '<CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315">',
          ),
        { key: victim.privateKey, ...inclusiveSeal },
      ),
    stoppedBy: ['transforms'],
  })),
  {
    name: 'a third transform',
    change: (valid, tools) => endorserSigned(valid.replace(secondTransform, secondTransform + secondTransform), tools),
    stoppedBy: ['transforms'],
  },
  {
    name: 'parameters in a transform',
    change: (valid, tools) =>
      endorserSigned(
        valid.replace(
          secondTransform,
          secondTransform.replace('></', '><InclusiveNamespaces></InclusiveNamespaces></'),
        ),
        tools,
      ),
    stoppedBy: ['transforms'],
  },
  {
    name: 'no enveloped transform',
    change: (valid, tools) =>
      endorserSigned(
        valid.replace('<Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"></Transform>', ''),
        tools,
      ),
    stoppedBy: ['transforms', 'digest-mismatch'],
  },
  {
    name: 'several references',
    change: (valid, tools) => endorserSigned(valid.replace(/<Reference[\s\S]*<\/Reference>/, '$&$&'), tools),
    stoppedBy: ['reference-count'],
  },
  {
    name: 'HMAC with the public key',
    change: (valid, tools) =>
      endorserSigned(valid.replace(/xmldsig-more#ecdsa-sha256/, 'xmldsig-more#hmac-sha256'), tools),
    stoppedBy: ['signature-algorithm'],
  },
  {
    name: 'SHA-1 as digest of a new signature',
    change: (valid, { victim }) => {
      const weak = valid.replace('http://www.w3.org/2001/04/xmlenc#sha256', 'http://www.w3.org/2000/09/xmldsig#sha1');
      return reseal(weak, { key: victim.privateKey });
    },
    stoppedBy: ['digest-algorithm', 'digest-value', 'digest-mismatch'],
  },
  {
    name: 'an unknown canonicalization',
    change: (valid, tools) =>
      endorserSigned(
        valid.replace(
          `<CanonicalizationMethod Algorithm="${exclusive}"`,
          '<CanonicalizationMethod Algorithm="urn:none"',
        ),
        tools,
      ),
    stoppedBy: ['canonicalization-algorithm'],
  },
  {
    name: 'an empty signature value',
    change: (valid) => valid.replace(/<SignatureValue>[^<]*/, '<SignatureValue>'),
    stoppedBy: ['signature-value'],
  },
  {
    name: 'a signature value of zeros',
    change: (valid) => valid.replace(/<SignatureValue>[^<]*/, `<SignatureValue>${Buffer.alloc(64).toString('base64')}`),
    stoppedBy: ['signature-mismatch'],
  },
  {
    name: 'an EC key under an RSA algorithm',
    change: (valid, tools) => endorserSigned(valid.replace('#ecdsa-sha256', '#rsa-sha256'), tools),
    stoppedBy: ['key-mismatch', 'signature-mismatch'],
  },
  {
    name: 'an RSA key of 1024 bits',
    change: async (valid, { weakKey }) => {
      const strong = (await endorser('rsa-2048')).privateKey;
      const signed = withCertificate(valid, strong, certificateOf(strong, {}));
      const weak = certificateOf(weakKey, {}).raw.toString('base64');
      return reseal(signed.replace(/<X509Certificate>[^<]*/, `<X509Certificate>${weak}`), { key: weakKey });
    },
    stoppedBy: ['weak-key'],
    settings: () => ({ acceptSelfSigned: true }),
  },
  {
    name: 'no certificate',
    change: (valid) => valid.replace(/<X509Certificate>[^<]*<\/X509Certificate>/, ''),
    stoppedBy: ['key-info'],
  },
  {
    name: 'a certificate that is none',
    change: (valid) => valid.replace(/<X509Certificate>[^<]*/, '<X509Certificate>AAAA'),
    stoppedBy: ['certificate-format'],
  },
  {
    name: 'a stray certificate beside the right one',
    change: (valid, { attacker }) =>
      valid.replace('</X509Data>', `<X509Certificate>${base64(attacker)}</X509Certificate></X509Data>`),
    stoppedBy: ['certificate-stray'],
  },
  {
    name: "the victim's name in an attacker's certificate",
    change: (valid, { attacker }) => signDocument(valid, attacker.signer, { created: now }),
    stoppedBy: ['certificate-self-signed'],
  },
  {
    name: "the victim's endorsement under an attacker's certificate",
    change: (valid, { attacker }) =>
      reseal(valid.replace(/<X509Certificate>[^<]*/, `<X509Certificate>${base64(attacker)}`), {
        key: attacker.privateKey,
      }),
    stoppedBy: ['endorser-email', 'endorser-subject', 'endorser-issuer'],
    settings: () => ({ acceptSelfSigned: true }),
  },
  {
    name: 'an expired certificate',
    change: (valid, { victim: { privateKey: key } }) =>
      withCertificate(valid, key, certificateOf(key, { notAfter: at('2026-02-01T00:00:00Z') })),
    stoppedBy: ['certificate-expired'],
    settings: () => ({ acceptSelfSigned: true }),
  },
  {
    name: 'a certificate that is not valid yet',
    change: (valid, { victim: { privateKey: key } }) =>
      withCertificate(valid, key, certificateOf(key, { notBefore: at('2026-04-01T00:00:00Z') })),
    stoppedBy: ['certificate-not-yet-valid'],
    settings: () => ({ acceptSelfSigned: true }),
  },
  {
    name: 'a certificate for other uses',
    change: (valid, { victim: { privateKey: key } }) =>
      withCertificate(valid, key, certificateOf(key, { extensions: [keyUsageExtension(['keyCertSign'])] })),
    stoppedBy: ['certificate-usage'],
    settings: () => ({ acceptSelfSigned: true }),
  },
  {
    name: 'an e-mail address that is a path',
    change: (valid, { victim: { privateKey: key } }) => {
      const signed = withCertificate(valid, key, certificateOf(key, {}));
      const x509 = certificateOf(key, {
        extensions: [keyUsageExtension(['digitalSignature']), emailExtension('../../x')],
      });
      return reseal(
        signed
          .replace('<slreq:email>jane@example.org', '<slreq:email>../../x')
          .replace(/<X509Certificate>[^<]*/, `<X509Certificate>${x509.raw.toString('base64')}`),
        { key },
      );
    },
    stoppedBy: ['email-format'],
    settings: () => ({ acceptSelfSigned: true }),
  },
  ...(
    [
      ['created in the far future', '2026-03-01T12:00:00Z', '2126-03-01T12:00:00Z', 'created-in-future'],
      ['a day that no calendar has', '2026-03-01T12:00:00Z', '2026-02-30T12:00:00Z', 'date-format'],
      ['a SHA-1 of 41 digits', 'a9993e364706816aba3e', '0a9993e364706816aba3e', 'checksum-length'],
      [
        'a javascript: location',
        'https://example.org/flora',
        'javascript://example.org/%0aalert(1)',
        'location-scheme',
      ],
      [
        'a location with a line break',
        'https://example.org/flora',
        'https://example.org/&#10;flora',
        'location-scheme',
      ],
      ['a property attribute', '<dcterms:title>', '<dcterms:title dcterms:creator="x">', 'rdf-attribute'],
      [
        'a resource where a literal is expected',
        '<dcterms:title>',
        '<dcterms:title rdf:resource="urn:x">',
        'rdf-attribute',
      ],
      [
        'an identifier of another image',
        /(?<=about="#|dcterms:identifier>)[A-P][\w-]{26}/g,
        'MMZu9WvwKIro-rtBQfDk4PsKO7_',
        'identifier-mismatch',
      ],
    ] as const
  ).map(([name, from, to, code]): Attack => ({
    name,
    change: (valid, tools) => endorserSigned(valid.replaceAll(from, to), tools),
    stoppedBy: [code],
  })),
  {
    name: 'a DOCTYPE with an external entity',
    change: (valid) =>
      valid
        .replace('<rdf:RDF', '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><rdf:RDF')
        .replace('Flora', '&e;'),
    stoppedBy: ['doctype'],
    off: { doctype: true },
    behind: ['not-well-formed'],
  },
  {
    name: 'a billion laughs',
    change: (valid) => {
      const levels = Array.from({ length: 10 }, (_, level) => `<!ENTITY l${level + 1} "${`&l${level};`.repeat(10)}">`);
      return valid
        .replace('<rdf:RDF', `<!DOCTYPE x [<!ENTITY l0 "ha">${levels.join('')}]><rdf:RDF`)
        .replace('Flora', '&l10;');
    },
    stoppedBy: ['doctype'],
    off: { doctype: true },
    behind: ['not-well-formed'],
  },
  {
    name: 'a depth of 10,000',
    change: (valid) => inDescription(valid, `${'<x xmlns="urn:x">'.repeat(10_000)}${'</x>'.repeat(10_000)}`),
    stoppedBy: ['too-deep'],
    off: { depth: 20_000, elements: 20_000, declarations: 20_000 },
    behind: ['not-well-formed'],
  },
  {
    name: '10,000 references',
    change: (valid) => valid.replace(/<Reference[\s\S]*<\/Reference>/, (whole) => whole.repeat(2_000)),
    stoppedBy: ['too-many-elements'],
    off: { elements: 100_000 },
    behind: ['reference-count', 'signature-mismatch'],
  },
  {
    name: 'a second root element',
    change: (valid) => `${valid}<x/>`,
    stoppedBy: ['not-well-formed'],
  },
  {
    name: 'text after the document',
    change: (valid) => `${valid}x`,
    stoppedBy: ['not-well-formed'],
  },
  {
    name: 'an end tag missing',
    change: (valid) => valid.replace('</rdf:RDF>', ''),
    stoppedBy: ['not-well-formed'],
  },
  {
    name: 'one attribute under two prefixes',
    change: (valid) =>
      valid.replace(
        '<rdf:Description ',
        '<rdf:Description xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" r:about="#x" ',
      ),
    stoppedBy: ['not-well-formed'],
  },
  {
    name: 'another encoding',
    change: (valid) => valid.replace('encoding="UTF-8"', 'encoding="UTF-7"'),
    stoppedBy: ['bad-declaration'],
  },
];

describe('attacks', () => {
  let tools: Tools;
  let valid = '';
  const checks = examineTools();
  const run = async (attack: Attack, ignored: readonly string[], limits: XmlLimits): Promise<string[]> => {
    const text = await attack.change(valid, tools);
    const settings = attack.settings?.(tools) ?? { pinned: [tools.victim.signer.certificate.fingerprint] };
    const report = examine(Buffer.from(text), { ...settings, now: () => now }, { ...checks, limits }, new Set(ignored));
    return [...new Set(report.failures.map((failure) => failure.code))];
  };

  beforeAll(async () => {
    const attacker = await generateCertificate({ name: 'Mallory', email: 'mallory@example.org' }, 'ec-p256', {
      now: at('2026-01-01T00:00:00Z'),
      days: 365,
    });
    const weak = (await generateKey('rsa-1024' as 'rsa-2048')).export({ type: 'pkcs8', format: 'pem' });
    tools = { victim: await endorser(), attacker, weakKey: createPrivateKey(weak) };
    valid = await signedSample();
  });

  test('the document that they start from is valid, and sealing it again keeps it so', async () => {
    const harmless = { name: '', stoppedBy: [], change: endorserSigned };
    expect(await run({ ...harmless, change: (text) => text }, [], documentLimits)).toEqual([]);
    expect(await run(harmless, [], documentLimits)).toEqual([]);
  });

  test.each(attacks)('$name', async (attack) => {
    expect((await run(attack, [], documentLimits)).sort()).toEqual([...attack.stoppedBy].sort());
  });

  test.each(attacks)('$name, with its check switched off', async (attack) => {
    const limits = { ...documentLimits, ...attack.off };
    const ignored = attack.off === undefined ? attack.stoppedBy : [];
    expect((await run(attack, ignored, limits)).sort()).toEqual([...(attack.behind ?? [])].sort());
  });
});
