// A libvirtd of its own for a test: a session daemon that keeps everything in one folder, and that no one else talks to.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { findTool } from '../setup/tools.ts';
import { mustRun } from '../e2e/command.ts';

/** Root's libvirtd would be the system's: then it runs as nobody. */
const nobody = 65_534;
const asRoot = process.getuid?.() === 0;

export class Libvirt {
  readonly folder: string;
  readonly #process: ChildProcess;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(folder: string, process: ChildProcess, env: NodeJS.ProcessEnv) {
    this.folder = folder;
    this.#process = process;
    this.#env = env;
  }

  /** @param folder a new folder is made there. */
  static async start(folder: string): Promise<Libvirt> {
    const place = (name: string): string => join(folder, name);
    const env = {
      ...process.env,
      HOME: folder,
      XDG_RUNTIME_DIR: place('run'),
      XDG_CONFIG_HOME: place('config'),
      XDG_CACHE_HOME: place('cache'),
    };
    for (const made of [folder, env.XDG_RUNTIME_DIR, env.XDG_CONFIG_HOME, env.XDG_CACHE_HOME]) {
      mkdirSync(made, { mode: 0o700 });
      if (asRoot) chownSync(made, nobody, nobody);
    }
    const child = spawn(findTool('libvirtd') ?? 'libvirtd', [], {
      cwd: folder,
      env,
      stdio: 'ignore',
      ...(asRoot ? { uid: nobody, gid: nobody } : {}),
    });
    const libvirt = new Libvirt(folder, child, env);
    const socket = join(env.XDG_RUNTIME_DIR, 'libvirt', 'libvirt-sock');
    for (let tries = 0; !existsSync(socket); tries += 1) {
      if (tries > 300 || child.exitCode !== null) throw new Error('libvirtd does not start');
      await setTimeout(100);
    }
    return libvirt;
  }

  /** Runs shell lines as its user, with its folder as the current one: `virsh` talks to this daemon. */
  async shell(lines: string): Promise<string> {
    const user = asRoot ? ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'] : [];
    const script = `set -e; cd '${this.folder}'; export LIBVIRT_DEFAULT_URI=qemu:///session; ${lines}`;
    const [program, ...args] = [...user, 'sh', '-c', script];
    return await mustRun(program, args, this.#env);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await ended;
  }
}
