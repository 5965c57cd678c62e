// Sends the mails of the outbox as they become due, and ends what nobody confirmed in time, while a server runs.
import { type Confirmations } from './confirmations.ts';
import { type SendResult } from './outbox.ts';

export interface PostmanDeps {
  readonly confirmations: Pick<Confirmations, 'expire'>;
  readonly sendDue: () => Promise<SendResult>;
  readonly problem: (error: unknown) => void;
  /** Milliseconds between two looks at the outbox. */
  readonly interval: number;
}

export interface Postman {
  /** There is a new mail: looks at once. */
  nudge(): void;
  /** Waits for the mail that is being sent. */
  close(): Promise<void>;
}

export function startPostman({ confirmations, sendDue, problem, interval }: PostmanDeps): Postman {
  let running: Promise<void> | undefined;
  let again = false;
  const round = async (): Promise<void> => {
    do {
      again = false;
      try {
        for (const error of (await sendDue()).problems) problem(error);
        await confirmations.expire();
      } catch (error) {
        problem(error);
      }
    } while (again);
    running = undefined;
  };
  const nudge = (): void => {
    again = running !== undefined;
    running ??= round();
  };
  const timer = setInterval(nudge, interval).unref();
  nudge();
  return {
    nudge,
    close: async () => {
      clearInterval(timer);
      again = false;
      await running;
    },
  };
}
