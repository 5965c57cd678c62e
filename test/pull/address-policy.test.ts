// Special-purpose addresses are refused in every way they can be written; what the admin adds is allowed.
import { describe, expect, test } from 'vitest';
import { addressPolicy } from '../../src/pull/address-policy.ts';

describe('the address policy', () => {
  const publicOnly = addressPolicy();
  test.each([
    '127.0.0.1',
    '127.255.255.254',
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::127.0.0.1',
    '::ffff:10.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::1',
    '2002:c0a8:101::',
    'fe80::1',
    'fec0::1',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '2001:db8::1',
    'fe80::1%eth0',
    'localhost',
    '',
  ])('refuses %s', (address) => {
    expect(publicOnly(address)).toBe(false);
  });

  test.each([
    '93.184.216.34',
    '172.32.0.1',
    '100.128.0.1',
    '192.169.0.1',
    '2606:2800:220:1::1',
    '::ffff:93.184.216.34',
    '64:ff9b::5db8:d822',
  ])('allows %s', (address) => {
    expect(publicOnly(address)).toBe(true);
  });

  test('allows what the admin names, and no more', () => {
    const allow = addressPolicy(['10.7.0.0/16', 'fd00:1::/32', '127.0.0.1']);
    expect(['10.7.3.4', 'fd00:1::5', '127.0.0.1', '::ffff:10.7.0.1'].map(allow)).toEqual([true, true, true, true]);
    expect(['10.8.0.1', 'fd00:2::5', '127.0.0.2', '::1'].map(allow)).toEqual([false, false, false, false]);
  });

  test.each(['10.0.0.0/33', 'example.org', '10.0.0.0/x', ''])('does not understand "%s"', (range) => {
    expect(() => addressPolicy([range])).toThrow('no range');
  });
});
