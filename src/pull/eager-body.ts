// Reads a response's body as it arrives: what came before the connection broke is handed on, and only then the error.
import { type Readable } from 'node:stream';

/** Held at most before the connection is told to wait, in bytes. */
const heldBytes = 1024 * 1024;

export interface EagerBody {
  /** To be read once. */
  readonly pieces: AsyncIterable<Buffer>;
  /** Gives up what was not read. */
  destroy(): void;
}

/** Begins to read at once, before anything can be missed. */
export function eagerBody(body: Readable): EagerBody {
  const state: { readonly pieces: Buffer[]; held: number; ended: boolean; failure?: Error; wake?: () => void } = {
    pieces: [],
    held: 0,
    ended: false,
  };
  body.on('data', (piece: Buffer) => {
    state.pieces.push(piece);
    state.held += piece.length;
    if (state.held >= heldBytes) body.pause();
    state.wake?.();
  });
  body.on('end', () => {
    state.ended = true;
    state.wake?.();
  });
  body.on('error', (error: Error) => {
    state.failure = error;
    state.wake?.();
  });
  body.on('close', () => {
    if (!state.ended) state.failure ??= new Error('the connection was closed');
    state.wake?.();
  });
  async function* pieces(): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = state.pieces.shift();
      if (piece !== undefined) {
        state.held -= piece.length;
        if (state.held < heldBytes / 2 && body.isPaused()) body.resume();
        yield piece;
      } else if (state.failure !== undefined) throw state.failure;
      else if (state.ended) return;
      else {
        await new Promise<void>((resolve) => {
          state.wake = resolve;
        });
      }
    }
  }
  return { pieces: pieces(), destroy: () => void body.destroy() };
}
