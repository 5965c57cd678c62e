// Reads accepted connections into one buffer that all of them share, instead of a fresh 64 KiB for every read.
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net';

/** Bytes that are read in one go: enough for the burst of one turn, little enough for a core's own cache. */
export const receiveBytes = 256 * 1024;

/**
 * Node reads into a buffer of the program's own (`onread`) only on sockets that the program makes. So a socket is made
 * around the handle of the accepted one: `handle` is what Node's own server passes to that constructor.
 */
interface HandleOptions extends SocketConstructorOpts {
  readonly handle: object;
  readonly onread: OnReadOpts;
}

/**
 * The accepted socket, reading. `take` is called with the bytes that have come; they are overwritten after it returns.
 * @param accepted by a server with `pauseOnConnect`; it is not to be used any more.
 * @param shared what is read into, by as many connections as there are.
 */
export function receive(accepted: Socket, shared: Buffer, take: (bytes: Buffer) => void): Socket {
  const { _handle: handle } = accepted as Socket & { _handle?: object | null };
  if (handle === undefined || handle === null) {
    // A Node that keeps its handle elsewhere, or a connection that is gone already.
    accepted.on('data', take);
    accepted.resume();
    return accepted;
  }
  Object.assign(accepted, { _handle: null });
  accepted.destroy();
  const options: HandleOptions = {
    handle,
    readable: true,
    writable: true,
    onread: {
      buffer: shared,
      callback(count) {
        take(shared.subarray(0, count));
        return true;
      },
    },
  };
  return new Socket(options);
}
