// `mintmark metadata upload`: signed documents into a registry.
import { z } from 'zod';
import { Fault } from '../src/errors/fault.ts';
import { documentLimits } from '../src/xml/limits.ts';
import { connect, withServerFlags, type Api, type ServerFlags } from './api.ts';
import { type CommandGroup } from './context.ts';
import { readDocument } from './metadata-file.ts';
import { answer, commandGroup } from './print.ts';

const uploaded = z.union([
  z.object({ outcome: z.enum(['created', 'unchanged']), entry: z.looseObject({ path: z.string() }) }),
  z.object({ outcome: z.literal('waiting'), email: z.string(), expiresAt: z.string() }),
]);

/** Sends one document. What the server has against it is told with the name of the file. */
async function send(api: Api, file: string, body: Uint8Array) {
  try {
    const response = await api.send('/metadata', {
      method: 'POST',
      headers: { 'Content-Type': 'application/xml', 'Accept': 'application/json' },
      body,
    });
    return { answered: await api.read(uploaded, response), base: response.url };
  } catch (error) {
    if (!(error instanceof Fault) || error.code === 'unreachable') throw error;
    const { code, message, action, details, cause } = error;
    throw new Fault(code, `${file}: ${message}`, { action, details, ...(cause === undefined ? {} : { cause }) });
  }
}

export const uploadCommands: CommandGroup = (program, context) => {
  withServerFlags(
    commandGroup(program, 'metadata').command('upload').description('publish signed documents in a registry'),
  )
    .argument('<file...>', "signed metadata documents ('-' for standard input)")
    .action(async (files: readonly string[], flags: ServerFlags) => {
      const api = await connect(context, flags);
      for (const file of files) {
        const bytes = await readDocument(context, file);
        if (bytes.length > documentLimits.bytes) {
          throw new Fault('usage', `${file} is larger than a document may be (${documentLimits.bytes} bytes)`, {
            action: 'Name the signed metadata document, not the image that it is about.',
          });
        }
        const { answered, base } = await send(api, file, bytes);
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
        const url = new URL(entry.path, base).href;
        answer(context, flags, { file, outcome, url, entry }, () =>
          outcome === 'created' ? `${file}: accepted as ${url}` : `${file}: is there already, at ${url}`,
        );
      }
    });
};
