// `mintmark metadata download`: a signed document as it was uploaded; whose and which may be left out where that is clear.
import { z } from 'zod';
import { Fault } from '../src/errors/fault.ts';
import { isIdentifier } from '../src/metadata/identifier.ts';
import { isEmail, isTimestamp } from '../src/metadata/values.ts';
import { connect, withServerFlags, type Api, type ServerFlags } from './api.ts';
import { type CliContext, type CommandGroup } from './context.ts';
import { commandGroup } from './print.ts';

const imageShape = z.looseObject({
  endorsements: z.array(z.looseObject({ email: z.string(), created: z.string(), standing: z.string() })),
});

/** The newest endorsement of an image: of this endorser, or of the only one there is. */
async function newestOf(api: Api, identifier: string, email: string | undefined) {
  const { endorsements } = await api.json(imageShape, `/images/${identifier}`);
  const [first, ...others] = endorsements.filter((one) => email === undefined || one.email === email);
  if (first !== undefined && others.length === 0) return first;
  const choices = endorsements.map((one) => `mintmark metadata download ${identifier} ${one.email}`).join('\n  ');
  if (first === undefined) {
    throw new Fault('registry.no-entry', `${email ?? 'nobody'} does not endorse this image`, {
      action: `Others do:\n  ${choices}`,
    });
  }
  throw new Fault('usage', `${endorsements.length} people endorse this image, each in a document of their own`, {
    action: `Say whose you want:\n  ${choices}`,
  });
}

const wrong = (text: string, is: string, action: string): Fault =>
  new Fault('usage', `"${text}" is no ${is}`, { action });

function checkForms(identifier: string, email: string | undefined, created: string | undefined): void {
  if (!isIdentifier(identifier)) {
    const action = 'An identifier has 27 characters of A-Z a-z 0-9 - _; look it up with "mintmark image search".';
    throw wrong(identifier, 'identifier of an image', action);
  }
  if (email !== undefined && !isEmail(email)) {
    throw wrong(email, 'e-mail address', 'Give the address of the endorser, such as jane@example.org.');
  }
  if (created !== undefined && !isTimestamp(created)) {
    throw wrong(created, 'date of an endorsement', 'Write it as 2026-03-01T12:00:00Z, or leave it out for the newest.');
  }
}

async function download(
  context: CliContext,
  flags: ServerFlags,
  [identifier, email, created]: readonly [string, string | undefined, string | undefined],
): Promise<void> {
  checkForms(identifier, email, created);
  const api = await connect(context, flags);
  let key = email === undefined || created === undefined ? undefined : { email, created };
  if (key === undefined) {
    const newest = await newestOf(api, identifier, email);
    context.stderr.write(`${newest.email}, endorsed ${newest.created}, ${newest.standing}\n`);
    key = newest;
  }
  const path = [identifier, key.email, key.created].map(encodeURIComponent).join('/');
  const response = await api.send(`/metadata/${path}`, {
    headers: { Accept: 'application/xml, application/problem+json' },
  });
  if (response.headers.get('content-type')?.includes('xml') !== true) throw api.noServer();
  // The bytes as they are: text would lose a byte order mark.
  context.stdout.write(Buffer.from(await response.arrayBuffer()));
}

export const downloadCommands: CommandGroup = (program, context) => {
  withServerFlags(
    commandGroup(program, 'metadata')
      .command('download')
      .description('print a signed document, exactly as it was uploaded; check it with "metadata validate"'),
  )
    .argument('<identifier>', 'identifier of the image')
    .argument('[email]', 'e-mail address of the endorser; may be left out where only one endorses the image')
    .argument('[created]', 'date of the endorsement, YYYY-MM-DDThh:mm:ssZ (default: the newest)')
    .action((identifier: string, email: string | undefined, created: string | undefined, flags: ServerFlags) =>
      download(context, flags, [identifier, email, created]),
    );
};
