// E-mail confirmation through a whole server and a real mail server: the mail, the page, and what survives a restart.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mintmarkJson } from '../e2e/command.ts';
import { smtpTools, startMailServer, type MailServer, type ReceivedMail } from '../mail/smtp-server.ts';
import { describeWithTools } from '../setup/tools.ts';
import { TestServer } from './running-server.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const jane = 'jane.tester@example.org';

function linkIn(received: ReceivedMail | undefined): URL {
  const [link] = /http\S+/u.exec(received?.text ?? '') ?? [];
  return new URL(link ?? 'http://no.link.invalid/');
}

describeWithTools('uploads that their endorser confirms', smtpTools, () => {
  let mail: MailServer;
  let server: TestServer;
  beforeAll(async () => {
    mail = await startMailServer();
    const from = { 'confirm': 'all', 'smtp-url': mail.url, 'mail-from': 'registry@images.example.org' };
    server = await TestServer.open(from);
  });
  afterAll(async () => {
    await server?.close();
    await mail?.stop();
  });

  const html = { accept: 'text/html' };
  const decide = (link: URL, decision: string, accept = 'text/html') =>
    server.fetch('/confirmations', {
      method: 'POST',
      headers: { accept },
      body: new URLSearchParams({ token: link.searchParams.get('token') ?? '', decision }),
    });
  const total = async (): Promise<unknown> =>
    ((await (await server.fetch('/metadata?status=all')).json()) as { total: number }).total;
  const decisions = async (): Promise<readonly string[]> => {
    const { entries } = (await (await server.fetch('/log')).json()) as {
      entries: { decision: { decision: string } }[];
    };
    return entries.map(({ decision }) => decision.decision);
  };

  test('a link that is opened shows the document; a form publishes it', async () => {
    const response = await server.upload(await server.document('one', Buffer.alloc(512, 'one')));
    expect([response.status, await response.json()]).toMatchObject([202, { outcome: 'waiting', email: jane }]);
    const received = await mail.next();
    expect(received).toMatchObject({ to: [jane], from: 'registry@images.example.org' });
    expect(received?.headers).toMatchObject({ 'Auto-Submitted': 'auto-generated', 'To': jane });
    const link = linkIn(received);
    expect(link.origin).toBe(server.url);

    // Twice, as a mail scanner and then a person would.
    await server.fetch(link.pathname + link.search, { headers: html });
    const page = await server.fetch(link.pathname + link.search, { headers: html });
    expect([page.status, page.headers.get('cache-control'), page.headers.get('referrer-policy')]).toEqual([
      200,
      'no-store',
      'no-referrer',
    ]);
    expect(await page.text()).toContain('Image one');
    expect(await total()).toBe(0);

    const confirmed = await decide(link, 'confirm');
    expect(confirmed.status).toBe(303);
    expect((await server.fetch(confirmed.headers.get('location') ?? '')).status).toBe(200);
    expect([await total(), await decisions()]).toEqual([1, ['accepted', 'confirmed']]);
    expect((await decide(link, 'confirm')).status).toBe(404);
  });

  test('a mail that the server does not take now is sent after a restart; declined, it is refused', async () => {
    await mail.answer('451 not now');
    const form = new FormData();
    form.set('document', new Blob([await server.document('two', Buffer.alloc(512, 'two'))]), 'two.xml');
    const response = await server.fetch('/metadata', { method: 'POST', body: form, headers: html });
    const page = (await response.text()).replaceAll('<wbr/>', '');
    expect([response.status, page]).toEqual([202, expect.stringContaining(jane)]);
    expect(await mail.next()).toBeUndefined();
    await mail.answer('250 taken');
    server.forward(60);
    await server.restart();
    const link = linkIn(await mail.next());
    expect((await decide(link, 'decline')).status).toBe(200);
    expect((await decide(link, 'confirm', 'application/json')).status).toBe(404);
    expect([await total(), (await decisions())[0]]).toEqual([1, 'refused']);
  });

  test('the command tells that an upload waits', async () => {
    const file = join(server.folder, 'three.xml');
    writeFileSync(file, await server.document('three', Buffer.alloc(512, 'three')));
    expect(await mintmarkJson(['metadata', 'upload', file, '--server', server.url])).toMatchObject({
      outcome: 'waiting',
      email: jane,
    });
    await mail.next();
  });

  test.each(['/confirmations', '/confirmations?token=x', `/confirmations?token=${'x'.repeat(200)}`])(
    '%s leads nowhere',
    async (path) => {
      expect([400, 404]).toContain((await server.fetch(path, { headers: html })).status);
      expect([400, 404]).toContain((await decide(new URL(path, server.url), 'confirm')).status);
    },
  );
});

test('confirmation without a mail server is refused at the start', async () => {
  await expect(TestServer.open({ confirm: 'new' })).rejects.toMatchObject({
    code: 'config.invalid',
    message: '--confirm new needs --smtp-url',
  });
});
