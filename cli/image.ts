// `mintmark image` and `mintmark endorser`: find out what there is and who vouches for it.
import { type Command } from 'commander';
import { z } from 'zod';
import { exitCodes } from '../src/errors/table.ts';
import { locationHealth, probeAnswer } from '../src/http/routes/images/schema.ts';
import { type Api, connect, withServerFlags, type ServerFlags } from './api.ts';
import { type CommandGroup } from './context.ts';
import { optionKey } from './option-key.ts';
import { answer, table } from './print.ts';

const entryShape = z.looseObject({
  identifier: z.string(),
  email: z.string(),
  created: z.string(),
  standing: z.string(),
  weak: z.boolean(),
  metadata: z.looseObject({
    bytes: z.number(),
    title: z.string().optional(),
    description: z.string().optional(),
    tag: z.string().optional(),
    os: z.string().optional(),
    osVersion: z.string().optional(),
    osArch: z.string().optional(),
    format: z.string().optional(),
    locations: z.array(z.string()),
    checksums: z.record(z.string(), z.string()),
    deprecated: z.string().optional(),
    valid: z.string().optional(),
  }),
  signer: z.looseObject({ subject: z.string(), fingerprint: z.string(), algorithm: z.string() }),
});
type Entry = z.output<typeof entryShape>;

const listShape = z.looseObject({ entries: z.array(entryShape), total: z.number(), next: z.string().optional() });
const imageShape = z.looseObject({
  identifier: z.string(),
  endorsements: z.array(entryShape),
  locations: z.array(locationHealth),
});

const healthText = (locations: z.output<typeof probeAnswer>['locations']): string =>
  table([
    ['location', 'state', 'asked', 'since', 'reason'],
    ...locations.map(({ location, state, checked, since, reason }) => [location, state, checked, since, reason ?? '-']),
  ]);

/** Flags of a search, by the names of the parameters they become. */
const filters = {
  'os': 'operating system',
  'os-version': 'version of the operating system',
  'os-arch': 'architecture',
  'email': 'e-mail address of the endorser',
  'identifier': 'identifier of the image',
  'tag': "the creator's tag",
  'kind': 'machine or disk',
  'format': 'disk format',
  'hypervisor': 'hypervisor the image is made for',
  'status': 'valid (default), expired, deprecated, withdrawn or all',
  'location': 'all (default), web or pdisk',
  'sort': '-created (default), created, title or -title',
  'limit': 'entries at most, 1 to 100 (default 20)',
  'cursor': 'where the page before ended',
} as const;

function withFilters(command: Command): Command {
  for (const [name, description] of Object.entries(filters)) command.option(`--${name} <${name}>`, description);
  return command.option('--admitted', "only what the server's policy admits");
}

function queryOf(words: readonly string[], options: Readonly<Record<string, unknown>>): string {
  const query = new URLSearchParams();
  if (words.length > 0) query.set('q', words.join(' '));
  for (const name of Object.keys(filters)) {
    const value = options[optionKey(name)];
    if (typeof value === 'string') query.set(name, value);
  }
  if (options['admitted'] === true) query.set('admitted', 'true');
  return query.toString();
}

const osOf = ({ metadata: { os, osVersion, osArch } }: Entry): string =>
  [os, osVersion, osArch].filter((part) => part !== undefined).join(' ') || '-';

function listText(list: z.output<typeof listShape>, width: number | undefined): string {
  if (list.entries.length === 0) return 'no image fits';
  const rows = list.entries.map((entry) => [
    entry.identifier,
    entry.metadata.title ?? '-',
    osOf(entry),
    entry.email,
    entry.created,
    entry.weak ? `${entry.standing}, weak signature` : entry.standing,
  ]);
  const heading = ['identifier', 'title', 'os', 'endorser', 'endorsed', 'standing'];
  const shown = table([heading, ...rows], { width, columns: [1, 2, 3] });
  const rest = list.next === undefined ? '' : `\nmore: add --cursor ${list.next}`;
  return `${shown}\n${list.entries.length} of ${list.total}${rest}`;
}

function entryText(entry: Entry): string {
  const { metadata, signer } = entry;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['title', metadata.title],
    ['description', metadata.description],
    ['endorser', `${entry.email} (${signer.subject})`],
    ['endorsed', entry.created],
    ['standing', metadata.deprecated === undefined ? entry.standing : `${entry.standing}: ${metadata.deprecated}`],
    ['signature', entry.weak ? `${signer.algorithm} (weak)` : signer.algorithm],
    ['certificate', `SHA-256 ${signer.fingerprint}`],
    ['valid until', metadata.valid],
    ['tag', metadata.tag],
    ['os', osOf(entry)],
    ['format', metadata.format],
    ['bytes', String(metadata.bytes)],
    ...Object.entries(metadata.checksums).map(([algorithm, value]) => [algorithm, value] as const),
    ...metadata.locations.map((location) => ['location', location] as const),
  ];
  return table(rows.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, value]])));
}

async function search(api: Api, words: readonly string[], options: Readonly<Record<string, unknown>>) {
  return await api.json(listShape, `/metadata?${queryOf(words, options)}`);
}

export const imageCommands: CommandGroup = (program, context) => {
  const image = program.command('image').description('look for images');

  withServerFlags(withFilters(image.command('search').description('search by words and filters')))
    .argument('[word...]', 'words that must all occur; each may be the beginning of a word')
    .action(async (words: readonly string[], flags: ServerFlags & Readonly<Record<string, unknown>>) => {
      const list = await search(await connect(context, flags), words, flags);
      answer(context, flags, list, () => listText(list, context.stdout.columns));
    });

  withServerFlags(withFilters(image.command('list').description('list entries by filters'))).action(
    async (flags: ServerFlags & Readonly<Record<string, unknown>>) => {
      const list = await search(await connect(context, flags), [], flags);
      answer(context, flags, list, () => listText(list, context.stdout.columns));
    },
  );

  withServerFlags(image.command('show').description('show one image: all its current endorsements'))
    .argument('<identifier>', 'identifier of the image')
    .action(async (identifier: string, flags: ServerFlags) => {
      const api = await connect(context, flags);
      const shown = await api.json(imageShape, `/images/${encodeURIComponent(identifier)}`);
      answer(context, flags, shown, () =>
        [
          shown.identifier,
          ...shown.endorsements.map((entry) => entryText(entry)),
          ...(shown.locations.length === 0 ? [] : [healthText(shown.locations)]),
        ].join('\n\n'),
      );
    });

  withServerFlags(image.command('probe').description('ask the locations of an image whether they still serve it'))
    .argument('<identifier>', 'identifier of the image')
    .option('--full', 'fetch and hash every byte, and keep none')
    .action(async (identifier: string, flags: ServerFlags & { readonly full?: boolean }) => {
      const api = await connect(context, flags);
      const path = `/images/${encodeURIComponent(identifier)}/probes`;
      const answered = await api.json(probeAnswer, path, { method: 'POST', body: { full: flags.full === true } });
      answer(context, flags, answered, () => healthText(answered.locations));
      if (answered.locations.some(({ state }) => state !== 'good')) process.exitCode = exitCodes.failed;
    });
};
