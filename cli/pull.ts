// `mintmark image pull` and `mintmark cache`: bring images here, proven, and see what is here or on its way.
import { z } from 'zod';
import { pullPlanAnswer } from '../src/http/routes/cache/schema.ts';
import { connect, withServerFlags, type ServerFlags } from './api.ts';
import { type CliContext, type CommandGroup } from './context.ts';
import { followJob, mustBeDone } from './job-follow.ts';
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
  repairs: z.boolean().optional(),
});
const listShape = z.looseObject({
  images: z.array(imageShape),
  pulls: z.array(pullShape),
  damaged: z.array(z.string()).default([]),
});
const stateShape = z.looseObject({
  identifier: z.string(),
  image: imageShape.nullable(),
  pull: pullShape.nullable().optional(),
  failure: z
    .looseObject({ code: z.string(), message: z.string(), failed: z.string(), retryAt: z.string().optional() })
    .nullable()
    .optional(),
});
const pulledShape = z.looseObject({ image: imageShape.nullable(), job: z.number().optional() });

const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

const imageText = ({ identifier, size, sourceFormat, verdict }: Image): string =>
  table([
    ['image', identifier],
    ['bytes of disk', String(size)],
    ['pulled as', sourceFormat],
    ['from', verdict.location],
    ['proven', verdict.verified],
    ...Object.entries(verdict.checksums),
  ]);

function listText({ images, pulls, damaged }: z.output<typeof listShape>): string {
  if (images.length + pulls.length + damaged.length === 0)
    return 'no image is here or on its way: "mintmark image pull IDENTIFIER" brings one';
  return table([
    ['identifier', 'bytes', 'from', 'state'],
    ...images.map(({ identifier, size, verdict, pinned }) => [
      identifier,
      String(size),
      verdict.location,
      pinned === true ? 'proven, pinned' : 'proven',
    ]),
    ...pulls.map(({ identifier, signedBytes, provenBytes, phase, repairs }) => [
      identifier,
      String(signedBytes),
      '-',
      repairs === true ? `being repaired: ${phase}` : `${phase}, ${mebibytes(provenBytes)} proven`,
    ]),
    ...damaged.map((identifier) => [identifier, '-', '-', 'its record is damaged: pull it again']),
  ]);
}

interface PullFlags extends ServerFlags {
  readonly wait?: boolean;
  readonly dryRun?: boolean;
}

/** A person does not wait for another attempt that is further away than this, in ms. */
const patience = 10_000;

async function pull(context: CliContext, identifier: string, flags: PullFlags): Promise<void> {
  const api = await connect(context, flags);
  const path = `/cache/${encodeURIComponent(identifier)}`;
  const begun = await api.json(pulledShape, `${path}?wait=false`, { method: 'POST' });
  if (begun.job !== undefined && flags.wait === false) {
    answer(context, flags, begun, () => `job ${begun.job} pulls it: mintmark job show ${begun.job} --follow`);
    return;
  }
  if (begun.job !== undefined)
    mustBeDone(await followJob(context, api, begun.job, { quiet: flags.json === true, patience }));
  const { image } = begun.job === undefined ? begun : await api.json(stateShape, path);
  answer(context, flags, image, () => (image === null ? 'pulled' : imageText(image)));
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
    .option('--no-wait', 'leave it to the server, and print the number of its job')
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
      answer(context, flags, list, () => listText(list));
    },
  );

  withServerFlags(cache.command('show').description('show one image: what was proven, or why it is not here'))
    .argument('<identifier>', 'identifier of the image')
    .action(async (identifier: string, flags: ServerFlags) => {
      const state = await (await connect(context, flags)).json(stateShape, `/cache/${encodeURIComponent(identifier)}`);
      answer(context, flags, state, () => {
        const { image, pull: running, failure } = state;
        const again = failure?.retryAt === undefined ? '' : `; again at ${failure.retryAt}`;
        const failed = failure ? `${failure.message} [${failure.code}], ${failure.failed}${again}` : undefined;
        if (image === null)
          return failed === undefined ? `on its way: ${running?.phase ?? 'waiting'}` : `not here: ${failed}`;
        return [
          imageText(image),
          ...(running ? [`being repaired: ${running.phase}`] : []),
          ...(failed === undefined ? [] : [`the last job failed: ${failed}`]),
        ].join('\n');
      });
    });
};
