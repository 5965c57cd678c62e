// Lists: each filter, facets, words, order, expiry.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { entryQuerySchema } from '../../../src/registry/query.ts';
import { type RegistryEntry } from '../../../src/registry/entry.ts';
import { type OpenTestRegistry, type TestRegistry } from '../open-registry.ts';
import { plainMetadata } from '../plain-documents.ts';

export function findSuite(openTestRegistry: OpenTestRegistry): void {
  let subject: TestRegistry;
  beforeEach(async () => {
    subject = await openTestRegistry();
    await subject.upload({
      image: 'a',
      title: 'Centos five',
      os: 'centos',
      osVersion: '5.5',
      osArch: 'x86_64',
      format: 'qcow2',
      hypervisors: ['kvm', 'xen'],
      locations: ['http://example.org/a.qcow2'],
      endorsed: '2026-01-01T00:00:00Z',
      tag: 'stable',
    });
    await subject.upload({
      image: 'b',
      title: 'Ubuntu Lucid',
      description: 'Énormément de paquets',
      os: 'ubuntu',
      osVersion: '10.04',
      osArch: 'x86_64',
      format: 'raw',
      kinds: ['machine'],
      hypervisors: ['kvm'],
      locations: ['pdisk:example.org:3260:uuid', 'https://example.org/b.img'],
      email: 'joe@example.org',
      endorsed: '2026-01-02T00:00:00Z',
      tag: 'stable',
    });
    await subject.upload({
      image: 'c',
      title: 'data of flowers',
      type: 'disk',
      kinds: ['disk'],
      format: 'raw',
      endorsed: '2026-01-03T00:00:00Z',
      valid: '2026-07-01T00:00:00Z',
    });
    await subject.upload({
      image: 'd',
      title: 'Bad one',
      os: 'centos',
      endorsed: '2026-01-04T00:00:00Z',
      deprecated: 'hole',
    });
  });
  afterEach(() => subject.close());

  describe('filters', () => {
    test.each([
      [{}, ['data of flowers', 'Ubuntu Lucid', 'Centos five']],
      [{ os: 'centos' }, ['Centos five']],
      [{ os: 'centos', status: 'all' }, ['Bad one', 'Centos five']],
      [{ status: 'deprecated' }, ['Bad one']],
      [{ status: 'expired' }, []],
      [{ 'os': 'ubuntu', 'os-version': '10.04', 'os-arch': 'x86_64' }, ['Ubuntu Lucid']],
      [{ 'os-arch': 'x86_64' }, ['Ubuntu Lucid', 'Centos five']],
      [{ format: 'raw' }, ['data of flowers', 'Ubuntu Lucid']],
      [{ kind: 'disk' }, ['data of flowers']],
      [{ kind: 'machine' }, ['Ubuntu Lucid', 'Centos five']],
      [{ hypervisor: 'xen' }, ['Centos five']],
      [{ location: 'web' }, ['Ubuntu Lucid', 'Centos five']],
      [{ location: 'pdisk' }, ['Ubuntu Lucid']],
      [{ email: 'joe@example.org' }, ['Ubuntu Lucid']],
      [{ email: 'joe@example.org', os: 'centos' }, []],
      [{ created: '2026-01-03T00:00:00Z' }, ['data of flowers']],
      [{ identifier: plainMetadata({ image: 'a' }).identifier }, ['Centos five']],
      [{ tag: 'stable', email: 'jane@example.org' }, ['Centos five']],
      [{ os: '', q: '', email: '' }, ['data of flowers', 'Ubuntu Lucid', 'Centos five']],
      [{ os: 'nothing' }, []],
      [{ sort: 'created' }, ['Centos five', 'Ubuntu Lucid', 'data of flowers']],
      [{ sort: 'title' }, ['Centos five', 'data of flowers', 'Ubuntu Lucid']],
      [{ sort: '-title' }, ['Ubuntu Lucid', 'data of flowers', 'Centos five']],
    ] as const)('%j', async (query, expected) => {
      expect(await subject.titles(query)).toEqual(expected);
      expect((await subject.find(query)).total).toBe(expected.length);
    });
  });

  describe('words', () => {
    test.each([
      ['ubuntu', ['Ubuntu Lucid']],
      ['UBU luc', ['Ubuntu Lucid']],
      ['enormement', ['Ubuntu Lucid']],
      ['x86_64', ['Ubuntu Lucid', 'Centos five']],
      ['x86_64 five', ['Centos five']],
      ['joe@example.org', ['Ubuntu Lucid']],
      ['flow', ['data of flowers']],
      ['lower', []],
      ['centos ubuntu', []],
      ['*', ['data of flowers', 'Ubuntu Lucid', 'Centos five']],
      ['" OR zz=zz --', []],
      ['NOT centos', []],
      ["' | 'ubuntu", ['Ubuntu Lucid']],
      ['title:centos', []],
      [plainMetadata({ image: 'c' }).checksums['SHA-256'] ?? '', ['data of flowers']],
    ])('%s', async (q, expected) => {
      expect(await subject.titles({ q })).toEqual(expected);
      expect((await subject.find({ q })).total).toBe(expected.length);
    });
  });

  describe('facets', () => {
    test('count the entries that each value would leave', async () => {
      const { facets, total, exact } = await subject.find({ os: 'centos' });
      expect(total).toBe(1);
      expect(exact).toBe(true);
      // The choice of an operating system does not hide the others.
      expect(facets.os).toEqual([
        { value: 'centos', count: 1 },
        { value: 'ubuntu', count: 1 },
      ]);
      expect(facets.hypervisor).toEqual([
        { value: 'kvm', count: 1 },
        { value: 'xen', count: 1 },
      ]);
      expect(facets.location).toEqual([{ value: 'web', count: 1 }]);
    });

    test('follow words and endorsers', async () => {
      const { facets } = await subject.find({ q: 'ubuntu' });
      expect(facets.os).toEqual([{ value: 'ubuntu', count: 1 }]);
      expect((await subject.find({ email: 'jane@example.org' })).facets.format).toEqual([
        { value: 'qcow2', count: 1 },
        { value: 'raw', count: 1 },
      ]);
    });

    test('know withdrawn entries from deprecated ones', async () => {
      const withdrawal = { from: '2026-02-01T00:00:00Z', reason: 'stolen' };
      const entry = { image: 'b', title: 'Taken back', os: 'ubuntu', email: 'joe@example.org', withdrawal };
      await subject.upload({ ...entry, deprecated: 'stolen', endorsed: '2026-02-01T00:00:00Z' });
      for (const query of [{}, { os: 'ubuntu' }, { q: 'taken' }, { email: 'joe@example.org' }]) {
        const found = await subject.find({ status: 'withdrawn', ...query });
        expect([found.total, found.entries.map(({ standing }) => standing)]).toEqual([1, ['withdrawn']]);
        expect(found.facets.os).toEqual([{ value: 'ubuntu', count: 1 }]);
      }
      expect((await subject.find({ status: 'withdrawn', q: 'bad' })).total).toBe(0);
      expect(await subject.titles({ status: 'deprecated' })).toEqual(['Taken back', 'Bad one']);
      expect(await subject.titles({ email: 'joe@example.org' })).toEqual([]);
    });

    test('follow what is replaced', async () => {
      await subject.upload({ image: 'a', os: 'debian', endorsed: '2026-02-01T00:00:00Z' });
      const { facets } = await subject.find();
      expect(facets.os).toEqual([
        { value: 'debian', count: 1 },
        { value: 'ubuntu', count: 1 },
      ]);
      expect((await subject.find({ status: 'all' })).facets.os).toEqual([
        { value: 'centos', count: 2 },
        { value: 'debian', count: 1 },
        { value: 'ubuntu', count: 1 },
      ]);
    });
  });

  describe('the clock', () => {
    test('moves entries to expired, and back when it is set back', async () => {
      expect((await subject.find({ status: 'expired' })).total).toBe(0);
      subject.clock.now = new Date('2026-07-01T00:00:00Z');
      expect(await subject.titles({ status: 'expired' })).toEqual(['data of flowers']);
      expect(await subject.titles()).toEqual(['Ubuntu Lucid', 'Centos five']);
      expect((await subject.find()).facets.kind).toEqual([{ value: 'machine', count: 2 }]);
      subject.clock.now = new Date('2026-06-30T23:59:59Z');
      expect((await subject.find({ status: 'expired' })).total).toBe(0);
      expect(await subject.titles()).toEqual(['data of flowers', 'Ubuntu Lucid', 'Centos five']);
    });

    test('decides the standing of an entry that is asked for by its key', async () => {
      const entry = (await subject.find({ kind: 'disk' })).entries[0];
      if (entry === undefined) throw new Error('no entry');
      subject.clock.now = new Date('2027-01-01T00:00:00Z');
      expect((await subject.registry.entry(entry.key)).standing).toBe('expired');
    });

    test('an entry that is expired when it comes is listed as expired', async () => {
      await subject.upload({ image: 'e', title: 'late', valid: '2026-01-01T00:00:00Z' });
      expect(await subject.titles({ status: 'expired' })).toEqual(['late']);
      expect((await subject.find({ status: 'expired' })).total).toBe(1);
    });
  });

  describe('tags', () => {
    test('lead to the newest valid entry', async () => {
      const tagged = () => subject.registry.newestByTag('jane@example.org', 'stable');
      expect((await tagged())?.metadata.title).toBe('Centos five');
      await subject.upload({ image: 'f', title: 'Six', tag: 'stable', endorsed: '2026-03-01T00:00:00Z' });
      expect((await tagged())?.metadata.title).toBe('Six');
      await subject.upload({ image: 'f', tag: 'stable', endorsed: '2026-03-02T00:00:00Z', deprecated: 'no' });
      expect((await tagged())?.metadata.title).toBe('Centos five');
      expect(await subject.registry.newestByTag('jane@example.org', 'none')).toBeUndefined();
    });
  });

  describe('endorsers', () => {
    test('are listed by address, page by page', async () => {
      const first = await subject.registry.endorsers({ limit: 1, after: undefined });
      expect(first).toMatchObject({ total: 2, next: 'jane@example.org' });
      expect(first.endorsers).toMatchObject([
        {
          email: 'jane@example.org',
          entries: 3,
          images: 3,
          firstCreated: '2026-01-01T00:00:00Z',
          lastCreated: '2026-01-04T00:00:00Z',
        },
      ]);
      const second = await subject.registry.endorsers({ limit: 1, after: first.next });
      expect(second.endorsers.map(({ email }) => email)).toEqual(['joe@example.org']);
      expect(second.next).toBeUndefined();
    });

    test('show their tags; an unknown one is told', async () => {
      expect((await subject.registry.endorser('joe@example.org')).tags).toMatchObject([
        { tag: 'stable', created: '2026-01-02T00:00:00Z' },
      ]);
      await expect(subject.registry.endorser("x' or 1=1")).rejects.toMatchObject({ code: 'registry.no-endorser' });
    });
  });

  describe('only what the policy admits', () => {
    test('page by page', async () => {
      const admission = { admits: ({ id }: { readonly id: number }) => id % 3 === 0, basis: () => [] };
      const picky = await openTestRegistry({ admission });
      for (let number = 0; number < 30; number += 1) {
        await picky.upload({ image: `image ${number}`, title: String(number).padStart(2, '0') });
      }
      const first = await picky.find({ admitted: 'true', limit: 4, sort: 'title' });
      expect(first.entries.map(({ metadata }) => metadata.title)).toEqual(['00', '03', '06', '09']);
      expect(first.total).toBe(10);
      const second = await picky.find({ admitted: 'true', limit: 100, sort: 'title', cursor: first.next });
      expect(second.entries.map(({ metadata }) => metadata.title)).toEqual(['12', '15', '18', '21', '24', '27']);
      expect(second.next).toBeUndefined();
      await picky.close();
    });

    test('with the right totals and facets, while entries come, are replaced and expire, and the policy changes', async () => {
      let denied = 'centos';
      const admission = {
        admits: ({ metadata, standing }: RegistryEntry) => metadata.os !== denied && standing !== 'expired',
        basis: () => [denied],
      };
      const picky = await openTestRegistry({ admission });
      const queries = [
        {},
        { format: 'raw' },
        { os: 'debian' },
        { status: 'expired' },
        { status: 'all', format: 'raw' },
        { email: 'joe@example.org' },
        { q: 'image' },
      ] as const;
      /** What every list says, and what judging all entries of the same list comes to. */
      const check = async (): Promise<void> => {
        for (const query of queries) {
          const { total, exact, facets } = await picky.find({ ...query, admitted: 'true' });
          const all = await picky.find({ ...query, limit: 100 });
          const admitted = all.entries.filter(admission.admits);
          const formats = { ...query, format: undefined };
          const others = (await picky.find({ ...formats, limit: 100 })).entries.filter(admission.admits);
          const counted = new Map<string, number>();
          for (const { metadata } of others) {
            const format = metadata.format ?? '';
            counted.set(format, (counted.get(format) ?? 0) + 1);
          }
          expect({
            query,
            total,
            exact,
            formats: new Map(facets.format.map(({ value, count }) => [value, count])),
          }).toEqual({
            query,
            total: admitted.length,
            exact: true,
            formats: counted,
          });
        }
      };
      const upload = (number: number, day: number) =>
        picky.upload({
          image: `image ${number}`,
          title: `image ${number}`,
          os: ['centos', 'debian', 'ubuntu'][(number + day) % 3] ?? '',
          format: number % 2 === 0 ? 'raw' : 'qcow2',
          email: number % 4 === 0 ? 'joe@example.org' : 'jane@example.org',
          endorsed: `2026-01-${String(day).padStart(2, '0')}T00:00:00Z`,
          ...(number % 5 === 0 ? { valid: '2026-07-01T00:00:00Z' } : {}),
        });
      await check();
      for (let number = 0; number < 24; number += 1) await upload(number, 1);
      await check();
      for (let number = 0; number < 24; number += 3) await upload(number, 2);
      await check();
      picky.clock.now = new Date('2026-07-02T00:00:00Z');
      await check();
      denied = 'debian';
      await check();
      picky.clock.now = new Date('2026-06-01T00:00:00Z');
      await check();
      await picky.close();
    });
  });

  describe('parameters', () => {
    test.each([
      { status: 'new' },
      { limit: '0' },
      { limit: '101' },
      { sort: 'id; drop table entries' },
      { os: 'a\0b' },
      { os: ['a', 'b'] },
      { q: 'x'.repeat(201) },
      { location: 'ftp' },
    ])('%j is refused', (query) => {
      expect(entryQuerySchema.safeParse(query).success).toBe(false);
    });

    test.each([
      '',
      'x',
      Buffer.from('[1]').toString('base64url'),
      Buffer.from('["title","a",0,0]').toString('base64url'),
    ])('the cursor %j is refused', async (cursor) => {
      await expect(subject.find({ cursor })).rejects.toMatchObject({ code: 'registry.cursor' });
    });
  });
}
