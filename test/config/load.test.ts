// Where a value of the configuration comes from, and what is said of a wrong one.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatEndpoint, parseEndpoint } from '../../src/config/endpoint.ts';
import { loadConfig } from '../../src/config/load.ts';
import { withoutSecrets } from '../../src/config/secret.ts';

const file = (content: unknown): { name: string; text: string } => ({
  name: 'mintmark.json',
  text: JSON.stringify(content),
});

describe('loadConfig', () => {
  test('flags win over environment, environment over file, file over defaults', () => {
    const { config, origins } = loadConfig({
      flags: { http: '127.0.0.1:1' },
      env: { MINTMARK_HTTP: '127.0.0.1:2', MINTMARK_ISCSI: '[::1]:3', XDG_DATA_HOME: '/x' },
      file: file({ 'http': '127.0.0.1:4', 'iscsi': '127.0.0.1:5', 'allow-legacy': true }),
    });
    expect(config.http.port).toBe(1);
    expect(config.iscsi).toEqual({ host: '::1', port: 3 });
    expect(config['allow-legacy']).toBe(true);
    expect(config.data).toBe('/x/mintmark');
    expect(origins).toMatchObject({
      'http': 'flag',
      'iscsi': 'environment',
      'allow-legacy': 'file',
      'data': 'default',
    });
  });

  test('every default listens on loopback only', () => {
    const { config } = loadConfig({ flags: {}, env: {} });
    expect([config.http.host, config.iscsi.host]).toEqual(['127.0.0.1', '127.0.0.1']);
  });

  test.each([
    [{ flags: { http: 'nowhere' }, env: {} }, /--http: "nowhere" is not HOST:PORT/u],
    [{ flags: {}, env: { MINTMARK_LOG_LEVEL: 'loud' } }, /MINTMARK_LOG_LEVEL/u],
    [{ flags: {}, env: {}, file: file({ htpp: 'x' }) }, /no setting "htpp"/u],
    [{ flags: {}, env: {}, file: { name: 'mintmark.json', text: '{' } }, /mintmark.json is not JSON/u],
    [{ flags: {}, env: {}, file: file([]) }, /one JSON object/u],
  ])('a wrong value names its place', (sources, message) => {
    expect(() => loadConfig(sources)).toThrow(message);
  });
});

describe('addresses with passwords', () => {
  test.each([
    ['postgres://jane:s3cret@db.example.org/registry', 'postgres://jane:***@db.example.org/registry'],
    ['postgres://jane:s3/cr@t@db.example.org/registry', 'postgres://jane:***@db.example.org/registry'],
    ['postgres://jane@/registry?host=/run&password=s3cret', 'postgres://jane@/registry?host=/run&password=***'],
    ['smtps://mail%40example.org:s3cret@mail.example.org:465', 'smtps://mail%40example.org:***@mail.example.org:465'],
    ['postgres://jane@/registry?host=/run/postgresql', 'postgres://jane@/registry?host=/run/postgresql'],
    ['smtp://127.0.0.1:25', 'smtp://127.0.0.1:25'],
  ])('%s', (address, shown) => {
    expect(withoutSecrets(address)).toBe(shown);
  });

  test('are not repeated where they are wrong', () => {
    expect(() => loadConfig({ flags: {}, env: { MINTMARK_DATABASE: 'mysql://jane:s3cret@db' } })).toThrow(
      /^MINTMARK_DATABASE: is no address such as postgres:\/\/user@host\/database$/u,
    );
  });
});

describe('endpoints', () => {
  test('what is written is read again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), fc.integer({ min: 0, max: 65_535 }), (host, port) => {
        expect(parseEndpoint(formatEndpoint({ host, port }))).toEqual({ host, port });
      }),
    );
  });

  test.each(['', 'host', ':80', 'a b:80', '127.0.0.1:65536', '::1:80', '[::1]', 'h:-1'])('%j is refused', (text) => {
    expect(parseEndpoint(text)).toBeUndefined();
  });
});
