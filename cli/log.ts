// `mintmark log`: look at a registry's history of decisions, and prove that nothing of it was changed or taken away.
import { readFile, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { Fault } from '../src/errors/fault.ts';
import { readCheckpoint, type TreeHead } from '../src/registry/log/checkpoint.ts';
import { leafHash, provesConsistency, provesInclusion } from '../src/registry/log/merkle.ts';
import { readVerifier, writeVerifier, type NoteVerifier } from '../src/registry/log/note.ts';
import { connect, withServerFlags, type Api, type ServerFlags } from './api.ts';
import { type CliContext, type CommandGroup } from './context.ts';
import { fileFault } from './files.ts';
import { answer, table } from './print.ts';

const decisionShape = z.looseObject({
  at: z.string(),
  decision: z.string(),
  sha256: z.string(),
  email: z.string().optional(),
});
const listShape = z.looseObject({ entries: z.array(z.object({ seq: z.number(), decision: decisionShape })) });
const inclusionShape = z.object({ seq: z.number(), size: z.number(), leaf: z.string(), path: z.array(z.string()) });
const consistencyShape = z.looseObject({ path: z.array(z.string()) });

/** What a client keeps of a log: whose it is, and what it last said. */
const stateShape = z.object({ verifier: z.string(), size: z.number(), root: z.string() });
type State = z.output<typeof stateShape>;

const whichState = 'Name a file that "log verify --state" wrote, or one that it may write.';

const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');
const broken = (message: string): Fault => new Fault('registry.log-broken', message);

async function text(api: Api, path: string): Promise<string> {
  return await (await api.send(path, { headers: { Accept: 'text/plain' } })).text();
}

async function readState(file: string): Promise<State | undefined> {
  let content: string;
  try {
    content = await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw fileFault('read', file, error, whichState);
  }
  try {
    return stateShape.parse(JSON.parse(content));
  } catch {
    throw new Fault('usage', `${file} does not hold what was seen of a log`, { action: whichState });
  }
}

async function writeState(file: string, state: State): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(state)}\n`);
  } catch (error) {
    throw fileFault('written', file, error, whichState);
  }
}

/** The key that was given, or seen before; else what the server says, which is believed the first time. */
async function verifierFrom(api: Api, given: string | undefined): Promise<NoteVerifier> {
  const verifier = readVerifier((given ?? (await text(api, '/log/verifier'))).trim());
  if (verifier !== undefined) return verifier;
  if (given === undefined) throw api.noServer();
  throw new Fault('usage', `"${given.trim()}" is not the key of a log`, {
    action: 'Give it as "mintmark log verify --json" prints it: name+hash+key, in one line.',
  });
}

/** The signed head of the log. Throws `registry.log-broken` where the signature is not the log's. */
async function signedHead(api: Api, verifier: NoteVerifier): Promise<TreeHead> {
  const head = readCheckpoint(await text(api, '/log/checkpoint'), verifier);
  if (head === undefined) throw broken('the checkpoint is not signed with the key that is known of this log');
  return head;
}

async function checkConsistency(api: Api, before: State, head: TreeHead): Promise<void> {
  if (before.size > head.size) throw broken(`the log had ${before.size} decisions, and has ${head.size} now`);
  const { path } = await api.json(consistencyShape, `/log/proof/consistency?from=${before.size}&size=${head.size}`);
  const older = { size: before.size, root: bytes(before.root) };
  if (!provesConsistency(older, head, path.map(bytes))) {
    throw broken(`what the log said of its first ${before.size} decisions is no longer so`);
  }
}

async function checkLeaf(api: Api, seq: number, head: TreeHead): Promise<void> {
  const { leaf, path } = await api.json(inclusionShape, `/log/proof/inclusion?seq=${seq}&size=${head.size}`);
  const hash = leafHash(bytes(leaf));
  if (!provesInclusion({ index: seq, hash }, head, path.map(bytes))) throw broken(`decision ${seq} is not in the log`);
}

interface VerifyFlags extends ServerFlags {
  readonly verifier?: string;
  readonly state?: string;
  readonly leaf?: string;
}

async function verify(context: CliContext, flags: VerifyFlags): Promise<void> {
  if (flags.leaf !== undefined && !/^\d{1,15}$/u.test(flags.leaf)) {
    throw new Fault('usage', `"${flags.leaf}" is no number of a decision`, {
      action: 'Take one of the first column of "mintmark log list".',
    });
  }
  const api = await connect(context, flags);
  const before = flags.state === undefined ? undefined : await readState(flags.state);
  const verifier = await verifierFrom(api, flags.verifier ?? before?.verifier);
  const head = await signedHead(api, verifier);
  if (before !== undefined) await checkConsistency(api, before, head);
  if (flags.leaf !== undefined) await checkLeaf(api, Number(flags.leaf), head);
  const state: State = {
    verifier: writeVerifier(verifier),
    size: head.size,
    root: Buffer.from(head.root).toString('base64'),
  };
  if (flags.state !== undefined) await writeState(flags.state, state);
  answer(context, flags, { ...state, since: before?.size ?? null }, () =>
    [
      `${state.size} decisions, root ${state.root}, signed by ${verifier.name}`,
      ...(before === undefined ? [] : [`consistent with the ${before.size} decisions seen before`]),
      ...(flags.leaf === undefined ? [] : [`decision ${flags.leaf} is in it`]),
    ].join('\n'),
  );
}

export const logCommands: CommandGroup = (program, context) => {
  const log = program.command('log').description("a registry's tamper-evident history of decisions");

  withServerFlags(log.command('list').description('list decisions, newest first'))
    .option('--limit <n>', 'decisions at most, 1 to 1000 (default 100)')
    .option('--before <seq>', 'only decisions before this one')
    .action(async (flags: ServerFlags & { readonly limit?: string; readonly before?: string }) => {
      const query = new URLSearchParams();
      if (flags.limit !== undefined) query.set('limit', flags.limit);
      if (flags.before !== undefined) query.set('before', flags.before);
      const list = await (await connect(context, flags)).json(listShape, `/log?${query.toString()}`);
      answer(context, flags, list, () =>
        table([
          ['seq', 'at', 'decision', 'endorser', 'sha256'],
          ...list.entries.map(({ seq, decision: { at, decision, email, sha256 } }) => [
            String(seq),
            at,
            decision,
            email ?? '-',
            sha256,
          ]),
        ]),
      );
    });

  withServerFlags(log.command('verify').description('check the signed head, and that the log has only grown'))
    .option('--verifier <line>', 'the key that is known of this log (default: from --state, else what the server says)')
    .option('--state <file>', 'what was seen last time; it is checked against and then replaced')
    .option('--leaf <seq>', 'check that this decision is in the log, too')
    .action((flags: VerifyFlags) => verify(context, flags));
};
