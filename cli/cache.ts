// `mintmark cache pin|unpin|evict|usage|gc|scrub|repair|rate|cancel`: what stays in the cache, what goes, and whether all is sound.
import { resolve } from 'node:path';
import { z } from 'zod';
import { Fault } from '../src/errors/fault.ts';
import { exitCodes } from '../src/errors/table.ts';
import {
  begunAnswer,
  collectionAnswer,
  evictionAnswer,
  pinAnswer,
  rateBody,
  repairAnswer,
  scrubAnswer,
  usageAnswer,
} from '../src/http/routes/cache/schema.ts';
import { connect, withServerFlags, type ServerFlags } from './api.ts';
import { type CliContext, type CommandGroup } from './context.ts';
import { followJob, mustBeDone } from './job-follow.ts';
import { answer, commandGroup, table } from './print.ts';
import { parseSize } from './size.ts';

interface JobFlags extends ServerFlags {
  readonly wait?: boolean;
}
interface DryRunFlags extends JobFlags {
  readonly dryRun?: boolean;
}
interface EvictFlags extends DryRunFlags {
  readonly free?: string;
}

interface ScrubFlags extends JobFlags {
  readonly restart?: boolean;
  readonly cancel?: boolean;
  readonly repair?: boolean;
}
interface RepairFlags extends JobFlags {
  readonly from?: string;
  readonly check?: boolean;
}

const identifierHelp = ['<identifier>', 'identifier of the image'] as const;
const dryRunHelp = ['--dry-run', 'say what would be done, and do nothing'] as const;
const noWaitHelp = ['--no-wait', 'leave it to the server, and print the number of its job'] as const;
const pathOf = (identifier: string): string => `/cache/${encodeURIComponent(identifier)}`;

/** Another attempt that is further away than this, in ms, is left to the server. */
const patience = 10_000;

/** Has the server do it as a job, and follows that; undefined where it is left to the server, which is said. */
async function asJob<Schema extends z.ZodType>(
  context: CliContext,
  flags: JobFlags,
  schema: Schema,
  request: { readonly path: string; readonly body: object },
): Promise<z.output<Schema> | undefined> {
  const api = await connect(context, flags);
  const { path, body } = request;
  const { job } = await api.json(begunAnswer, `${path}?wait=false`, { method: 'POST', body });
  if (flags.wait === false) {
    answer(context, flags, { job }, () => `job ${job} does it: mintmark job show ${job} --follow`);
    return undefined;
  }
  const ended = await followJob(context, api, job, { quiet: flags.json === true, patience });
  mustBeDone(ended);
  return schema.parse(ended.result);
}

async function evict(context: CliContext, identifier: string | undefined, flags: EvictFlags): Promise<void> {
  const dryRun = flags.dryRun === true;
  if ((identifier === undefined) === (flags.free === undefined)) {
    throw new Fault('usage', 'evict one image, or as many as free some room', {
      action: 'Give either an identifier or --free SIZE.',
    });
  }
  const body = { freeBytes: parseSize(flags.free ?? '1', '--free'), dryRun };
  const tell = (eviction: Eviction): void => answer(context, flags, eviction, () => evictionText(eviction));
  if (identifier === undefined && !dryRun) {
    const done = await asJob(context, flags, evictedByJob, { path: '/cache/evictions', body });
    if (done !== undefined) tell({ dryRun, ...done });
    return;
  }
  const api = await connect(context, flags);
  tell(
    identifier === undefined
      ? await api.json(evictionAnswer, '/cache/evictions', { method: 'POST', body })
      : await api.json(evictionAnswer, `${pathOf(identifier)}?dryRun=${dryRun}`, { method: 'DELETE' }),
  );
}

type Eviction = z.output<typeof evictionAnswer>;
const evictedByJob = evictionAnswer.omit({ dryRun: true });

function evictionText({ dryRun, evicted, bytes }: Eviction): string {
  if (evicted.length === 0) return 'no image can go: none is here that is neither pinned nor in use';
  const rows = evicted.map(({ identifier, size }) => [identifier, String(size)]);
  const sum = `${bytes} bytes of disks ${dryRun ? 'would go' : 'are gone'}; garbage collection brings the room back`;
  return `${table([['identifier', 'bytes'], ...rows])}\n${sum}`;
}

const collectedByJob = collectionAnswer.omit({ dryRun: true });

function scrubText(report: z.output<typeof scrubAnswer>): string {
  const { checkedChunks, checkedBytes, resumed, damaged, repaired, broken, unreadable, repairs } = report;
  const sum = `${checkedBytes} bytes in ${checkedChunks} chunks read; ${damaged.length} damaged, ${repaired.length} repaired`;
  return [
    resumed ? `${sum}; it went on from where an earlier scrub had ended` : sum,
    ...repairs.map(({ identifier, job, state }) => `repair of ${identifier}: job ${job}, ${state}`),
    ...broken.map((name) => `broken: ${name}`),
    ...unreadable.map((name) => `the index of the pack ${name} cannot be read`),
    ...(broken.length === 0
      ? []
      : ['Why: mintmark job show N. Repair from another copy: mintmark cache repair IDENTIFIER --from FILE|URL']),
  ].join('\n');
}

const isAddress = /^[a-z][a-z0-9+.-]*:\/\//iu;

function repairText(identifier: string, { lostChunks, sources }: z.output<typeof repairAnswer>): string {
  if (lostChunks === 0) return `${identifier} has lost nothing`;
  return `${identifier} is whole again: ${lostChunks} lost chunks came from ${sources.join(' and ')}`;
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
    .option(...noWaitHelp)
    .action((identifier: string | undefined, flags: EvictFlags) => evict(context, identifier, flags));

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
    .option(...noWaitHelp)
    .action(async (flags: DryRunFlags) => {
      const dryRun = flags.dryRun === true;
      const request = { path: '/cache/collections', body: { dryRun } };
      const collected = dryRun
        ? await (
            await connect(context, flags)
          ).json(collectionAnswer, request.path, { method: 'POST', body: request.body })
        : await asJob(context, flags, collectedByJob, request);
      if (collected === undefined) return;
      const done = { dryRun, ...collected };
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
        `read everything back, have what is damaged repaired; ends with ${exitCodes.failed} where something stays broken`,
      ),
  )
    .option('--restart', 'begin anew, where an earlier scrub had ended early')
    .option('--repair', 'have each broken image repaired by a job of its own (the default)')
    .option('--no-repair', 'only say what is broken')
    .option(...noWaitHelp)
    .option('--cancel', 'end the scrub that runs; the next one goes on from there')
    .action(async (flags: ScrubFlags) => {
      if (flags.cancel === true) {
        const api = await connect(context, flags);
        await api.json(z.undefined(), '/cache/scrubs', { method: 'DELETE' });
        answer(context, flags, { cancelled: true }, () => 'the scrub is cancelled');
        return;
      }
      const body = { restart: flags.restart === true, repair: flags.repair !== false };
      const report = await asJob(context, flags, scrubAnswer, { path: '/cache/scrubs', body });
      if (report === undefined) return;
      answer(context, flags, report, () => scrubText(report));
      if (report.broken.length > 0) process.exitCode = exitCodes.failed;
    });

  withServerFlags(cache.command('repair').description('read one image back, and bring back what it has lost'))
    .argument(...identifierHelp)
    .option(
      '--from <copy>',
      'a copy to try first: a raw disk or the folder of a vault on the server, or an http(s) address',
    )
    .option('--no-check', 'do not read it first: bring back only what is known to be lost')
    .option(...noWaitHelp)
    .action(async (identifier: string, flags: RepairFlags) => {
      const { from, check = true } = flags;
      const copy = from === undefined ? {} : { from: isAddress.test(from) ? from : resolve(from) };
      const request = { path: `${pathOf(identifier)}/repairs`, body: { check, ...copy } };
      const done = await asJob(context, flags, repairAnswer, request);
      if (done !== undefined) answer(context, flags, done, () => repairText(identifier, done));
    });

  withServerFlags(
    cache.command('rate').description('how fast all pulls of the server together may be; without a rate, say it'),
  )
    .argument('[rate]', 'bytes per second (10M), or none; it counts at once, until the server is started again')
    .action(async (rate: string | undefined, flags: ServerFlags) => {
      const api = await connect(context, flags);
      const body =
        rate === undefined ? undefined : { bytesPerSecond: rate === 'none' ? null : parseSize(rate, 'rate') };
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
