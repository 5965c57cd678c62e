// A mail server of Debian's (aiosmtpd) for one test: takes mails, or refuses them with the answer that the test sets.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** What a suite with mails needs. */
export const smtpTools: readonly string[] = ['/usr/bin/python3', '/usr/lib/python3/dist-packages/aiosmtpd/__init__.py'];

/** Prints its port, then each mail as one line of JSON; a line on its input is the answer from then on. */
const program = `
import asyncio, json, sys
from email import message_from_bytes, policy
from aiosmtpd.smtp import SMTP
answer = '250 taken'
class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if not answer.startswith('250'):
            print(json.dumps({'refused': address}), flush=True)
            return answer
        envelope.rcpt_tos.append(address)
        return '250 fine'
    async def handle_DATA(self, server, session, envelope):
        message = message_from_bytes(envelope.content, policy=policy.default)
        said = {'to': envelope.rcpt_tos, 'from': envelope.mail_from, 'headers': dict(message.items()),
                'text': message.get_body().get_content()}
        print(json.dumps(said), flush=True)
        return answer
async def main():
    global answer
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), hostname='mail.test'), '127.0.0.1', 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        answer = line.strip()
        print(json.dumps({'answer': answer}), flush=True)
asyncio.run(main())
`;

export interface ReceivedMail {
  readonly to: readonly string[];
  readonly from: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface MailServer {
  readonly url: string;
  /** The next mail, or the next refusal (`undefined`). */
  next(): Promise<ReceivedMail | undefined>;
  /** What it answers from now on, such as `451 later`; `250 taken` takes mails. */
  answer(line: string): Promise<void>;
  stop(): Promise<void>;
}

export async function startMailServer(): Promise<MailServer> {
  const child: ChildProcess = spawn('/usr/bin/python3', ['-c', program], { stdio: ['pipe', 'pipe', 'inherit'] });
  if (child.stdout === null) throw new Error('no output');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async (): Promise<string> => {
    const next: IteratorResult<string, unknown> = await lines.next();
    if (next.done === true) throw new Error('the mail server has ended');
    return next.value;
  };
  const port = await line();
  return {
    url: `smtp://127.0.0.1:${port}`,
    next: async () => {
      const said = JSON.parse(await line()) as ReceivedMail | { readonly refused: string };
      return 'refused' in said ? undefined : said;
    },
    answer: async (wanted) => {
      child.stdin?.write(`${wanted}\n`);
      while (!(await line()).includes('"answer"'));
    },
    stop: async () => {
      const ended = once(child, 'exit');
      child.stdin?.end();
      await ended;
    },
  };
}
