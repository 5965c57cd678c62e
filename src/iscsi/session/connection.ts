// One TCP connection: bytes in, PDUs to the login and then to the session, bytes out, and how it ends.
import { type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type LoginGrant } from '../directory.ts';
import { type TargetLimits } from '../limits.ts';
import { type LoginNegotiation, type LoginOutcome } from '../login/negotiation.ts';
import { type BufferPool } from '../wire/buffer-pool.ts';
import { PduReader } from '../wire/pdu-reader.ts';
import { PduWriter } from '../wire/pdu-writer.ts';
import { Backlog } from './backlog.ts';
import { receive } from './incoming.ts';
import { type LoginConnection, LoginPhase } from './login-phase.ts';
import { type Session } from './session.ts';

/** RFC 7143 §13.12: data segments of a login come to 8,192 bytes at most. */
const loginSegment = 8192;
/** Milliseconds that the peer has to close its side after we have closed ours. */
const lingerMilliseconds = 2_000;

/** What a connection asks of its target. */
export interface ConnectionHost {
  readonly limits: TargetLimits;
  readonly pool: BufferPool;
  /** What all connections read into. */
  readonly receiveBuffer: Buffer;
  /** Bytes that initiators have not taken yet, over all connections. */
  readonly outgoing: { used: number };
  now(): number;
  newLogin(): LoginNegotiation;
  /** A login has succeeded: the session, or the status that refuses it after all. */
  openSession(
    connection: Connection,
    outcome: LoginOutcome,
    statSn: number,
    expCmdSn: number,
  ): { readonly session: Session; readonly tsih: number } | number;
  releaseGrant(grant: LoginGrant): Promise<void>;
  closed(connection: Connection): void;
  log(level: 'info' | 'warn', message: string, details: Readonly<Record<string, unknown>>): void;
}

export class Connection implements LoginConnection {
  readonly writer: PduWriter;
  /** Resolves once it is over, the session's last command is done and its grant is given back. */
  readonly ended: Promise<void>;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #reader: PduReader;
  readonly #backlog: Backlog;
  readonly #begun: number;
  #login: LoginPhase | undefined;
  #session: Session | undefined;
  #grant: LoginGrant | undefined;
  #suspended = 0;
  #paused = false;
  #finishing = false;
  #destroyed = false;
  #lastHeard: number;
  #pinged = false;
  #pumping = false;
  #finishedAt = 0;
  /** When a session that was asked to log out is ended without. */
  #leaveBy = Infinity;
  #over: (last: Promise<void>) => void = () => undefined;

  /** @param accepted by a server with `pauseOnConnect`. */
  constructor(accepted: Socket, host: ConnectionHost) {
    this.#host = host;
    this.#begun = host.now();
    this.#lastHeard = this.#begun;
    this.#login = new LoginPhase(host.newLogin(), this);
    this.#reader = new PduReader(host.pool, { maxDataSegment: loginSegment, headerDigest: false, dataDigest: false });
    this.ended = new Promise((resolve) => {
      this.#over = resolve;
    });
    const socket = receive(accepted, host.receiveBuffer, (bytes) => this.#take(bytes));
    this.#socket = socket;
    const sink = {
      write: (bytes: Buffer, done: () => void): void => {
        if (socket.writable) socket.write(bytes, done);
        else process.nextTick(done);
      },
    };
    this.writer = new PduWriter(host.pool, sink, () => this.#onSent(), host.outgoing);
    this.#backlog = new Backlog(this.writer, host.limits, host.outgoing);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on('error', (error) => this.drop(error.message));
    socket.on('end', () => this.drop('closed by the initiator'));
    socket.on('close', () => this.drop('closed'));
  }

  get limits(): TargetLimits {
    return this.#host.limits;
  }

  get ending(): boolean {
    return this.#finishing;
  }

  /** host:port of the initiator. */
  get peer(): string {
    return `${this.#socket.remoteAddress ?? '?'}:${this.#socket.remotePort ?? 0}`;
  }

  /** host:port that the initiator reached us at. */
  get portalAddress(): string {
    const { localAddress, localPort, localFamily } = this.#socket;
    const host = localFamily === 'IPv6' ? `[${localAddress ?? '::'}]` : (localAddress ?? '0.0.0.0');
    return `${host}:${localPort ?? 0}`;
  }

  /** Resolves in a later turn, once the initiator has taken enough of what was sent, or is gone. */
  async room(): Promise<void> {
    await nextTurn();
    while (this.#backlog.full && !this.#destroyed) await this.#backlog.changed();
  }

  suspend(): void {
    this.#suspended += 1;
  }

  resume(): void {
    this.#suspended -= 1;
    this.#pump();
    this.#flow();
  }

  /** Once a second: deadlines of the login and the logout, silence, slow disks. */
  sweep(now: number): void {
    const { limits } = this;
    if (this.#finishing) {
      if (now - this.#finishedAt > lingerMilliseconds) this.drop('the initiator did not close');
      return;
    }
    if (this.#session === undefined) {
      if (now - this.#begun > limits.loginMilliseconds) this.drop('no login in time');
      return;
    }
    if (now >= this.#leaveBy) {
      this.#dismiss(this.#session, 'the initiator did not log out in time');
      return;
    }
    this.#session.sweep(now);
    const silent = now - this.#lastHeard;
    if (silent > 2 * limits.idleMilliseconds) this.drop('no sign of life');
    else if (silent > limits.idleMilliseconds && !this.#pinged) {
      this.#pinged = true;
      this.#session.ping(1);
    }
  }

  /** Asks the initiator to log out, and ends the session where it has not in time (RFC 7143 §11.9.1, events 1 and 3). */
  retire(reason: string): void {
    const session = this.#session;
    const { logoutMilliseconds } = this.limits;
    if (session === undefined || this.#finishing) {
      if (!this.#finishing) this.drop(reason);
    } else if (logoutMilliseconds === 0) {
      this.#dismiss(session, reason);
    } else if (this.#leaveBy === Infinity) {
      this.#leaveBy = this.#host.now() + logoutMilliseconds;
      session.askForLogout(Math.ceil(logoutMilliseconds / 1000));
    }
  }

  /** Ends the connection once what is written has been sent. */
  finish(reason: string): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#finishedAt = this.#host.now();
    this.#host.log('info', 'the connection ends', { peer: this.peer, reason });
    this.writer.flush();
    this.#socket.end();
    this.#leave();
    // What still comes is thrown away, so that the end is seen.
    if (this.#paused) this.#socket.resume();
  }

  /** Ends the connection at once. */
  drop(reason: string): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (!this.#finishing) {
      this.#host.log('info', 'the connection is dropped', { peer: this.peer, reason });
      this.#finishing = true;
      this.#leave();
    }
    this.#socket.destroy();
    this.#backlog.wake();
    this.#reader.close();
    this.writer.close();
    this.#host.closed(this);
  }

  // What the login asks for:

  enter(outcome: LoginOutcome, statSn: number, expCmdSn: number): { readonly tsih: number } | number {
    const opened = this.#host.openSession(this, outcome, statSn, expCmdSn);
    if (typeof opened === 'number') return opened;
    this.#session = opened.session;
    this.#grant = this.#login?.abandon();
    this.#login = undefined;
    return opened;
  }

  /** The digests begin with the first PDU after the login. */
  entered({ parameters: { headerDigest, dataDigest } }: LoginOutcome): void {
    this.writer.flush();
    this.writer.headerDigest = headerDigest;
    this.writer.dataDigest = dataDigest;
    this.#reader.limits.headerDigest = headerDigest;
    this.#reader.limits.dataDigest = dataDigest;
    this.#reader.limits.maxDataSegment = this.limits.receiveSegment;
  }

  refused({ initiator, target }: LoginNegotiation, status: number, reason: string | undefined): void {
    this.#host.log('warn', 'a login failed', { peer: this.peer, initiator, target, status, reason });
    this.finish('the login failed');
  }

  async giveBack(grant: LoginGrant): Promise<void> {
    await this.#host.releaseGrant(grant);
  }

  #dismiss(session: Session, reason: string): void {
    session.announceEnd();
    this.finish(reason);
  }

  #leave(): void {
    const session = this.#session;
    const grant = this.#grant ?? this.#login?.abandon();
    this.#session = undefined;
    this.#grant = undefined;
    this.#login = undefined;
    this.#over(this.#leaveSession(session, grant));
  }

  async #leaveSession(session: Session | undefined, grant: LoginGrant | undefined): Promise<void> {
    await session?.close();
    if (grant !== undefined) await this.giveBack(grant);
  }

  /** Bytes have come, in a buffer that is overwritten afterwards. */
  #take(bytes: Buffer): void {
    if (this.#finishing) return;
    this.#lastHeard = this.#host.now();
    this.#pinged = false;
    this.#reader.push(bytes);
    this.#pump();
    if (this.#reader.keep() && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  /** Reads on where nothing stands against it any more. */
  #flow(): void {
    if (!this.#paused || this.#blocked || this.#destroyed) return;
    this.#paused = false;
    this.#socket.resume();
  }

  get #blocked(): boolean {
    return this.#suspended > 0 || this.#backlog.full;
  }

  #onSent(): void {
    this.#backlog.wake();
    if (!this.#paused || !this.#backlog.low) return;
    this.#pump();
    this.#flow();
  }

  /** Answers every whole PDU that is there, and sends the answers in one go. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (!this.#finishing && !this.#blocked && this.#reader.next()) {
        if (this.#session !== undefined) this.#session.handle(this.#reader);
        else this.#login?.take(this.#reader);
      }
      if (!this.#destroyed) this.writer.flush();
    } catch (error) {
      this.drop(error instanceof Error ? error.message : String(error));
    } finally {
      this.#pumping = false;
    }
  }
}
