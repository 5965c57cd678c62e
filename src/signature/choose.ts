// Which algorithms a signature names, and whether they are those of one profile; the second half of the structure gate.
import { attributeOf, type XmlElement } from '../xml/tree.ts';
import { type CanonicalForm } from '../xml/write-canonical.ts';
import {
  currentProfile,
  defaultForm,
  envelopedTransform,
  legacyProfile,
  type DigestMethod,
  type Profile,
  type SignatureMethod,
} from './algorithms.ts';
import { type SignatureCode } from './codes.ts';
import { type GateFinding } from './shape.ts';

/** The elements of SignedInfo, the first of each name. */
export interface SignedInfoParts {
  readonly signedInfo: XmlElement;
  readonly reference: XmlElement;
  readonly canonicalization: XmlElement | undefined;
  readonly method: XmlElement | undefined;
  readonly transforms: XmlElement | undefined;
  readonly digest: XmlElement | undefined;
}

interface Named {
  readonly canonicalization: string;
  readonly method: string;
  readonly transforms: readonly string[];
  readonly digest: string;
}

/** What the algorithms are; undefined where one is in no list at all. */
export interface Algorithms {
  readonly profile: Profile;
  readonly signedInfoForm: CanonicalForm | undefined;
  readonly documentForm: CanonicalForm;
  readonly method: SignatureMethod | undefined;
  readonly digest: DigestMethod | undefined;
}

const nameOf = (element: XmlElement | undefined): string => (element && attributeOf(element, '', 'Algorithm')) ?? '';

function fits(profile: Profile, named: Named): boolean {
  const [first, second, ...more] = named.transforms;
  return (
    profile.canonicalizations.has(named.canonicalization) &&
    profile.methods.has(named.method) &&
    profile.digests.has(named.digest) &&
    first === envelopedTransform &&
    more.length === 0 &&
    (second === undefined || profile.transforms.has(second))
  );
}

/** Which of the algorithms is in no list, each by its own code. */
function refuse(parts: SignedInfoParts, named: Named, allowLegacy: boolean): GateFinding[] {
  const { signedInfo } = parts;
  if (!allowLegacy && fits(legacyProfile, named)) {
    return [
      {
        code: 'legacy-algorithm',
        at: parts.method ?? signedInfo,
        message:
          'The signature is RSA-SHA1, which is no longer safe; it is accepted only where legacy documents are allowed.',
      },
    ];
  }
  const profiles = allowLegacy ? [currentProfile, legacyProfile] : [currentProfile];
  const found: GateFinding[] = [];
  const inNone = (table: (profile: Profile) => ReadonlyMap<string, unknown>, uri: string): boolean =>
    !profiles.some((profile) => table(profile).has(uri));
  const add = (code: SignatureCode, where: XmlElement | undefined, what: string, uri: string): void => {
    const message = `The ${what} ${JSON.stringify(uri.slice(0, 120))} is not accepted; sign again.`;
    found.push({ code, at: where ?? signedInfo, message });
  };
  if (inNone((profile) => profile.canonicalizations, named.canonicalization)) {
    add('canonicalization-algorithm', parts.canonicalization, 'canonicalization', named.canonicalization);
  }
  if (inNone((profile) => profile.methods, named.method)) {
    add('signature-algorithm', parts.method, 'signature algorithm', named.method);
  }
  if (inNone((profile) => profile.digests, named.digest)) {
    add('digest-algorithm', parts.digest, 'digest algorithm', named.digest);
  }
  const [first, second, ...more] = named.transforms;
  const unknownSecond = second !== undefined && inNone((profile) => profile.transforms, second);
  if (first !== envelopedTransform || more.length > 0 || unknownSecond) {
    add('transforms', parts.transforms, 'list of transforms', named.transforms.join(' '));
  }
  if (found.length === 0) {
    add('signature-algorithm', parts.method, 'mix of old and new algorithms with', named.method);
  }
  return found;
}

/** Looks the named algorithms up, and adds what is not accepted to the findings. */
export function chooseAlgorithms(parts: SignedInfoParts, allowLegacy: boolean, findings: GateFinding[]): Algorithms {
  const named: Named = {
    canonicalization: nameOf(parts.canonicalization),
    method: nameOf(parts.method),
    digest: nameOf(parts.digest),
    transforms: parts.transforms ? parts.transforms.elements.map(nameOf) : [],
  };
  const current = fits(currentProfile, named);
  const legacy = !current && fits(legacyProfile, named);
  if (!current && !(legacy && allowLegacy)) findings.push(...refuse(parts, named, allowLegacy));
  const profile = legacy ? legacyProfile : currentProfile;
  // A finding above ends the matter; where a test takes that finding away, the nearest known algorithm stands in.
  const other = legacy ? currentProfile : legacyProfile;
  return {
    profile,
    signedInfoForm:
      profile.canonicalizations.get(named.canonicalization) ?? other.canonicalizations.get(named.canonicalization),
    documentForm: profile.transforms.get(named.transforms[1] ?? '') ?? defaultForm,
    method: profile.methods.get(named.method) ?? other.methods.get(named.method),
    digest: profile.digests.get(named.digest) ?? other.digests.get(named.digest),
  };
}
