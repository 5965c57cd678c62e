// `mintmark image pull` and `mintmark cache`: bring images here, proven, and see what is here or on its way.
import { setTimeout as delay } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { z } from 'zod';
import { pullPlanAnswer } from '../src/http/routes/cache/schema.ts';
import { connect, withServerFlags, type Api, type ServerFlags } from './api.ts';
import { type CliContext, type CommandGroup } from './context.ts';
import { answer, commandGroup, table } from './print.ts';

const imageShape = z.looseObject({
  identifier: z.string(),
  pinned: z.boolean().optional(),
  manifestId: z.string(),
  size: z.number(),
  sourceFormat: z.string(),
  verdict: z.looseObject({ location: z.string(), verified: z.string(), checksums: z.record(z.string(), z.string()) }),
});
type Image = z.output<typeof imageShape>;

const pullShape = z.looseObject({
  identifier: z.string(),
  phase: z.string(),
  fetchedBytes: z.number(),
  totalBytes: z.number().optional(),
  provenBytes: z.number(),
  signedBytes: z.number(),
  bytesPerSecond: z.number(),
});
const listShape = z.looseObject({ images: z.array(imageShape), pulls: z.array(pullShape) });
const stateShape = z.looseObject({
  identifier: z.string(),
  image: imageShape.nullable(),
  pull: pullShape.nullable().optional(),
  failure: z.looseObject({ code: z.string(), message: z.string(), failed: z.string() }).nullable().optional(),
});
const pulledShape = z.looseObject({ image: imageShape.nullable() });

const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

/** Draws a bar of the bytes that are proven, until `done` is aborted. */
async function drawProgress(context: CliContext, api: Api, identifier: string, done: AbortSignal): Promise<void> {
  const bar = new SingleBar({
    format: '{phase} [{bar}] {percentage}% {rate}/s',
    stream: context.stderr,
    clearOnComplete: true,
  });
  let begun = false;
  try {
    while (!done.aborted) {
      await delay(300, undefined, { signal: done });
      const { pulls } = await api.json(listShape, '/cache');
      const current = pulls.find((one) => one.identifier === identifier);
      if (current === undefined) continue;
      const shown = { phase: current.phase, rate: mebibytes(current.bytesPerSecond) };
      if (begun) bar.update(current.provenBytes, shown);
      else bar.start(current.signedBytes, current.provenBytes, shown);
      begun = true;
    }
  } catch (error) {
    if (!done.aborted) throw error;
  } finally {
    bar.stop();
  }
}

const imageText = ({ identifier, size, sourceFormat, verdict }: Image): string =>
  table([
    ['image', identifier],
    ['bytes of disk', String(size)],
    ['pulled as', sourceFormat],
    ['from', verdict.location],
    ['proven', verdict.verified],
    ...Object.entries(verdict.checksums),
  ]);

async function pull(context: CliContext, identifier: string, flags: ServerFlags): Promise<void> {
  const api = await connect(context, flags);
  const done = new AbortController();
  const drawing =
    context.stderr.isTTY === true && flags.json !== true
      ? drawProgress(context, api, identifier, done.signal)
      : Promise.resolve();
  try {
    const { image } = await api.json(pulledShape, `/cache/${encodeURIComponent(identifier)}`, { method: 'POST' });
    answer(context, flags, image, () => (image === null ? 'pulled' : imageText(image)));
  } finally {
    done.abort();
    await drawing;
  }
}

interface PullFlags extends ServerFlags {
  readonly dryRun?: boolean;
}

async function planPull(context: CliContext, identifier: string, flags: ServerFlags): Promise<void> {
  const path = `/cache/${encodeURIComponent(identifier)}?dryRun=true`;
  const plan = await (await connect(context, flags)).json(pullPlanAnswer, path, { method: 'POST' });
  answer(context, flags, plan, () => {
    if (plan.cached) return `${identifier} is here already`;
    const goes = plan.evicted.map(({ identifier: other, size }) => `would be evicted: ${other} (${size} bytes)`);
    const sum = `${identifier} takes up to ${plan.neededBytes} bytes; ${plan.fits ? 'there is room' : 'the quota does not allow it'}`;
    return [...goes, sum].join('\n');
  });
}

export const pullCommands: CommandGroup = (program, context) => {
  withServerFlags(
    commandGroup(program, 'image').command('pull').description('bring an image into the cache: policy, fetch, proof'),
  )
    .argument('<identifier>', 'identifier of the image')
    .option('--dry-run', 'say what would have to be evicted for it, and do nothing')
    .action((identifier: string, flags: PullFlags) =>
      flags.dryRun === true ? planPull(context, identifier, flags) : pull(context, identifier, flags),
    );
};

export const cacheCommands: CommandGroup = (program, context) => {
  const cache = commandGroup(program, 'cache').description('images that are here, proven, or on their way');

  withServerFlags(cache.command('list').description('list images in the cache and pulls that run')).action(
    async (flags: ServerFlags) => {
      const list = await (await connect(context, flags)).json(listShape, '/cache');
      answer(context, flags, list, () =>
        table([
          ['identifier', 'bytes', 'from', 'state'],
          ...list.images.map(({ identifier, size, verdict, pinned }) => [
            identifier,
            String(size),
            verdict.location,
            pinned === true ? 'proven, pinned' : 'proven',
          ]),
          ...list.pulls.map(({ identifier, signedBytes, provenBytes, phase }) => [
            identifier,
            String(signedBytes),
            '-',
            `${phase}, ${mebibytes(provenBytes)} proven`,
          ]),
        ]),
      );
    },
  );

  withServerFlags(cache.command('show').description('show one image: what was proven, or why it is not here'))
    .argument('<identifier>', 'identifier of the image')
    .action(async (identifier: string, flags: ServerFlags) => {
      const state = await (await connect(context, flags)).json(stateShape, `/cache/${encodeURIComponent(identifier)}`);
      answer(context, flags, state, () => {
        if (state.image !== null) return imageText(state.image);
        if (state.failure) return `not here: ${state.failure.message} [${state.failure.code}], ${state.failure.failed}`;
        return `on its way: ${state.pull?.phase ?? 'waiting'}`;
      });
    });
};
