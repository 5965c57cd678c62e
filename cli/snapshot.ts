// `mintmark snapshot`: keep what a volume holds at one moment, to clone it later.
import { z } from 'zod';
import { snapshotAnswer } from '../src/http/routes/volumes/schema.ts';
import { connect, withServerFlags, type ServerFlags } from './api.ts';
import { type CommandGroup } from './context.ts';
import { answer, table } from './print.ts';

const snapshotList = z.object({ snapshots: z.array(snapshotAnswer) });

const snapshotRows = (snapshots: readonly z.output<typeof snapshotAnswer>[]): string =>
  snapshots.length === 0
    ? 'there are no snapshots'
    : table([
        ['uuid', 'tag', 'volume', 'bytes', 'created'],
        ...snapshots.map(({ uuid, tag, volume, size, created }) => [uuid, tag ?? '-', volume, String(size), created]),
      ]);

export const snapshotCommands: CommandGroup = (program, context) => {
  const snapshot = program.command('snapshot').description('keep what volumes hold at one moment');

  withServerFlags(snapshot.command('create').description('keep what a volume holds now, while it is in use, too'))
    .argument('<volume>', 'UUID of the volume')
    .option('--tag <text>', 'a name for people')
    .action(async (volume: string, flags: ServerFlags & { readonly tag?: string }) => {
      const made = await (
        await connect(context, flags)
      ).json(snapshotAnswer, `/volumes/${volume}/snapshots`, {
        method: 'POST',
        body: flags.tag === undefined ? {} : { tag: flags.tag },
      });
      answer(context, flags, made, () => made.uuid);
    });

  withServerFlags(snapshot.command('list').description('list snapshots')).action(async (flags: ServerFlags) => {
    const { snapshots } = await (await connect(context, flags)).json(snapshotList, '/snapshots');
    answer(context, flags, snapshots, () => snapshotRows(snapshots));
  });

  withServerFlags(snapshot.command('show').description('show one snapshot'))
    .argument('<snapshot>', 'UUID of the snapshot')
    .action(async (uuid: string, flags: ServerFlags) => {
      const shown = await (await connect(context, flags)).json(snapshotAnswer, `/snapshots/${uuid}`);
      answer(context, flags, shown, () => snapshotRows([shown]));
    });

  withServerFlags(snapshot.command('delete').description('delete a snapshot that nothing was cloned from'))
    .argument('<snapshot>', 'UUID of the snapshot')
    .action(async (uuid: string, flags: ServerFlags) => {
      await (await connect(context, flags)).json(z.undefined(), `/snapshots/${uuid}`, { method: 'DELETE' });
      answer(context, flags, { deleted: uuid }, () => `${uuid} is deleted`);
    });
};
