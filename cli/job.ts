// `mintmark job`: what the server does in the background, how far it is, why it failed; how to end it, and how to have it tried again.
import { jobAnswer, jobList } from '../src/http/routes/jobs/schema.ts';
import { connect, withServerFlags, type ServerFlags } from './api.ts';
import { type CommandGroup } from './context.ts';
import { followJob, mustBeDone } from './job-follow.ts';
import { jobRows, jobText } from './job-text.ts';
import { answer } from './print.ts';

interface ListFlags extends ServerFlags {
  readonly kind?: string;
  readonly key?: string;
  readonly state?: string;
  readonly limit?: string;
  readonly before?: string;
}

const jobHelp = ['<job>', 'number of the job'] as const;
const pathOf = (id: string): string => `/jobs/${encodeURIComponent(id)}`;

export const jobCommands: CommandGroup = (program, context) => {
  const job = program.command('job').description('what the server does in the background');

  withServerFlags(job.command('list').description('list jobs, newest first'))
    .option('--kind <kind>', 'pull (repairs too), probe, scrub, collection or eviction')
    .option('--of <key>', 'what they are about, such as the identifier of an image')
    .option('--state <states>', 'active, or some of queued, running, retrying, done, failed and cancelled, with commas')
    .option('--limit <n>', 'jobs at most, 1 to 1000 (default 100)')
    .option('--before <job>', 'only those before this number')
    .action(async (flags: ListFlags & { readonly of?: string }) => {
      const { kind, of: key, state, limit, before } = flags;
      const given = Object.entries({ kind, key, state, limit, before }).filter(
        (pair): pair is [string, string] => pair[1] !== undefined,
      );
      const list = await (
        await connect(context, flags)
      ).json(jobList, `/jobs?${new URLSearchParams(given).toString()}`);
      const none = given.length === 0 ? 'there are no jobs' : 'no job fits';
      answer(context, flags, list, () => {
        if (list.jobs.length === 0) return none;
        return list.next === undefined ? jobRows(list.jobs) : `${jobRows(list.jobs)}\nmore: add --before ${list.next}`;
      });
    });

  withServerFlags(job.command('show').description('show one job with its attempts, and why they failed'))
    .argument(...jobHelp)
    .option('--follow', 'wait for its end and show how far it is; its failure is that of the command')
    .action(async (id: string, flags: ServerFlags & { readonly follow?: boolean }) => {
      const api = await connect(context, flags);
      const asked = await api.json(jobAnswer, pathOf(id));
      const shown =
        flags.follow === true ? await followJob(context, api, asked.id, { quiet: flags.json === true }) : asked;
      answer(context, flags, shown, () => jobText(shown));
      if (flags.follow === true) mustBeDone(shown);
    });

  withServerFlags(job.command('retry').description('have a job tried again now that failed, was cancelled, or waits'))
    .argument(...jobHelp)
    .action(async (id: string, flags: ServerFlags) => {
      const api = await connect(context, flags);
      const again = await api.json(jobAnswer, `${pathOf(id)}/retries`, { method: 'POST' });
      answer(context, flags, again, () => `job ${again.id} tries it: mintmark job show ${again.id} --follow`);
    });

  withServerFlags(job.command('cancel').description('end a job for all that wait for it'))
    .argument(...jobHelp)
    .action(async (id: string, flags: ServerFlags) => {
      const ended = await (await connect(context, flags)).json(jobAnswer, pathOf(id), { method: 'DELETE' });
      answer(context, flags, ended, () =>
        ended.state === 'cancelled' ? `job ${ended.id} is cancelled` : `job ${ended.id} is being cancelled`,
      );
    });
};
