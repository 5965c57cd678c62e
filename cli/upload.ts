// `mintmark metadata upload` and `download`: signed documents to and from a registry.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Fault } from '../src/errors/fault.ts';
import { connect, withServerFlags, type ServerFlags } from './api.ts';
import { type CommandGroup } from './context.ts';
import { answer, commandGroup } from './print.ts';

const uploaded = z.union([
  z.object({ outcome: z.enum(['created', 'unchanged']), entry: z.looseObject({ path: z.string() }) }),
  z.object({ outcome: z.literal('waiting'), email: z.string(), expiresAt: z.string() }),
]);

async function documentBytes(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new Fault('usage', `${file} cannot be read`, { cause: error, action: 'Name a signed metadata document.' });
  }
}

export const uploadCommands: CommandGroup = (program, context) => {
  const metadata = commandGroup(program, 'metadata');

  withServerFlags(metadata.command('upload').description('publish signed documents in a registry'))
    .argument('<file...>', 'signed metadata documents')
    .action(async (files: readonly string[], flags: ServerFlags) => {
      const api = await connect(context, flags);
      for (const file of files) {
        const response = await api.send('/metadata', {
          method: 'POST',
          headers: { 'Content-Type': 'application/xml', 'Accept': 'application/json' },
          body: await documentBytes(file),
        });
        const answered = uploaded.parse(await response.json());
        if (answered.outcome === 'waiting') {
          const { email, expiresAt } = answered;
          answer(
            context,
            flags,
            { file, ...answered },
            () => `${file}: waits until ${email} opens the link that is mailed there, by ${expiresAt}`,
          );
          continue;
        }
        const { outcome, entry } = answered;
        const url = new URL(entry.path, response.url).href;
        answer(context, flags, { file, outcome, url, entry }, () =>
          outcome === 'created' ? `${file}: accepted as ${url}` : `${file}: is there already, at ${url}`,
        );
      }
    });

  withServerFlags(metadata.command('download').description('print a signed document, exactly as it was uploaded'))
    .argument('<identifier>', 'identifier of the image')
    .argument('<email>', 'e-mail address of the endorser')
    .argument('<created>', 'date of the endorsement, YYYY-MM-DDThh:mm:ssZ')
    .action(async (identifier: string, email: string, created: string, flags: ServerFlags) => {
      const api = await connect(context, flags);
      const response = await api.send(`/metadata/${identifier}/${encodeURIComponent(email)}/${created}`, {
        headers: { Accept: 'application/xml, application/problem+json' },
      });
      // The bytes as they are: text would lose a byte order mark.
      context.stdout.write(Buffer.from(await response.arrayBuffer()));
    });
};
