// Names and secrets: UUIDs, CHAP credentials, and the names of initiators and targets.
import { Fault } from '../errors/fault.ts';
import { type ChapCredentials } from './model.ts';

/** Gives that many random bytes. */
export type Randomness = (bytes: number) => Buffer;

/** A random UUID (RFC 9562 §5.4). */
export function newUuid(randomness: Randomness): string {
  const bytes = Buffer.from(randomness(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** 96 random bits, as RFC 7143 §9.2.1 asks for, in 16 characters: more is refused by the initiator of Windows. */
export function newChapCredentials(randomness: Randomness): ChapCredentials {
  return { name: `mintmark-${randomness(4).toString('hex')}`, secret: randomness(12).toString('base64url') };
}

const iscsiName =
  /^(?:iqn\.[0-9]{4}-[0-9]{2}\.[a-z0-9.-]+(?::\S+)?|eui\.[0-9a-f]{16}|naa\.(?:[0-9a-f]{16}|[0-9a-f]{32}))$/u;
const longestName = 223;

/** The name as it is compared: lower case (RFC 7143 §4.2.7). Throws `volumes.invalid` where it is no iSCSI name. */
export function parseInitiator(text: string): string {
  const name = text.normalize('NFKC').toLowerCase();
  if (Buffer.byteLength(name) > longestName || !iscsiName.test(name)) {
    throw new Fault('volumes.invalid', `"${text.slice(0, longestName)}" is no name of an initiator.`, {
      action: 'Give the name as the initiator shows it, such as iqn.1993-08.org.debian:01:abcdef.',
    });
  }
  return name;
}

/** The name of a volume's target. */
export function targetName(prefix: string, uuid: string): string {
  return `${prefix}:${uuid}`;
}

/** The first 48 bits of a UUID: they mark the files of its layers. */
export function saltOf(uuid: string): number {
  return Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16);
}
