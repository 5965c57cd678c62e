// The sessions of a target: one for each initiator port, and which login is a new one, a renewed one or one too many.
import { type LoginOutcome } from '../login/negotiation.ts';
import { loginStatus } from '../login/status.ts';
import { type Connection } from './connection.ts';
import { type Session } from './session.ts';

export interface OpenSession {
  readonly connection: Connection;
  readonly session: Session;
  readonly outcome: LoginOutcome;
  readonly tsih: number;
}

/** What makes an initiator port at a target (RFC 7143 §4.4.2). */
const keyOf = ({ target, initiator, isid }: LoginOutcome): string => `${target ?? ''} ${initiator} ${isid}`;

export class OpenSessions {
  readonly #byPort = new Map<string, OpenSession>();
  readonly #byConnection = new Map<Connection, OpenSession>();
  #nextTsih = 1;

  all(): readonly OpenSession[] {
    return [...this.#byPort.values()];
  }

  /** Those of a target name, or of one initiator there. */
  of(target: string | undefined, initiator?: string): readonly OpenSession[] {
    return this.all().filter(
      ({ outcome }) => outcome.target === target && (initiator === undefined || outcome.initiator === initiator),
    );
  }

  /** The TSIH of the session that a login is for, and the session that it replaces; or the status that refuses it. */
  admit(outcome: LoginOutcome): { readonly tsih: number; readonly replaced: OpenSession | undefined } | number {
    const replaced = this.#byPort.get(keyOf(outcome));
    // Session reinstatement (RFC 7143 §6.3.5).
    if (outcome.tsih === 0) return { tsih: this.#newTsih(), replaced };
    if (replaced?.tsih !== outcome.tsih) return loginStatus.sessionDoesNotExist;
    // MaxConnections is 1: a second one is too many, but the same one again replaces the first (RFC 7143 §6.3.4).
    if (replaced.outcome.cid !== outcome.cid) return loginStatus.tooManyConnections;
    return { tsih: outcome.tsih, replaced };
  }

  add(open: OpenSession): void {
    this.#byPort.set(keyOf(open.outcome), open);
    this.#byConnection.set(open.connection, open);
  }

  /** @returns the session that the connection carried, if it did. */
  remove(connection: Connection): Session | undefined {
    const open = this.#byConnection.get(connection);
    if (open === undefined) return undefined;
    this.#byConnection.delete(connection);
    const key = keyOf(open.outcome);
    if (this.#byPort.get(key) === open) this.#byPort.delete(key);
    return open.session;
  }

  #newTsih(): number {
    const used = new Set(this.all().map(({ tsih }) => tsih));
    do this.#nextTsih = (this.#nextTsih % 0xffff) + 1;
    while (used.has(this.#nextTsih));
    return this.#nextTsih;
  }
}
