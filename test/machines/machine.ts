// A machine under QEMU's software emulation, driven over its serial port; all it ever said is kept.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';

/** No window, no KVM, text on the serial port from the first BIOS message on: the same wherever the tests run. */
const console = [
  ['-machine', 'pc,graphics=off'],
  ['-accel', 'tcg,thread=multi'],
  ['-cpu', 'max'],
  ['-nodefaults', '-no-reboot'],
  ['-display', 'none'],
  ['-serial', 'stdio'],
].flat();

/** Options of a network card behind QEMU's user network: 10.0.2.2 is the loopback interface of the host. */
export const userNetwork = ['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net,romfile='];

export class Machine {
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #ended: Promise<unknown>;
  #raw = '';
  #said = '';
  #read = 0;
  #serial = 0;
  #wake: () => void = () => undefined;

  private constructor(program: string, args: readonly string[], folder: string) {
    // A process group of its own: a shell may stand before QEMU.
    this.#process = spawn(program, args, { cwd: folder, detached: true });
    this.#ended = once(this.#process, 'close').then(() => this.#wake());
    const hear = (chunk: Buffer): void => {
      this.#raw += chunk.toString('latin1');
      // What only paints a terminal hides the words.
      this.#said = stripVTControlCharacters(this.#raw).replaceAll('\r', '');
      this.#wake();
    };
    this.#process.stdout.on('data', hear);
    this.#process.stderr.on('data', hear);
    // It ends when it likes; what it did not read by then is nobody's.
    this.#process.stdin.on('error', () => undefined);
  }

  /** Starts QEMU with these options, beside those that every machine gets. */
  static start(args: readonly string[], folder: string): Machine {
    return new Machine('qemu-system-x86_64', [...console, ...args], folder);
  }

  /** Runs shell lines as somebody pasted them, of which the last starts QEMU, in `folder`. */
  static paste(lines: string, folder: string, args: readonly string[] = []): Machine {
    const more = [...console, ...args].map((option) => ` '${option}'`).join('');
    return new Machine('sh', ['-c', `${lines}${more}`], folder);
  }

  /** Everything it said so far. */
  get said(): string {
    return this.#said;
  }

  /** Types text at the serial port. */
  type(text: string): void {
    this.#process.stdin.write(text);
  }

  /** Waits until it says this, after what was waited for before. Throws with all it said where it ends or takes too long. */
  async hear(pattern: RegExp, seconds: number): Promise<RegExpExecArray> {
    const until = performance.now() + seconds * 1000;
    for (;;) {
      const found = pattern.exec(this.#said.slice(this.#read));
      if (found !== null) {
        this.#read += found.index + found[0].length;
        return found;
      }
      const left = until - performance.now();
      const over = this.#process.exitCode !== null || this.#process.signalCode !== null;
      if (over || left <= 0) {
        const why = over ? 'it ended' : `${seconds} s`;
        throw new Error(`The machine never said ${String(pattern)} (${why}). It said:\n${this.#said}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** Runs shell lines at a prompt that echoes nothing; returns what they printed. Throws where the last one fails. */
  async run(lines: string, seconds = 30): Promise<string> {
    this.#serial += 1;
    const mark = `<<${this.#serial}`;
    const from = this.#said.length;
    this.type(`${lines}\necho "${mark}:$?>>"\n`);
    const [whole, code] = await this.hear(new RegExp(`${mark}:(\\d+)>>\\n`, 'u'), seconds);
    const text = this.#said.slice(from, this.#read - whole.length);
    if (code !== '0')
      throw new Error(`In the machine, ${lines} ended with ${code ?? '?'}:\n${text}\nIt said:\n${this.#said}`);
    return text;
  }

  /** Ends it as if the plug were pulled. */
  async stop(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
    await this.#ended;
  }
}
