// How far a long command is: a count on standard error, at a terminal only.
import { type CliContext } from './context.ts';

export interface Counting {
  set(count: number): void;
  add(more: number): void;
  end(): void;
}

export function counting({ stderr }: CliContext, { json }: { readonly json?: boolean }, what: string): Counting {
  const shown = stderr.isTTY === true && json !== true;
  let count = 0;
  const set = (now: number): void => {
    count = now;
    if (shown) stderr.write(`\r${count} ${what}`);
  };
  return { set, add: (more) => set(count + more), end: () => void (shown && count > 0 && stderr.write('\r\u001B[K')) };
}
