// Keeps the policy of a file in force while an admin edits it: a wrong edit changes nothing but what is reported.
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { Fault } from '../errors/fault.ts';
import { type Policy } from './policy.ts';
import { readPolicy } from './read.ts';

export interface WatchedPolicy {
  /** The policy in force. */
  readonly current: Policy;
  /** Why the file, as it is now, is not in force; undefined where it is. */
  readonly problem: Fault | undefined;
  /** Looks at the file at once. */
  reload(): void;
  close(): void;
}

export interface WatchListener {
  /** A new policy is in force. */
  readonly changed?: (policy: Policy) => void;
  /** The file is wrong, or gone; the policy before stays in force. */
  readonly refused?: (problem: Fault) => void;
}

/** How often the file is looked at, in milliseconds. Looking works where events do not: mounts, replaced links. */
const usualInterval = 1000;

function read(file: string): { readonly text: string; readonly policy: Policy } {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Fault('policy.invalid', `The policy file ${file} cannot be read`, { cause });
  }
  return { text, policy: readPolicy(text) };
}

/** Reads the policy in `file` and follows its changes. Throws `policy.invalid` where it is wrong to begin with. */
export function watchPolicy(file: string, listener: WatchListener = {}, intervalMs = usualInterval): WatchedPolicy {
  let inForce = read(file);
  let problem: Fault | undefined;
  const reload = (): void => {
    try {
      const next = read(file);
      problem = undefined;
      if (next.text === inForce.text) return;
      inForce = next;
      listener.changed?.(next.policy);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      problem = error;
      listener.refused?.(error);
    }
  };
  watchFile(file, { interval: intervalMs, persistent: false }, reload);
  return {
    get current() {
      return inForce.policy;
    },
    get problem() {
      return problem;
    },
    reload,
    close: () => unwatchFile(file, reload),
  };
}
