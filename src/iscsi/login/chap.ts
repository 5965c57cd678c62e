// CHAP, one-way and mutual (RFC 7143 §12.1.3, RFC 1994; algorithms 7 and 8 as IANA lists them).
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { type ChapGrant } from '../directory.ts';
import { formatBinary, parseBinary } from './text.ts';

/** CHAP_A by number, with node's name of the hash. */
const algorithms: ReadonlyMap<string, string> = new Map([
  ['5', 'md5'],
  ['6', 'sha1'],
  ['7', 'sha256'],
  ['8', 'sha3-256'],
]);

const challengeBytes = 32;
const longestBinary = 1024;

export class ChapError extends Error {
  override readonly name = 'ChapError';
}

/** RFC 1994 §4.1: the hash of identifier, secret and challenge. */
export function chapResponse(algorithm: string, identifier: number, secret: string, challenge: Buffer): Buffer {
  return createHash(algorithms.get(algorithm) ?? 'sha256')
    .update(Buffer.of(identifier))
    .update(secret, 'utf8')
    .update(challenge)
    .digest();
}

/** Equal, in a time that says nothing about where the two differ. */
function sameBytes(left: Buffer, right: Buffer): boolean {
  const key = randomBytes(32);
  const digest = (bytes: Buffer): Buffer => createHash('sha256').update(key).update(bytes).digest();
  return timingSafeEqual(digest(left), digest(right));
}

/** One exchange of CHAP on the target's side: feed it the initiator's keys, send what it answers. */
export class ChapExchange {
  /** The initiator has proven that it knows the secret. */
  passed = false;
  readonly #grant: ChapGrant;
  #algorithm: string | undefined;
  #identifier = 0;
  #challenge: Buffer = Buffer.alloc(0);

  constructor(grant: ChapGrant) {
    this.#grant = grant;
  }

  /**
   * @param keys the CHAP_* keys of one login request.
   * @returns the keys to answer with.
   * @throws {ChapError} where the exchange has failed; the login ends with 0x0201.
   */
  step(keys: ReadonlyMap<string, string>): [string, string][] {
    const offered = keys.get('CHAP_A');
    if (this.#algorithm === undefined) {
      if (offered === undefined) return [];
      return this.#challengeWith(offered);
    }
    if (this.passed) throw new ChapError('CHAP keys after CHAP was done');
    return this.#judge(keys);
  }

  #challengeWith(offered: string): [string, string][] {
    const algorithm = offered.split(',').find((value) => algorithms.has(value));
    if (algorithm === undefined) throw new ChapError(`no algorithm of ${offered} is known`);
    this.#algorithm = algorithm;
    this.#identifier = randomBytes(1).readUInt8(0);
    this.#challenge = randomBytes(challengeBytes);
    return [
      ['CHAP_A', algorithm],
      ['CHAP_I', String(this.#identifier)],
      ['CHAP_C', formatBinary(this.#challenge)],
    ];
  }

  #judge(keys: ReadonlyMap<string, string>): [string, string][] {
    const algorithm = this.#algorithm ?? '';
    const name = keys.get('CHAP_N');
    const response = keys.get('CHAP_R');
    if (name === undefined || response === undefined) throw new ChapError('CHAP_N and CHAP_R are due');
    const expected = chapResponse(algorithm, this.#identifier, this.#grant.secret, this.#challenge);
    const given = parseBinary(response, longestBinary);
    // Both are looked at in any case: the time must not tell which of them was wrong.
    const nameFits = sameBytes(Buffer.from(name), Buffer.from(this.#grant.name));
    const responseFits = sameBytes(given, expected);
    if (!nameFits || !responseFits) throw new ChapError('the name or the response is wrong');
    const answer = this.#proveOurselves(keys, algorithm);
    this.passed = true;
    return answer;
  }

  #proveOurselves(keys: ReadonlyMap<string, string>, algorithm: string): [string, string][] {
    const identifier = keys.get('CHAP_I');
    const challenge = keys.get('CHAP_C');
    if (identifier === undefined && challenge === undefined) return [];
    const { mutual } = this.#grant;
    if (identifier === undefined || challenge === undefined || mutual === undefined) {
      throw new ChapError('the target cannot prove itself');
    }
    const bytes = parseBinary(challenge, longestBinary);
    if (sameBytes(bytes, this.#challenge)) throw new ChapError('our own challenge came back');
    if (!/^\d{1,3}$/.test(identifier) || Number(identifier) > 255) throw new ChapError('CHAP_I is no byte');
    const proof = chapResponse(algorithm, Number(identifier), mutual.secret, bytes);
    return [
      ['CHAP_N', mutual.name],
      ['CHAP_R', formatBinary(proof)],
    ];
  }
}
