// `mintmark cache pin|unpin|evict|usage|gc|scrub|rate|cancel`: what stays in the cache, what goes, and whether all is sound.
import { z } from 'zod';
import { Fault } from '../src/errors/fault.ts';
import { exitCodes } from '../src/errors/table.ts';
import {
  collectionAnswer,
  evictionAnswer,
  pinAnswer,
  rateBody,
  scrubAnswer,
  usageAnswer,
} from '../src/http/routes/cache/schema.ts';
import { connect, withServerFlags, type Api, type ServerFlags } from './api.ts';
import { type CommandGroup } from './context.ts';
import { answer, commandGroup, table } from './print.ts';
import { parseSize } from './size.ts';

interface DryRunFlags extends ServerFlags {
  readonly dryRun?: boolean;
}
interface EvictFlags extends DryRunFlags {
  readonly free?: string;
}

interface ScrubFlags extends ServerFlags {
  readonly restart?: boolean;
  readonly cancel?: boolean;
}

const identifierHelp = ['<identifier>', 'identifier of the image'] as const;
const dryRunHelp = ['--dry-run', 'say what would be done, and do nothing'] as const;
const pathOf = (identifier: string): string => `/cache/${encodeURIComponent(identifier)}`;

async function evict(api: Api, identifier: string | undefined, flags: EvictFlags): Promise<Eviction> {
  const dryRun = flags.dryRun === true;
  if ((identifier === undefined) === (flags.free === undefined)) {
    throw new Fault('usage', 'evict one image, or as many as free some room', {
      action: 'Give either an identifier or --free SIZE.',
    });
  }
  if (identifier !== undefined)
    return await api.json(evictionAnswer, `${pathOf(identifier)}?dryRun=${dryRun}`, { method: 'DELETE' });
  const body = { freeBytes: parseSize(flags.free ?? ''), dryRun };
  return await api.json(evictionAnswer, '/cache/evictions', { method: 'POST', body });
}

type Eviction = z.output<typeof evictionAnswer>;

function evictionText({ dryRun, evicted, bytes }: Eviction): string {
  if (evicted.length === 0) return 'no image can go: all are pinned or in use';
  const rows = evicted.map(({ identifier, size }) => [identifier, String(size)]);
  const sum = `${bytes} bytes of disks ${dryRun ? 'would go' : 'are gone'}; garbage collection brings the room back`;
  return `${table([['identifier', 'bytes'], ...rows])}\n${sum}`;
}

function scrubText(report: z.output<typeof scrubAnswer>): string {
  const { checkedChunks, checkedBytes, resumed, damaged, repaired, broken, unreadable } = report;
  const sum = `${checkedBytes} bytes in ${checkedChunks} chunks read; ${damaged.length} damaged, ${repaired.length} repaired`;
  return [
    resumed ? `${sum}; it went on from where an earlier scrub had ended` : sum,
    ...broken.map((name) => `broken: ${name}`),
    ...unreadable.map((name) => `the pack ${name} cannot be read`),
  ].join('\n');
}

export const upkeepCommands: CommandGroup = (program, context) => {
  const cache = commandGroup(program, 'cache');

  for (const [name, method, description] of [
    ['pin', 'PUT', 'keep an image in the cache, whatever is evicted'],
    ['unpin', 'DELETE', 'let an image be evicted again'],
  ] as const) {
    withServerFlags(cache.command(name).description(description))
      .argument(...identifierHelp)
      .action(async (identifier: string, flags: ServerFlags) => {
        const state = await (await connect(context, flags)).json(pinAnswer, `${pathOf(identifier)}/pin`, { method });
        answer(context, flags, state, () => `${identifier} is ${state.pinned ? 'pinned' : 'not pinned'}`);
      });
  }

  withServerFlags(cache.command('evict').description('take images that nobody uses out of the cache'))
    .argument('[identifier]', 'identifier of the image; without one, --free says how much is to go')
    .option('--free <size>', 'least recently pulled images until their sizes come to this (10G)')
    .option(...dryRunHelp)
    .action(async (identifier: string | undefined, flags: EvictFlags) => {
      const eviction = await evict(await connect(context, flags), identifier, flags);
      answer(context, flags, eviction, () => evictionText(eviction));
    });

  withServerFlags(cache.command('usage').description('what the vault holds, and what sharing saves')).action(
    async (flags: ServerFlags) => {
      const usage = await (await connect(context, flags)).json(usageAnswer, '/cache/usage');
      answer(context, flags, usage, () =>
        table([
          ['images', `${usage.images}, of which ${usage.pinned} pinned`],
          ['snapshots', String(usage.snapshots)],
          ['bytes of disks', String(usage.diskBytes)],
          ['bytes stored', `${usage.storedBytes} in ${usage.packs} packs`],
          [
            'quota',
            usage.quotaBytes === null ? 'none' : `${usage.quotaBytes} bytes, of which ${usage.liveBytes} are used`,
          ],
          ['bytes of garbage', String(usage.garbageBytes)],
          ['ratio', usage.ratio.toFixed(2)],
        ]),
      );
    },
  );

  withServerFlags(cache.command('gc').description('free the room of what nothing refers to; two runs, a grace apart'))
    .option(...dryRunHelp)
    .action(async (flags: DryRunFlags) => {
      const body = { dryRun: flags.dryRun === true };
      const api = await connect(context, flags);
      const done = await api.json(collectionAnswer, '/cache/collections', { method: 'POST', body });
      answer(context, flags, done, () =>
        table([
          [done.dryRun ? 'would be freed' : 'freed', `${done.removedBytes} bytes in ${done.removedPacks} packs`],
          ['garbage that waits', `${done.condemnedBytes} bytes in ${done.condemnedPacks} packs`],
          ['in use', `${done.liveBytes} bytes in ${done.liveChunks} chunks`],
          ...done.unreadable.map((name) => ['stays', `the pack ${name}, which cannot be read: scrub the vault`]),
        ]),
      );
    });

  withServerFlags(
    cache
      .command('scrub')
      .description(
        `read everything back, repair what is damaged from its locations; ends with ${exitCodes.failed} where something is broken`,
      ),
  )
    .option('--restart', 'begin anew, where an earlier scrub had ended early')
    .option('--cancel', 'end the scrub that runs; the next one goes on from there')
    .action(async (flags: ScrubFlags) => {
      const api = await connect(context, flags);
      if (flags.cancel === true) {
        await api.json(z.undefined(), '/cache/scrubs', { method: 'DELETE' });
        answer(context, flags, { cancelled: true }, () => 'the scrub is cancelled');
        return;
      }
      const body = { restart: flags.restart === true };
      const report = await api.json(scrubAnswer, '/cache/scrubs', { method: 'POST', body });
      answer(context, flags, report, () => scrubText(report));
      if (report.broken.length > 0) process.exitCode = exitCodes.failed;
    });

  withServerFlags(
    cache.command('rate').description('how fast all pulls of the server together may be; without a rate, say it'),
  )
    .argument('[rate]', 'bytes per second (10M), or none; it counts at once, until the server is started again')
    .action(async (rate: string | undefined, flags: ServerFlags) => {
      const api = await connect(context, flags);
      const body = rate === undefined ? undefined : { bytesPerSecond: rate === 'none' ? null : parseSize(rate) };
      const state = await api.json(rateBody, '/cache/rate', body === undefined ? {} : { method: 'PUT', body });
      answer(context, flags, state, () =>
        state.bytesPerSecond === null ? 'as fast as it goes' : `${state.bytesPerSecond} bytes per second`,
      );
    });

  withServerFlags(cache.command('cancel').description('end the pull of an image for all that wait for it'))
    .argument(...identifierHelp)
    .action(async (identifier: string, flags: ServerFlags) => {
      const api = await connect(context, flags);
      await api.json(z.undefined(), `${pathOf(identifier)}/pull`, { method: 'DELETE' });
      answer(context, flags, { cancelled: identifier }, () => `the pull of ${identifier} is cancelled`);
    });
};
