// Where a vault can be, as it is written in a setting.
import { expect, test } from 'vitest';
import { parseVaultLocation } from '../../src/config/vault-location.ts';

const bucket = { kind: 's3', host: 's3.example.org', port: undefined, tls: true, bucket: 'images', region: undefined };

test.each([
  ['/srv/vault', { kind: 'folder', path: '/srv/vault' }],
  ['vault', { kind: 'folder', path: 'vault' }],
  ['s3://s3.example.org/images', bucket],
  ['s3://s3.example.org/images/', bucket],
  ['s3://s3.example.org:9000/images', { ...bucket, port: 9000 }],
  ['s3+http://s3.example.org/images', { ...bucket, tls: false }],
  ['s3://s3.example.org:80/images', { ...bucket, port: 80 }],
  ['s3://s3.example.org/images?region=eu-west-1', { ...bucket, region: 'eu-west-1' }],
])('%s', (text, location) => {
  expect(parseVaultLocation(text)).toEqual(location);
});

test.each([
  '',
  's3://',
  's3://s3.example.org',
  's3://s3.example.org/',
  's3://s3.example.org/a/b',
  's3://s3.example.org/Images',
  's3://key:secret@s3.example.org/images',
  's3://s3.example.org/images?region=',
  's3://s3.example.org/images?region=a&region=b',
  's3://s3.example.org/images?secret=x',
  's3://s3.example.org/images#x',
  'http://s3.example.org/images',
])('%j is refused', (text) => {
  expect(parseVaultLocation(text)).toBeUndefined();
});
