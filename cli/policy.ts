// `mintmark policy`: what the site admits, and the verdict on one image.
import { z } from 'zod';
import { exitCodes } from '../src/errors/table.ts';
import { connect, withServerFlags, type ServerFlags } from './api.ts';
import { type CommandGroup } from './context.ts';
import { answer } from './print.ts';

const shownShape = z.looseObject({ policy: z.looseObject({}) });
const checkShape = z.object({
  identifier: z.string(),
  admitted: z.boolean(),
  verdicts: z.array(
    z.object({
      identifier: z.string(),
      email: z.string(),
      created: z.string(),
      admitted: z.boolean(),
      rules: z.array(z.object({ rule: z.string(), verdict: z.string(), reason: z.string() })),
    }),
  ),
});

export const policyCommands: CommandGroup = (program, context) => {
  const policy = program.command('policy').description('what may run on this site');

  withServerFlags(policy.command('show').description('print the policy in force')).action(
    async (flags: ServerFlags) => {
      const shown = await (await connect(context, flags)).json(shownShape, '/policy');
      answer(context, flags, shown, () => JSON.stringify(shown, undefined, 2));
    },
  );

  withServerFlags(
    policy.command('check').description('print the verdict of every rule on an image; exit code 4 if refused'),
  )
    .argument('<identifier>', 'identifier of the image')
    .option('--email <email>', 'look at the endorsement of this endorser only')
    .action(async (identifier: string, flags: ServerFlags & { readonly email?: string }) => {
      const checked = await (
        await connect(context, flags)
      ).json(checkShape, '/policy/check', {
        method: 'POST',
        body: { identifier, ...(flags.email === undefined ? {} : { email: flags.email }) },
      });
      answer(context, flags, checked, () =>
        [
          `${identifier} is ${checked.admitted ? 'admitted' : 'not admitted'}`,
          ...checked.verdicts.flatMap(({ email, created, rules }) => [
            `  endorsed by ${email} on ${created}:`,
            ...rules.map(({ rule, verdict, reason }) => `    ${verdict} (${rule}): ${reason}`),
          ]),
          ...(checked.verdicts.length === 0 ? ['  nobody endorses it here'] : []),
        ].join('\n'),
      );
      if (!checked.admitted) process.exitCode = exitCodes.refused;
    });
};
