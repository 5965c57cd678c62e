// Signed documents with a text in one of their places, and endorsers whose certificates are full of it.
import { generateKeyPairSync } from 'node:crypto';
import { Fault } from '../../../src/errors/fault.ts';
import { terms } from '../../../src/metadata/vocabulary.ts';
import { readCertificate } from '../../../src/signature/certificate.ts';
import {
  basicConstraintsExtension,
  emailExtension,
  issueCertificate,
  keyUsageExtension,
} from '../../../src/signature/issue.ts';
import { type Signer } from '../../../src/signature/keys.ts';
import { signDocument } from '../../../src/signature/sign.ts';
import { placesIn, wholeDocument, withText, type Place } from './whole-document.ts';

const created = new Date('2026-01-02T00:00:00Z');

/** Signed where it can be signed at all; the document as it is elsewhere. */
function signedIfReadable(xml: string, signer: Signer): string {
  try {
    return signDocument(xml, signer, { created });
  } catch (error) {
    if (error instanceof Fault) return xml;
    throw error;
  }
}

export interface HostileDocument {
  readonly place: Place;
  readonly document: string;
  /** Whether a registry has to take it: undefined where either will do. */
  readonly good: boolean | undefined;
}

/** What the rules say of a text that is no date, number, address or word of a list. */
function isGood(place: Place, inWithdrawal: boolean): boolean | undefined {
  if (place.kind === 'attribute') return undefined;
  const term = terms.get(place.name);
  if (term !== undefined) return term.value.kind === 'text';
  if (place.name.startsWith('x:')) return true;
  if (inWithdrawal) return place.name.endsWith(':reason');
  return false;
}

/** Signing writes the endorsement anew: a text in it is the certificate's matter. */
const isReplaced = ({ name, number }: Place): boolean =>
  /^slreq:(?:email|subject|issuer)$/u.test(name) || (name === 'dcterms:created' && number === 0);

/** One document for each place of a whole document; `image` makes its identifier. */
export function signedWith(text: string, signer: Signer, image: (place: number) => string): readonly HostileDocument[] {
  const plain = placesIn(wholeDocument('', false));
  const ended = placesIn(wholeDocument('', true));
  const onlyEnded = ended.filter(
    ({ kind, name }) => !plain.some((place) => place.kind === kind && place.name === name),
  );
  const ofDocument = (places: readonly Place[], withEnd: boolean, first: number): HostileDocument[] =>
    places
      .filter((place) => !isReplaced(place))
      .map((place, number) => {
        const xml = wholeDocument(image(first + number), withEnd);
        const here = placesIn(xml).find(
          ({ kind, name, number: same }) => kind === place.kind && name === place.name && same === place.number,
        );
        return {
          place,
          document: signedIfReadable(withText(xml, here ?? place, text), signer),
          good: isGood(place, withEnd && !terms.has(place.name)),
        };
      });
  return [...ofDocument(plain, false, 0), ...ofDocument(onlyEnded, true, plain.length)];
}

/** A signed document with the text put into each of its places after it was signed: its signature, too. */
export function tamperedWith(text: string, signer: Signer): readonly HostileDocument[] {
  const signed = signDocument(wholeDocument('tampered', true), signer, { created });
  return placesIn(signed).map((place) => ({ place, document: withText(signed, place, text), good: undefined }));
}

/** An endorser with a certificate of his own that has the text in its subject and its issuer, and this address. */
export function endorserCalled(text: string, email: string): Signer {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = [
    ['O', text],
    ['OU', text],
    ['CN', text],
  ] as const;
  const x509 = issueCertificate({
    subject: name,
    key: privateKey,
    notBefore: new Date('2026-01-01T00:00:00Z'),
    notAfter: new Date('2027-01-01T00:00:00Z'),
    extensions: [basicConstraintsExtension(false), keyUsageExtension(['digitalSignature']), emailExtension(email)],
  });
  return { privateKey, certificate: readCertificate(x509.raw), chain: [] };
}

/** A document with the text in every place that takes any text, without the end of an endorsement or with it. */
export function fullOf(text: string, signer: Signer, image: string, ended: boolean): string {
  const xml = wholeDocument(image, ended);
  const places = placesIn(xml).filter((place) => isGood(place, ended && !terms.has(place.name)) === true);
  // From back to front: what was put in moves nothing that is still to come.
  return signDocument(
    places.reduceRight((changed, place) => withText(changed, place, text), xml),
    signer,
    { created },
  );
}

/** A document of that endorser; one whose address is no address says another in its stead. */
export function documentOf(signer: Signer, image: string): string {
  try {
    return signDocument(wholeDocument(image, false), signer, { created });
  } catch {
    const other = { ...signer, certificate: { ...signer.certificate, emails: ['joe@example.org'] } };
    return signDocument(wholeDocument(image, false), other, { created });
  }
}
