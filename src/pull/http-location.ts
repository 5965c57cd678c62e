// Asks a web location for its bytes from a given one on; every address is judged as it is connected to, after every redirect.
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { Agent, buildConnector, request, type Dispatcher } from 'undici';
import { type AddressPolicy } from './address-policy.ts';
import { eagerBody, type EagerBody } from './eager-body.ts';
import { type PullLimits } from './limits.ts';
import { describe, LocationFailure } from './reasons.ts';

export type ResolveName = (
  hostname: string,
  callback: (error: Error | null, addresses: readonly LookupAddress[]) => void,
) => void;

const resolveBySystem: ResolveName = (hostname, callback) => systemLookup(hostname, { all: true }, callback);

const refusal = (address: string): LocationFailure =>
  new LocationFailure('unreachable', `the address ${address} is not one that images may be pulled from`);

/** Connects only where the policy allows it; the address that was judged is the one that is used. */
export function createWebClient(
  allow: AddressPolicy,
  limits: PullLimits,
  resolve: ResolveName = resolveBySystem,
): Agent {
  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname, (error, addresses) => {
      const [first] = addresses ?? [];
      const allowed = error === null ? addresses.filter(({ address }) => allow(address)) : [];
      const [chosen] = allowed;
      if (error !== null) callback(error, '', 0);
      else if (chosen === undefined) callback(refusal(first?.address ?? hostname), '', 0);
      else if (options.all === true) callback(null, allowed);
      else callback(null, chosen.address, chosen.family);
    });
  };
  const connector = buildConnector({ timeout: limits.connectTimeout, lookup });
  return new Agent({
    headersTimeout: limits.headersTimeout,
    bodyTimeout: limits.bodyTimeout,
    connect(options, callback) {
      const host = options.hostname.replace(/^\[|\]$/g, '');
      // A number is connected to without a look-up.
      if (isIP(host) !== 0 && !allow(host)) callback(refusal(host), null);
      else connector(options, callback);
    },
  });
}

/** What tells whether a later answer is about the same bytes. */
export interface Validator {
  /** A strong ETag, or else a Last-Modified date: what `If-Range` takes (RFC 9110 §13.1.5). */
  readonly value: string;
}

export interface Answer {
  readonly body: EagerBody;
  /** First byte of the body, in the file. */
  readonly offset: number;
  /** Length of the whole file in bytes, where the location tells it. */
  readonly total: number | undefined;
  readonly validator: Validator | undefined;
  /** Where the bytes come from, after redirects. */
  readonly url: string;
}

type Headers = Dispatcher.ResponseData['headers'];

const headerText = (headers: Headers, name: string): string | undefined => {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
};

function validatorOf(headers: Headers): Validator | undefined {
  const etag = headerText(headers, 'etag');
  if (etag !== undefined && !etag.startsWith('W/')) return { value: etag };
  const modified = headerText(headers, 'last-modified');
  return modified === undefined ? undefined : { value: modified };
}

const decimal = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;

function rangeOf(headers: Headers): { readonly offset: number; readonly total: number | undefined } | undefined {
  const match = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(headerText(headers, 'content-range') ?? '');
  return match === null ? undefined : { offset: Number(match[1]), total: decimal(match[2]) };
}

function parseLocation(location: string, base?: string): URL {
  let url;
  try {
    url = new URL(location, base);
  } catch (error) {
    throw new LocationFailure('unreachable', `"${location}" is no address of the web`, error);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new LocationFailure('unreachable', `${url.protocol} is not pulled from, only http: and https:`);
  }
  return url;
}

/** What is asked for: all from `offset` on, or `length` bytes. */
export interface Wanted {
  readonly offset: number;
  readonly length?: number;
  readonly validator: Validator | undefined;
  /** `HEAD`: the headers alone. Default: GET. */
  readonly method?: 'HEAD';
}

/**
 * Asks for the file at `location` from `offset` on. With a validator the location may begin anew (`offset` 0) where the
 * file has changed. Throws a {@link LocationFailure}.
 */
export async function askLocation(
  client: Agent,
  location: string,
  from: Wanted,
  limits: PullLimits,
  signal: AbortSignal,
): Promise<Answer> {
  let url = parseLocation(location);
  for (let hop = 0; hop <= limits.redirects; hop += 1) {
    const headers: Record<string, string> = { 'accept-encoding': 'identity', 'user-agent': 'mintmark' };
    if (from.offset > 0 || from.length !== undefined) {
      headers['range'] = `bytes=${from.offset}-${from.length === undefined ? '' : from.offset + from.length - 1}`;
      if (from.validator !== undefined) headers['if-range'] = from.validator.value;
    }
    const response = await request(url, { dispatcher: client, method: from.method ?? 'GET', headers, signal }).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        throw error instanceof LocationFailure ? error : new LocationFailure('unreachable', describe(error), error);
      },
    );
    if (response.statusCode < 300 || response.statusCode > 399) return readAnswer(response, url, from.offset);
    response.body.on('error', () => undefined).destroy();
    const next = headerText(response.headers, 'location');
    if (next === undefined)
      throw new LocationFailure('unreachable', `it answered ${response.statusCode} without a Location`);
    const target = parseLocation(next, url.href);
    if (url.protocol === 'https:' && target.protocol === 'http:') {
      throw new LocationFailure('unreachable', 'it redirects from https: to http:');
    }
    url = target;
  }
  throw new LocationFailure('unreachable', `it redirects more than ${limits.redirects} times`);
}

function readAnswer(response: Dispatcher.ResponseData, url: URL, offset: number): Answer {
  const { statusCode, headers, body } = response;
  const refuse = (kind: 'unreachable' | 'changed', why: string): LocationFailure => {
    body.on('error', () => undefined).destroy();
    return new LocationFailure(kind, why);
  };
  const common = { validator: validatorOf(headers), url: url.href };
  const coding = headerText(headers, 'content-encoding');
  if (coding !== undefined && coding !== 'identity')
    throw refuse('unreachable', `it insists on Content-Encoding ${coding}`);
  if (statusCode === 200)
    return { ...common, body: eagerBody(body), offset: 0, total: decimal(headerText(headers, 'content-length')) };
  if (statusCode === 206) {
    const range = rangeOf(headers);
    if (range?.offset === offset) return { ...common, body: eagerBody(body), offset, total: range.total };
    throw refuse('unreachable', 'it answered with another range than it was asked for');
  }
  if (statusCode === 416) throw refuse('changed', 'it has become shorter');
  throw refuse('unreachable', `it answered ${statusCode}`);
}
