// Accepting: what is taken, what is refused and why, and that nothing that was accepted changes.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Fault } from '../../../src/errors/fault.ts';
import { type Accepted } from '../../../src/registry/accept.ts';
import { withinTime } from '../../setup/within-time.ts';
import { expectRightCounts } from '../counted-anew.ts';
import { type OpenTestRegistry, type TestRegistry } from '../open-registry.ts';
import { plainDocument, plainMetadata, type PlainEntry } from '../plain-documents.ts';
import { indexRows } from './reindex.ts';

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  return promise.then(
    () => Promise.reject(new Error('it was accepted')),
    (error: unknown) => error as Fault,
  );
}

const time = (day: number): string => `2026-01-0${day}T00:00:00Z`;

const outcomeOf = (upload: Promise<Accepted>): Promise<unknown> =>
  upload.then(
    ({ outcome, entry }) => [outcome, entry.id, entry.key],
    (error: unknown) => (error as Fault).code,
  );
const endOf = async ({ db }: TestRegistry) => {
  const leaves = await db.query.selectFrom('log_leaves').selectAll().orderBy('seq').execute();
  const kept = await db.query.selectFrom('documents').selectAll().orderBy('id').execute();
  return { index: await indexRows(db), leaves, kept };
};

export function acceptSuite(openTestRegistry: OpenTestRegistry): void {
  let subject: TestRegistry;
  beforeEach(async () => {
    subject = await openTestRegistry();
  });
  afterEach(() => subject.close());

  function decisions(): Promise<readonly Record<string, unknown>[]> {
    return subject.db.query
      .selectFrom('log_leaves')
      .select('leaf')
      .orderBy('seq')
      .execute()
      .then((rows) => rows.map(({ leaf }) => JSON.parse(leaf.toString()) as Record<string, unknown>));
  }

  describe('a document that verifies', () => {
    test('becomes an entry, with its bytes kept exactly', async () => {
      const bytes = plainDocument({ image: 'a', title: 'Flora' });
      const { outcome, entry } = await subject.registry.accept(bytes, {});
      expect(outcome).toBe('created');
      expect(entry.standing).toBe('valid');
      expect(entry.metadata.title).toBe('Flora');
      expect(await subject.registry.document(entry.key)).toEqual(bytes);
      expect(await subject.registry.entry(entry.key)).toEqual(entry);
    });

    test('is the same entry when it comes again, also after it was replaced', async () => {
      const first = await subject.upload({ endorsed: '2026-01-01T00:00:00Z' });
      await subject.upload({ endorsed: '2026-01-02T00:00:00Z' });
      const again = await subject.upload({ endorsed: '2026-01-01T00:00:00Z' });
      expect(again.outcome).toBe('unchanged');
      expect(again.entry.key).toEqual(first.entry.key);
      expect(again.entry.standing).toBe('replaced');
      expect(await decisions()).toHaveLength(2);
    });

    test('with the key of another document is refused, and the first one stays', async () => {
      const first = await subject.upload({ title: 'one' });
      const fault = await faultOf(subject.upload({ title: 'two' }));
      expect(fault.code).toBe('registry.key-taken');
      expect((await subject.registry.entry(first.entry.key)).metadata.title).toBe('one');
    });

    test('that is older than the newest of its image and endorser is refused', async () => {
      await subject.upload({ endorsed: '2026-01-02T00:00:00Z' });
      const fault = await faultOf(subject.upload({ endorsed: '2026-01-01T00:00:00Z' }));
      expect(fault.code).toBe('registry.older');
      expect(fault.details).toMatchObject({ newest: '2026-01-02T00:00:00Z', created: '2026-01-01T00:00:00Z' });
    });

    test('of another endorser for the same image is an entry of its own', async () => {
      await subject.upload({ email: 'jane@example.org', endorsed: '2026-01-02T00:00:00Z' });
      await subject.upload({ email: 'joe@example.org', endorsed: '2026-01-01T00:00:00Z' });
      const { identifier } = plainMetadata({});
      expect((await subject.registry.image(identifier)).map(({ key }) => key.email)).toEqual([
        'jane@example.org',
        'joe@example.org',
      ]);
    });
  });

  test('a newer entry replaces the older one, which stays in the history', async () => {
    await subject.upload({ title: 'old', endorsed: '2026-01-01T00:00:00Z' });
    await subject.upload({ title: 'new', endorsed: '2026-01-02T00:00:00Z' });
    const { identifier } = plainMetadata({});
    const history = await subject.registry.history(identifier, 'jane@example.org');
    expect(history.map(({ metadata, standing }) => [metadata.title, standing])).toEqual([
      ['new', 'valid'],
      ['old', 'replaced'],
    ]);
    expect((await subject.registry.current(identifier, 'jane@example.org'))?.metadata.title).toBe('new');
  });

  test('a document that does not verify is refused with every failure, and is not kept', async () => {
    const fault = await faultOf(subject.registry.accept(Buffer.from('<html'), { address: '192.0.2.7' }));
    expect(fault.code).toBe('registry.refused');
    expect(fault.details['failures']).toEqual([
      { code: 'not-xml', line: 1, message: 'The document is not well-formed' },
      { code: 'signature-missing', element: 'rdf:RDF', message: 'The document is not signed' },
    ]);
    expect((await subject.find({ status: 'all' })).total).toBe(0);
  });

  test('a check says what would become of a document, and writes nothing', async () => {
    const check = async (bytes: Buffer) => {
      const { accepted, title, failures } = await subject.registry.check(bytes);
      return [accepted, title, ...failures.map(({ code }) => code)];
    };
    const refused = 'This document would be refused';
    const newest = plainDocument({ endorsed: '2026-01-02T00:00:00Z' });
    expect(await check(newest)).toEqual([true, 'This document can be published']);
    await subject.registry.accept(newest, {});
    expect(await check(newest)).toEqual([true, 'This document is here already']);
    expect(await check(plainDocument({ endorsed: '2026-01-01T00:00:00Z' }))).toEqual([
      false,
      refused,
      'registry.older',
    ]);
    expect(await check(Buffer.from('x'))).toEqual([false, refused, 'not-xml', 'signature-missing']);
    expect(await decisions()).toHaveLength(1);
  });

  test('every decision is in the log, and nothing of the sender', async () => {
    await subject.upload({});
    await faultOf(subject.upload({ title: 'other' }));
    await faultOf(subject.registry.accept(Buffer.from('x'), { address: '192.0.2.7' }));
    await subject.upload({ endorsed: '2026-01-02T00:00:00Z', deprecated: 'a hole' });
    const withdrawal = { from: '2026-01-03T00:00:00Z', reason: 'the key was stolen' };
    await subject.upload({ endorsed: '2026-01-03T00:00:00Z', deprecated: withdrawal.reason, withdrawal });
    const { identifier } = plainMetadata({});
    expect(await decisions()).toMatchObject([
      { v: 1, decision: 'accepted', identifier, email: 'jane@example.org', at: '2026-06-01T12:00:00Z' },
      { decision: 'refused', identifier, reasons: ['registry.key-taken'] },
      { decision: 'refused', reasons: ['not-xml', 'signature-missing'] },
      { decision: 'deprecated', identifier },
      { decision: 'revoked', identifier },
    ]);
    const rows = await subject.db.query.selectFrom('log_leaves').select(['address', 'leaf']).orderBy('seq').execute();
    expect(rows[2]?.address).toBe('192.0.2.7');
    expect(rows.every(({ leaf }) => !leaf.includes('192.0.2'))).toBe(true);
  });

  test('of many uploads of one key at once, one is accepted', async () => {
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, number) =>
        subject.upload({ title: `version ${number}` }).then(
          ({ outcome }) => outcome,
          (error: unknown) => (error as Fault).code,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'registry.key-taken')).toHaveLength(19);
  });

  test('of many uploads of the same bytes at once, one creates and the others change nothing', async () => {
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => subject.upload({})));
    expect(outcomes.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
    expect((await subject.find({ status: 'all' })).total).toBe(1);
    expect(await decisions()).toHaveLength(1);
  });

  test('documents that come at the same moment end as those that come one after the other', async () => {
    const documents = fc.array(
      fc
        .record({
          image: fc.constantFrom('one', 'two', 'three'),
          email: fc.constantFrom('jane@example.org', 'joe@example.org'),
          endorsed: fc.integer({ min: 1, max: 6 }).map(time),
          title: fc.constantFrom('a', 'b'),
          os: fc.constantFrom('centos', 'ubuntu'),
          deprecated: fc.constantFrom(undefined, 'old'),
          valid: fc.constantFrom(undefined, '2026-03-01T00:00:00Z'),
        })
        .map((entry): PlainEntry => JSON.parse(JSON.stringify(entry)) as PlainEntry),
      { minLength: 2, maxLength: 40 },
    );
    const property = fc.asyncProperty(
      documents,
      withinTime(4000, async (entries) => {
        const [each, all] = [await openTestRegistry(), await openTestRegistry()];
        const outcomes: unknown[] = [];
        for (const entry of entries) outcomes.push(await outcomeOf(each.upload(entry)));
        expect(await Promise.all(entries.map((entry) => outcomeOf(all.upload(entry))))).toEqual(outcomes);
        expect(await endOf(all)).toEqual(await endOf(each));
        await expectRightCounts(all.db);
        await Promise.all([each.close(), all.close()]);
      }),
    );
    await fc.assert(property, { numRuns: 200 });
  });
}
