// `mintmark demo`: the newcomer's tour, on free ports and with its data in a temporary folder.
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Api } from '../api.ts';
import { type CliContext, type CommandGroup } from '../context.ts';
import { Narrator } from './narrator.ts';
import { startServerProcess } from './server-process.ts';
import { Tour } from './tour.ts';
import { serveFiles } from './web.ts';

async function demo(context: CliContext, endAfterwards: boolean): Promise<void> {
  const narrator = new Narrator(context.stdout, () => performance.now());
  const dataDir = mkdtempSync(join(tmpdir(), 'mintmark-demo-'));
  const closing: (() => Promise<void> | void)[] = [() => rmSync(dataDir, { recursive: true, force: true })];
  try {
    narrator.say('Mintmark: one signed image travels from its creator to a disk of a hypervisor.');
    const files = new Map<string, Buffer>();
    const web = await serveFiles(files);
    closing.push(() => web.close());
    const server = await narrator.step('A server starts, with its data in a temporary folder', async () => {
      const started = await startServerProcess(process.argv[1] ?? '', dataDir);
      narrator.detail(`pages and API: ${started.url}\ndisks (iSCSI):  ${started.iscsi}\ndata:           ${dataDir}`);
      return started;
    });
    closing.push(() => server.close());
    const token = readFileSync(server.tokenFile, 'utf8').trim();
    const api = new Api(new URL(server.url), token, context.signal);
    const { guide } = await new Tour({ narrator, api, server, dataDir, web, files, now: context.now }).take();
    narrator.say(
      [
        '\nAttach the disk yourself.',
        `\nWith QEMU's own initiator:\n\n${guide.qemu}`,
        `\nWith Linux' initiator, as root:\n\n${guide.iscsiadm}`,
        `\nWith libvirt, the secret first:\n\n${guide.libvirtSecret}`,
        `\nand in the domain:\n\n${guide.libvirtDisk}`,
      ].join('\n'),
    );
    if (endAfterwards) return;
    narrator.say(`\nThe page is open at ${server.url}. Ctrl-C ends the demo and removes its data.`);
    if (!context.signal.aborted) await once(context.signal, 'abort');
  } finally {
    for (const step of closing.reverse()) await step();
  }
}

export const demoCommands: CommandGroup = (program, context) => {
  program
    .command('demo')
    .description("a tour: publish, check, find, pull, clone and attach an image, all on this machine's loopback")
    .option('--once', 'end when the tour is over: exit code 0 if all went well, 1 if not')
    .action((options: { readonly once?: boolean }) => demo(context, options.once ?? false));
};
