// A connection that sends bytes as they are given, and keeps all that comes back.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Initiator } from '../initiator.ts';

/**
 * Sends the pieces one by one, each seen by the target before the next is sent, and returns all that comes until the
 * target closes, or until we do.
 * @param patience milliseconds after the last piece.
 */
export async function talk(port: number, pieces: readonly Buffer[], patience: number): Promise<Buffer> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  socket.on('error', () => undefined);
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  for (const piece of pieces) {
    if (socket.writable) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    await nextTurn();
    await nextTurn();
  }
  const timer = setTimeout(() => socket.destroy(), patience);
  if (!socket.closed) await closed;
  clearTimeout(timer);
  return Buffer.concat(received);
}

/** Runs `work` for each number below `count`, `width` of them at a time. */
export async function eachOf(count: number, width: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const line = async (): Promise<void> => {
    while (next < count) {
      next += 1;
      await work(next - 1);
    }
  };
  await Promise.all(Array.from({ length: width }, line));
}

/** Resolves once the target has seen every connection that was made before: it takes them in turn. */
export async function allAccepted(port: number): Promise<void> {
  const { initiator } = await Initiator.login(port, undefined, { isid: '8000000000fe' });
  await initiator.end();
}
