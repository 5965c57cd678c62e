// Which addresses a pull may connect to: the public internet, and what the admin adds to it.
import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { Fault } from '../errors/fault.ts';

/** Whether a connection to the address (a number, never a name) is allowed. */
export type AddressPolicy = (address: string) => boolean;

// IANA's special-purpose registries (RFC 6890 and later), and multicast: nothing of it is on the public internet.
const notPublic = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/127',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/9',
  'ff00::/8',
] as const;

/** Prefixes of IPv6 that carry an IPv4 address, and the byte it begins at: it is judged as that address. */
const carriers = [
  { prefix: '::ffff:0:0/96', at: 12 },
  { prefix: '::/96', at: 12 },
  { prefix: '64:ff9b::/96', at: 12 },
  { prefix: '64:ff9b:1::/48', at: 12 },
  { prefix: '2002::/16', at: 2 },
] as const;

function listOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = isIP(address);
    const bits = prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix);
    if (family === 0 || !Number.isInteger(bits) || bits < 0 || bits > (family === 4 ? 32 : 128)) {
      throw new Fault('usage', `"${range}" is no range of addresses, such as 10.0.0.0/8 or fd00::/8.`);
    }
    list.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}

const groups = (part: string): number[] =>
  part
    .split(':')
    .filter(Boolean)
    .map((group) => Number.parseInt(group, 16));

/** The 16 bytes of an IPv6 address without a zone. */
function bytesOf(address: string): Buffer {
  // The URL parser writes it in its canonical form, all in hex.
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const all = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => 0), ...back];
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]));
}

const refused = listOf(notPublic);
const carrierLists = carriers.map(({ prefix, at }) => ({ list: listOf([prefix]), at }));

/**
 * Allows the public internet and the ranges that the admin names (CIDR, or single addresses). Throws `usage` where one of them cannot be
 * understood.
 */
export function addressPolicy(alsoAllowed: readonly string[] = []): AddressPolicy {
  const allowed = listOf(alsoAllowed);
  const judge = (address: string): boolean => {
    if (isIPv4(address)) return allowed.check(address, 'ipv4') || !refused.check(address, 'ipv4');
    if (!isIPv6(address) || address.includes('%')) return false;
    if (allowed.check(address, 'ipv6')) return true;
    // A BlockList would judge ::ffff:a.b.c.d by the IPv4 rules, and the other carriers by none; so they are taken apart here.
    const carrier = carrierLists.find(({ list }) => list.check(address, 'ipv6'));
    if (carrier === undefined) return !refused.check(address, 'ipv6');
    return judge(Array.from(bytesOf(address).subarray(carrier.at, carrier.at + 4)).join('.'));
  };
  return judge;
}
