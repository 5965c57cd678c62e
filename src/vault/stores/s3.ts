// The object store in a bucket of MinIO or any other S3, through the `minio` client.
import { webcrypto } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { type Readable } from 'node:stream';
import { Client, S3Error } from 'minio';
import { Fault } from '../../errors/fault.ts';
import { isKey, type ObjectInfo, type ObjectStore } from '../object-store.ts';

export interface S3Settings {
  /** Host name or address, without a scheme. */
  readonly endpoint: string;
  readonly port?: number;
  /** Default: yes. */
  readonly tls?: boolean;
  readonly region?: string;
  readonly accessKey: string;
  readonly secretKey: string;
  /** Of credentials that an STS gave for a while. */
  readonly sessionToken?: string;
  /** It is made where it is not there yet. */
  readonly bucket: string;
}

const connections = 32;
/** Failures of the network and answers that ask for patience are tried again, this often: for 1.5 s, and for 13 s where bytes would be lost that came from far. */
const retries = 4;
const retriesOfWrites = 7;

const absent = new Set(['NoSuchKey', 'NotFound', 'NoSuchObject']);
const full = new Set(['XMinioStorageFull', 'InsufficientStorage', 'QuotaExceeded', 'XMinioAdminBucketQuotaExceeded']);

const refused = new Set(['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'AllAccessDisabled']);

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

function asFault(error: unknown, doing: string): Fault {
  if (error instanceof Fault) return error;
  if (full.has(codeOf(error)))
    return new Fault('vault.full', `The object store has no room left (${doing}).`, { cause: error });
  if (error instanceof S3Error && refused.has(codeOf(error))) {
    return new Fault('vault.unavailable', `The object store refuses what it was asked (${doing}): ${error.message}`, {
      cause: error,
      action: 'Check the keys of the vault, and that their account may list, read, write and remove in its bucket.',
    });
  }
  return new Fault('vault.unavailable', `The object store does not do what it was asked (${doing}).`, { cause: error });
}

/** An answer of the server stands; anything else may have been the network's doing. */
const worthRetrying = (error: unknown): boolean =>
  !(error instanceof Fault) &&
  (!(error instanceof S3Error) ||
    ['SlowDown', 'ServiceUnavailable', 'InternalError', 'RequestTimeout'].includes(codeOf(error)));

async function patiently<T>(task: () => Promise<T>, times = retries): Promise<T> {
  for (let turn = 0; ; turn += 1) {
    try {
      return await task();
    } catch (error) {
      if (turn === times || !worthRetrying(error)) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, 100 * 2 ** turn);
      });
    }
  }
}

async function gather(stream: Readable): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream as AsyncIterable<Buffer>) pieces.push(piece);
  return Buffer.concat(pieces);
}

const checked = (key: string): string => {
  if (!isKey(key)) throw new Fault('internal', `"${key}" is no key of an object store.`);
  return key;
};

/** Connects, and makes the bucket, but not to `read` one of somebody else's. Throws `vault.unavailable`. */
export async function openS3Store(settings: S3Settings, use: 'own' | 'read' = 'own'): Promise<ObjectStore> {
  const { endpoint, port, tls = true, region = 'us-east-1', accessKey, secretKey, sessionToken, bucket } = settings;
  const client = new Client({
    endPoint: endpoint,
    ...(port === undefined ? {} : { port }),
    useSSL: tls,
    region,
    accessKey,
    secretKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    // Its own retries speak to the console.
    retryOptions: { disableRetry: true },
    transportAgent: tls
      ? new HttpsAgent({ keepAlive: true, maxSockets: connections })
      : new HttpAgent({ keepAlive: true, maxSockets: connections }),
  });
  try {
    const there = await patiently(() => client.bucketExists(bucket));
    if (!there && use === 'read') throw new Fault('vault.unavailable', `There is no bucket ${bucket} at ${endpoint}.`);
    if (!there) await client.makeBucket(bucket, region);
  } catch (error) {
    if (codeOf(error) !== 'BucketAlreadyOwnedByYou') throw asFault(error, `opening the bucket ${bucket}`);
  }
  async function info(key: string): Promise<ObjectInfo | undefined> {
    try {
      const { size, lastModified } = await patiently(() => client.statObject(bucket, checked(key)));
      return { key, bytes: size, modified: lastModified };
    } catch (error) {
      if (absent.has(codeOf(error))) return undefined;
      throw asFault(error, `looking at ${key}`);
    }
  }

  return {
    async put(key, parts, options = {}) {
      const body = Buffer.concat(parts);
      // Not the client's putObject: it takes MD5 and SHA-256 on the event loop, longer than the network needs.
      const sha256 = Buffer.from(await webcrypto.subtle.digest('SHA-256', body));
      const headers = {
        'content-length': String(body.length),
        'content-type': 'application/octet-stream',
        ...(tls ? { 'x-amz-checksum-sha256': sha256.toString('base64') } : {}),
        ...(options.ifAbsent === true ? { 'if-none-match': '*' } : {}),
      };
      const request = { method: 'PUT', bucketName: bucket, objectName: checked(key), headers };
      const write = async (): Promise<void> => {
        const answer = await client.makeRequestStreamAsync(request, body, tls ? '' : sha256.toString('hex'), [200], '');
        await gather(answer);
      };
      try {
        // A conditional write whose answer was lost is not repeated: the second try could be refused because of the first.
        await (options.ifAbsent === true ? write() : patiently(write, retriesOfWrites));
        return true;
      } catch (error) {
        if (options.ifAbsent === true && codeOf(error) === 'PreconditionFailed') return false;
        throw asFault(error, `writing ${key}`);
      }
    },

    async get(key, range) {
      if (range?.length === 0) return (await info(key)) === undefined ? undefined : Buffer.alloc(0);
      try {
        return await patiently(async () =>
          gather(
            await (range === undefined
              ? client.getObject(bucket, checked(key))
              : client.getPartialObject(bucket, checked(key), range.offset, range.length)),
          ),
        );
      } catch (error) {
        if (absent.has(codeOf(error))) return undefined;
        if (codeOf(error) === 'InvalidRange') return Buffer.alloc(0);
        throw asFault(error, `reading ${key}`);
      }
    },

    info,

    async *list(prefix) {
      try {
        for await (const item of client.listObjectsV2(bucket, prefix, true) as AsyncIterable<{
          name?: string;
          size: number;
          lastModified?: Date;
        }>) {
          if (item.name !== undefined && isKey(item.name)) {
            yield { key: item.name, bytes: item.size, modified: item.lastModified ?? new Date(0) };
          }
        }
      } catch (error) {
        throw asFault(error, `listing ${prefix}`);
      }
    },

    async remove(key) {
      try {
        await patiently(() => client.removeObject(bucket, checked(key)));
      } catch (error) {
        if (!absent.has(codeOf(error))) throw asFault(error, `removing ${key}`);
      }
    },
  };
}
