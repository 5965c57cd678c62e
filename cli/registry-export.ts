// `mintmark registry export`: a whole registry in one file, from its server or its data folder.
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Fault } from '../src/errors/fault.ts';
import { copyBundle, exportBundle } from '../src/registry/mirror/bundle.ts';
import { defaultServer } from './api.ts';
import { type CliContext } from './context.ts';
import { fileFault } from './files.ts';
import { answer } from './print.ts';
import { checkBundle, mustHaveRegistry, onSite, type RegistryFlags } from './registry-following.ts';
import { remoteRegistry } from './registry-source.ts';
import { configFromFlags } from './settings-flags.ts';

async function write(file: string, lines: AsyncGenerator<string>, { signal }: CliContext): Promise<void> {
  try {
    await pipeline(Readable.from(lines), createWriteStream(file), { signal });
  } catch (error) {
    if (signal.aborted) throw new Fault('cancelled', 'stopped; nothing was written');
    if (error instanceof Fault) throw error;
    throw fileFault('written', file, error, 'Name a file in a folder that is there.');
  }
}

/** The file appears under its name only once it is whole and has been checked. */
export async function exportRegistry(
  context: CliContext,
  flags: RegistryFlags & { readonly output: string },
): Promise<void> {
  const { output, server } = flags;
  const kept = flags.data ?? flags.database;
  if (kept !== undefined && server !== undefined) {
    throw new Fault('usage', 'give either --server or --data', {
      action: '--server exports what a running registry serves, --data and --database what is kept there.',
    });
  }
  const part = `${output}.part`;
  try {
    if (kept === undefined) {
      const remote = remoteRegistry(server ?? context.env['MINTMARK_SERVER'] ?? defaultServer, context.signal);
      const verifier = flags.verifier ?? (await remote.verifier());
      await write(part, copyBundle(remote.source, verifier), context);
    } else {
      const { config } = configFromFlags(context, flags);
      mustHaveRegistry(config);
      await onSite(context, config, ({ db, decisions, trust }) =>
        write(part, exportBundle(db, decisions, trust), context),
      );
    }
    const { size, verifier } = await checkBundle(context, flags, part);
    await rename(part, output).catch((error: unknown) => {
      throw fileFault('written', output, error, 'Name a file in a folder that is there.');
    });
    answer(context, flags, { file: output, verifier, size }, () => `${output}: ${size} decisions of ${verifier}`);
  } finally {
    await rm(part, { force: true });
  }
}
