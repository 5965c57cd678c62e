// `mintmark endorser`: who endorses what.
import { z } from 'zod';
import { connect, withServerFlags, type ServerFlags } from './api.ts';
import { type CommandGroup } from './context.ts';
import { answer, table } from './print.ts';

const endorserShape = z.looseObject({
  email: z.string(),
  subject: z.string(),
  issuer: z.string(),
  fingerprint: z.string(),
  firstCreated: z.string(),
  lastCreated: z.string(),
  entries: z.number(),
  images: z.number(),
});
const listShape = z.looseObject({ endorsers: z.array(endorserShape), total: z.number(), next: z.string().optional() });

function listText({ endorsers, total, next }: z.output<typeof listShape>, width: number | undefined): string {
  if (endorsers.length === 0) return total === 0 ? 'nobody has endorsed an image here' : 'no endorser comes after that';
  const rows = endorsers.map((one) => [one.email, one.subject, String(one.images), one.firstCreated, one.lastCreated]);
  const shown = table([['email', 'subject', 'images', 'since', 'last'], ...rows], { width, columns: [0, 1] });
  const rest = next === undefined ? '' : `\nmore: add --after ${next}`;
  return `${shown}\n${endorsers.length} of ${total}${rest}`;
}

const detailsShape = endorserShape.extend({
  tags: z.array(z.looseObject({ tag: z.string(), identifier: z.string() })),
});

export const endorserCommands: CommandGroup = (program, context) => {
  const endorser = program.command('endorser').description('look for those who endorse images');

  withServerFlags(endorser.command('list').description('list endorsers'))
    .option('--after <email>', 'begin after this one')
    .option('--limit <n>', 'endorsers at most, 1 to 100 (default 50)')
    .action(async (flags: ServerFlags & { readonly after?: string; readonly limit?: string }) => {
      const query = new URLSearchParams();
      if (flags.after !== undefined) query.set('after', flags.after);
      if (flags.limit !== undefined) query.set('limit', flags.limit);
      const list = await (await connect(context, flags)).json(listShape, `/endorsers?${query.toString()}`);
      answer(context, flags, list, () => listText(list, context.stdout.columns));
    });

  withServerFlags(endorser.command('show').description('show one endorser'))
    .argument('<email>', 'e-mail address')
    .action(async (email: string, flags: ServerFlags) => {
      const api = await connect(context, flags);
      const shown = await api.json(detailsShape, `/endorsers/${encodeURIComponent(email)}`);
      answer(context, flags, shown, () =>
        table([
          ['email', shown.email],
          ['subject', shown.subject],
          ['issuer', shown.issuer],
          ['certificate', `SHA-256 ${shown.fingerprint}`],
          ['images', String(shown.images)],
          ['since', shown.firstCreated],
          ['last', shown.lastCreated],
          ...shown.tags.map(({ tag, identifier }) => ['tag', `${tag} = ${identifier}`]),
        ]),
      );
    });
};
