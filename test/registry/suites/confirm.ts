// Uploads that wait for their endorser: kept, mailed, confirmed, declined, forgotten; and the endorser's limit.
import { randomBytes } from 'node:crypto';
import { beforeEach, afterEach, describe, expect, test } from 'vitest';
import { type Fault } from '../../../src/errors/fault.ts';
import { type Mail } from '../../../src/registry/confirm/message.ts';
import { sendDue, type SendMail } from '../../../src/registry/confirm/outbox.ts';
import { type SubmitRules } from '../../../src/registry/submit.ts';
import { type OpenTestRegistry, type TestRegistry } from '../open-registry.ts';
import { plainDocument, verifyPlain, type PlainEntry } from '../plain-documents.ts';

const jane = 'jane@example.org';
const none = { code: 'registry.no-confirmation' };

const tokenIn = (mail: Mail | undefined): string => /token=(\S+)/u.exec(mail?.text ?? '')?.[1] ?? '';
const refuseForGood: SendMail = () => Promise.reject(Object.assign(new Error('550 unknown'), { permanent: true }));

export function confirmSuite(openTestRegistry: OpenTestRegistry): void {
  let subject: TestRegistry;
  let mails: Mail[];
  const open = async (rules: SubmitRules): Promise<void> => {
    subject = await openTestRegistry({ rules });
    mails = [];
  };
  beforeEach(() => open({ confirmation: { mode: 'new', hours: 24 } }));
  afterEach(() => subject.close());

  const submit = (entry: PlainEntry) => subject.registry.submit(plainDocument(entry), { address: '192.0.2.9' });
  const take: SendMail = (mail) => {
    mails.push(mail);
    return Promise.resolve();
  };
  const post = (send: SendMail = take) =>
    sendDue({
      db: subject.db,
      verify: verifyPlain,
      now: () => subject.clock.now,
      send,
      randomness: randomBytes,
      link: (token) => `https://images.example.org/confirmations?token=${token}`,
      site: 'images.example.org',
    });
  const later = (seconds: number): void => {
    subject.clock.now = new Date(subject.clock.now.getTime() + seconds * 1000);
  };
  const decisions = async (): Promise<readonly string[]> => {
    const rows = await subject.db.query.selectFrom('log_leaves').select('leaf').orderBy('seq').execute();
    return rows.map(({ leaf }) => {
      const { decision, reasons, email } = JSON.parse(leaf.toString()) as Record<string, unknown>;
      return [decision, reasons ?? [], email ?? []].flat(2).join(' ');
    });
  };

  test('an upload waits unseen until it is confirmed, and is then in the log and found', async () => {
    expect(await submit({ title: 'Flora' })).toEqual({
      outcome: 'waiting',
      email: jane,
      expiresAt: '2026-06-02T12:00:00Z',
    });
    expect([(await subject.find({ status: 'all' })).total, await decisions()]).toEqual([0, []]);
    expect(await post()).toEqual({ sent: 1, problems: [] });
    expect(mails).toMatchObject([{ to: jane, subject: 'Confirm your endorsement at images.example.org' }]);
    const token = tokenIn(mails[0]);
    const stored = JSON.stringify(await subject.db.query.selectFrom('confirmation_tokens').selectAll().execute());
    expect(stored).not.toContain(token);

    expect(await subject.registry.confirmations.show(token)).toMatchObject({ email: jane, report: { valid: true } });
    expect((await subject.find({ status: 'all' })).total).toBe(0);
    const { outcome, entry } = await subject.registry.confirmations.confirm(token);
    expect([outcome, entry.metadata.title]).toEqual(['created', 'Flora']);
    expect(await decisions()).toEqual([`confirmed ${jane}`, `accepted ${jane}`]);
    expect(await subject.titles({ q: 'flora' })).toEqual(['Flora']);
    expect((await subject.registry.entry(entry.key)).id).toBe(1);
    await expect(subject.registry.confirmations.confirm(token)).rejects.toMatchObject(none);
    await expect(subject.registry.confirmations.show(token)).rejects.toMatchObject(none);
    expect(await post()).toEqual({ sent: 0, problems: [] });
    const { leaves, failed } = await subject.registry.reindex();
    expect([leaves, failed, await subject.titles({ q: 'flora' })]).toEqual([2, [], ['Flora']]);
  });

  test('who has confirmed a certificate need not do so again; another certificate for the address does', async () => {
    await submit({ image: 'one' });
    await post();
    await subject.registry.confirmations.confirm(tokenIn(mails[0]));
    expect((await submit({ image: 'two' })).outcome).toBe('created');
    const endorser = { email: jane, subject: 'CN=not jane', issuers: ['CN=x'] };
    const endorsement = { created: '2026-01-01T00:00:00Z', endorser };
    expect((await submit({ image: 'three', endorsement })).outcome).toBe('waiting');
  });

  test('where all uploads are confirmed, each one waits', async () => {
    await subject.close();
    await open({ confirmation: { mode: 'all', hours: 24 } });
    for (const image of ['one', 'two']) {
      expect((await submit({ image })).outcome).toBe('waiting');
      await post();
      await subject.registry.confirmations.confirm(tokenIn(mails.at(-1)));
    }
    expect((await subject.find()).total).toBe(2);
  });

  test('what is declined, or not confirmed in time, is refused without a name', async () => {
    await submit({ image: 'one' });
    await submit({ image: 'two' });
    await post();
    await subject.registry.confirmations.decline(tokenIn(mails[0]));
    await expect(subject.registry.confirmations.confirm(tokenIn(mails[0]))).rejects.toMatchObject(none);
    later(24 * 3600);
    await expect(subject.registry.confirmations.confirm(tokenIn(mails[1]))).rejects.toMatchObject(none);
    expect(await subject.registry.confirmations.expire()).toBe(1);
    expect(await decisions()).toEqual(['refused confirmation-declined', 'refused confirmation-expired']);
    expect(await subject.db.query.selectFrom('pending_documents').selectAll().execute()).toEqual([]);
    expect(await subject.db.query.selectFrom('confirmation_tokens').selectAll().execute()).toEqual([]);
    expect((await subject.find({ status: 'all' })).total).toBe(0);
  });

  test('what has become too old while it waited is refused when it is confirmed', async () => {
    await submit({ endorsed: '2026-01-01T00:00:00Z' });
    await post();
    await subject.upload({ endorsed: '2026-02-01T00:00:00Z' });
    const confirm = () => subject.registry.confirmations.confirm(tokenIn(mails[0]));
    await expect(confirm()).rejects.toMatchObject({ code: 'registry.older' });
    await expect(confirm()).rejects.toMatchObject(none);
    expect(await decisions()).toEqual([`accepted ${jane}`, `refused registry.older ${jane}`]);
  });

  test('of many confirmations at once, one publishes', async () => {
    await submit({});
    await post();
    const token = tokenIn(mails[0]);
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () =>
        subject.registry.confirmations.confirm(token).then(
          ({ outcome }) => outcome,
          () => 'none',
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1);
    expect(await decisions()).toHaveLength(2);
  });

  describe('a mail', () => {
    test('that is not taken is tried again, later and later; every link is good', async () => {
      await submit({});
      const tokens: string[] = [];
      const fail: SendMail = (mail) => {
        tokens.push(tokenIn(mail));
        return Promise.reject(new Error('451 try again'));
      };
      expect((await post(fail)).problems).toHaveLength(1);
      expect((await post(fail)).problems).toHaveLength(0);
      later(30);
      expect((await post(fail)).problems).toHaveLength(1);
      later(59);
      expect((await post(fail)).problems).toHaveLength(0);
      later(1);
      expect((await post()).sent).toBe(1);
      expect((await post()).sent).toBe(0);
      // The first one may have arrived after all.
      await subject.registry.confirmations.confirm(tokens[0] ?? '');
    });

    test('that never will be taken is given up', async () => {
      await submit({});
      expect((await post(refuseForGood)).problems).toHaveLength(1);
      later(7200);
      expect(await post()).toEqual({ sent: 0, problems: [] });
    });

    test('is not held up by a clock that was set back', async () => {
      await submit({});
      later(-365 * 86_400);
      expect((await post()).sent).toBe(1);
    });

    test('carries the words of a document as one harmless line', async () => {
      await submit({ title: 'A\r\nBcc: all@example.org\u202E\n.\n\u2028https://evil.example/' });
      await post();
      expect(mails[0]?.text).toContain('"A Bcc: all@example.org . https://evil.example/"\n');
    });

    test('goes to one plain address, or nowhere', async () => {
      await expect(submit({ email: 'jane@example.org,joe@example.org' })).rejects.toMatchObject({
        code: 'registry.no-mail',
      });
    });
  });

  test('an address is asked about a few documents at once; the same bytes are asked about once', async () => {
    for (const image of ['1', '2', '3', '4', '5']) await submit({ image });
    expect((await submit({ image: '5' })).outcome).toBe('waiting');
    await expect(submit({ image: '6' })).rejects.toMatchObject({ code: 'registry.too-many-waiting' });
    expect((await post()).sent).toBe(5);
    expect((await submit({ image: '6', email: 'joe@example.org' })).outcome).toBe('waiting');
  });

  test('the same bytes again while they wait change nothing, count for no limit, and mail again within limits', async () => {
    await subject.close();
    await open({ confirmation: { mode: 'all', hours: 24 }, endorserLimit: 2 });
    const first = await submit({});
    const again = async (): Promise<number> => {
      for (let turn = 0; turn < 20; turn += 1) expect(await submit({})).toEqual(first);
      return (await post()).sent;
    };
    // Those that come before the mail is sent are content with it.
    expect(await again()).toBe(1);
    expect(await again()).toBe(0);
    later(3599);
    expect(await again()).toBe(0);
    later(1);
    expect(await again()).toBe(1);
    expect(await again()).toBe(0);
    for (const hour of [1, 2, 3]) {
      later(3600);
      expect(await again()).toBe(hour === 1 ? 1 : 0);
    }
    expect(mails).toHaveLength(3);
    expect((await submit({ image: 'another' })).outcome).toBe('waiting');
    // Each of the links is good, and publishes once.
    await subject.registry.confirmations.confirm(tokenIn(mails[0]));
    await expect(subject.registry.confirmations.confirm(tokenIn(mails[2]))).rejects.toMatchObject(none);
    expect((await submit({})).outcome).toBe('unchanged');
    expect(await decisions()).toEqual([`confirmed ${jane}`, `accepted ${jane}`]);
  });

  test('a mail that was given up is sent when the document comes again, an hour later', async () => {
    await submit({});
    await post(refuseForGood);
    await submit({});
    expect(await post()).toEqual({ sent: 0, problems: [] });
    later(3600);
    await submit({});
    expect((await post()).sent).toBe(1);
  });

  test('what is declined while it is being confirmed is either published or refused', async () => {
    const { confirmations } = subject.registry;
    for (const image of ['1', '2', '3', '4', '5']) {
      await submit({ image });
      await post();
      const token = tokenIn(mails.at(-1));
      const before = (await decisions()).length;
      await Promise.allSettled([confirmations.decline(token), confirmations.confirm(token)]);
      const made = (await decisions()).slice(before).map((decision) => decision.split(' ')[0]);
      expect([['refused'], ['confirmed', 'accepted']]).toContainEqual(made);
      await subject.db.query.deleteFrom('confirmed_signers').execute();
    }
  });

  test('what came by another way while it waited is not refused when its time is over', async () => {
    await submit({});
    await subject.upload({});
    later(24 * 3600);
    expect(await subject.registry.confirmations.expire()).toBe(1);
    expect(await decisions()).toEqual([`accepted ${jane}`]);
  });

  test('an endorser has a number of documents taken in within an hour', async () => {
    await subject.close();
    await open({ endorserLimit: 2 });
    for (const image of ['1', '2']) expect((await submit({ image })).outcome).toBe('created');
    later(1800);
    await expect(submit({ image: '3' })).rejects.toMatchObject({
      code: 'registry.endorser-limit',
      details: { retryAfter: 1800 },
    });
    expect((await submit({ image: '1' })).outcome).toBe('unchanged');
    expect((await submit({ image: '3', email: 'joe@example.org' })).outcome).toBe('created');
    expect((await subject.upload({ image: '4' })).outcome).toBe('created');
    expect(await decisions()).toHaveLength(4);
    later(1800);
    expect((await submit({ image: '3' })).outcome).toBe('created');
  });

  test('of many documents at once as many of each endorser are taken in as may be', async () => {
    await subject.close();
    await open({ endorserLimit: 3 });
    const images = Array.from({ length: 20 }, (_, index) => `image ${index}`);
    const uploads = images.flatMap((image) => [submit({ image }), submit({ image, email: 'joe@example.org' })]);
    const outcomes = await Promise.all(
      uploads.map((upload) =>
        upload.then(
          ({ outcome }) => outcome,
          (error: unknown) => (error as Fault).code,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(6);
    expect(outcomes.filter((outcome) => outcome === 'registry.endorser-limit')).toHaveLength(34);
    const counted = await subject.db.query.selectFrom('endorser_uploads').selectAll().orderBy('email').execute();
    expect(counted.map(({ email, uploads: had }) => [email, had])).toEqual([
      [jane, 3],
      ['joe@example.org', 3],
    ]);
  });
}
