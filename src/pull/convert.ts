// Converts a checked file to a raw disk with qemu-img, which is told the format and may use only so much time and memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Fault } from '../errors/fault.ts';
import { unsafe } from './formats/inspection.ts';
import { type ConvertedFormat } from './formats/inspect.ts';

/** qemu-img's names of the formats. */
const qemuFormats: Readonly<Record<ConvertedFormat, string>> = {
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vdi: 'vdi',
  vhd: 'vpc',
  vhdx: 'vhdx',
};
const maxComplaints = 4096;

export interface Conversion {
  readonly from: string;
  readonly format: ConvertedFormat;
  /** A sparse file that is made. */
  readonly to: string;
  /** ms. */
  readonly time: number;
  readonly signal: AbortSignal;
}

async function runQemuImg(args: readonly string[], time: number, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const child = spawn('qemu-img', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
    timeout: time,
    killSignal: 'SIGKILL',
  });
  let complaints = '';
  let output = '';
  child.stderr.on('data', (piece: Buffer) => {
    if (complaints.length < maxComplaints) complaints += piece.toString();
  });
  child.stdout.on('data', (piece: Buffer) => {
    if (output.length < maxComplaints) output += piece.toString();
  });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (code === 0) return output;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new Fault('pull.tool-missing', 'qemu-img is needed to read this format, and is not installed.');
    }
    throw error;
  }
  if (/no space left/i.test(complaints)) throw new Fault('pull.no-room', 'The folder for pulls has no room left.');
  throw unsafe(`qemu-img cannot read it (${complaints.trim().split('\n')[0] ?? 'killed'})`);
}

/** Throws `pull.unsafe`, `pull.tool-missing`, `pull.no-room`, or the signal's reason. */
export async function convertToRaw({ from, format, to, time, signal }: Conversion): Promise<void> {
  // The file is named as the only node of a block graph that is written out: nothing is probed, nothing is opened by a name inside it.
  const file = { driver: 'file', filename: from, locking: 'off' };
  const source = {
    'driver': qemuFormats[format],
    file,
    ...(format === 'qcow2' ? { backing: null } : {}),
    'read-only': true,
  };
  await runQemuImg(['convert', '-O', 'raw', '-S', '64k', `json:${JSON.stringify(source)}`, to], time, signal);
}
