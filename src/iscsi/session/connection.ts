// One TCP connection: bytes in, PDUs to the login and then to the session, bytes out, and the limits on all of it.
import { type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type LoginGrant } from '../directory.ts';
import { type TargetLimits } from '../limits.ts';
import { type LoginNegotiation, type LoginOutcome, type LoginReply } from '../login/negotiation.ts';
import { loginStatus } from '../login/status.ts';
import { type BufferPool } from '../wire/buffer-pool.ts';
import { initiatorOpcode, loginRequest, loginResponse, targetOpcode } from '../wire/pdu.ts';
import { PduReader } from '../wire/pdu-reader.ts';
import { PduWriter } from '../wire/pdu-writer.ts';
import { type Session } from './session.ts';

/** RFC 7143 §13.12: data segments of a login come to 8,192 bytes at most. */
const loginSegment = 8192;
/** Milliseconds that the peer has to close its side after we have closed ours. */
const lingerMilliseconds = 2_000;

/** What of a login request goes into its response. */
interface LoginTags {
  readonly initiatorTaskTag: number;
  readonly cmdSn: number;
  readonly isid: Buffer;
  readonly tsih: number;
}

/** What a connection asks of its target. */
export interface ConnectionHost {
  readonly limits: TargetLimits;
  readonly pool: BufferPool;
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

export class Connection {
  readonly writer: PduWriter;
  readonly #socket: Socket;
  readonly #host: ConnectionHost;
  readonly #reader: PduReader;
  readonly #begun: number;
  #login: LoginNegotiation | undefined;
  #session: Session | undefined;
  #grant: LoginGrant | undefined;
  #statSn = 0;
  #suspended = 0;
  #throttled = false;
  #finishing = false;
  #destroyed = false;
  #lastHeard: number;
  #pinged = false;
  #pumping = false;
  #finishedAt = 0;
  #waiting: (() => void)[] = [];

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket;
    this.#host = host;
    this.#begun = host.now();
    this.#lastHeard = this.#begun;
    this.#login = host.newLogin();
    this.#reader = new PduReader(host.pool, { maxDataSegment: loginSegment, headerDigest: false, dataDigest: false });
    const sink = {
      write: (bytes: Buffer, done: () => void): void => {
        if (socket.writable) socket.write(bytes, done);
        else process.nextTick(done);
      },
    };
    this.writer = new PduWriter(host.pool, sink, () => this.#onSent());
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    socket.on('data', (chunk: Buffer) => {
      this.#lastHeard = host.now();
      this.#pinged = false;
      this.#reader.push(chunk);
      this.#pump();
    });
    socket.on('error', (error) => this.drop(error.message));
    socket.on('end', () => this.drop('closed by the initiator'));
    socket.on('close', () => this.drop('closed'));
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
    while (this.writer.backlog > this.#host.limits.sendBacklog && !this.#destroyed) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
  }

  suspend(): void {
    this.#suspended += 1;
  }

  resume(): void {
    this.#suspended -= 1;
    this.#pump();
  }

  /** Once a second: login deadline, silence, slow disks. */
  sweep(now: number): void {
    const { limits } = this.#host;
    if (this.#finishing) {
      if (now - this.#finishedAt > lingerMilliseconds) this.drop('the initiator did not close');
      return;
    }
    if (this.#session === undefined) {
      if (now - this.#begun > limits.loginMilliseconds) this.drop('no login in time');
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

  /** Ends the connection once what is written has been sent. */
  finish(reason: string): void {
    if (this.#finishing) return;
    this.#finishing = true;
    this.#finishedAt = this.#host.now();
    this.#host.log('info', 'the connection ends', { peer: this.peer, reason });
    this.writer.flush();
    this.#socket.end();
    this.#leave();
  }

  /** Ends the connection at once. */
  drop(reason: string): void {
    if (this.#destroyed) return;
    this.#destroyed = true;
    if (!this.#finishing) this.#host.log('info', 'the connection is dropped', { peer: this.peer, reason });
    this.#finishing = true;
    this.#socket.destroy();
    this.#leave();
    this.#wake();
    this.#reader.close();
    this.writer.close();
    this.#host.closed(this);
  }

  /** Resolves once the session's last command is done and its grant is given back. */
  ended: Promise<void> = Promise.resolve();

  #leave(): void {
    const session = this.#session;
    const grant = this.#grant ?? this.#login?.abandon();
    this.#session = undefined;
    this.#grant = undefined;
    this.#login = undefined;
    if (session === undefined && grant === undefined) return;
    this.ended = this.#giveBack(session, grant);
  }

  async #giveBack(session: Session | undefined, grant: LoginGrant | undefined): Promise<void> {
    await session?.close();
    if (grant !== undefined) await this.#host.releaseGrant(grant);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #onSent(): void {
    if (this.#waiting.length > 0) this.#wake();
    if (!this.#throttled || this.writer.backlog > this.#host.limits.sendBacklog / 2) return;
    this.#throttled = false;
    this.#pump();
    if (!this.#throttled) this.#socket.resume();
  }

  /** Answers every whole PDU that is there, and sends the answers in one go. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      while (this.#suspended === 0 && !this.#finishing) {
        if (this.writer.backlog > this.#host.limits.sendBacklog) {
          this.#throttled = true;
          this.#socket.pause();
          break;
        }
        if (!this.#reader.next()) break;
        if (this.#session !== undefined) this.#session.handle(this.#reader);
        else this.#loginStep();
      }
      if (!this.#destroyed) this.writer.flush();
    } catch (error) {
      this.drop(error instanceof Error ? error.message : String(error));
    } finally {
      this.#pumping = false;
    }
  }

  #loginStep(): void {
    const { buffer, at, dataAt, dataLength } = this.#reader;
    const login = this.#login;
    if (login === undefined) return;
    const header = loginRequest.read(buffer, at);
    if (header.opcode !== initiatorOpcode.login) {
      this.drop('the first PDU is no login');
      return;
    }
    const data = Buffer.from(buffer.subarray(dataAt, dataAt + dataLength));
    const request = { ...header, isid: header.isid.toString('hex') };
    const isid = Buffer.from(header.isid);
    this.suspend();
    const { initiatorTaskTag, cmdSn } = header;
    void this.#finishStep(login, login.step(request, data), { initiatorTaskTag, cmdSn, isid, tsih: header.tsih });
  }

  async #finishStep(login: LoginNegotiation, step: Promise<LoginReply>, request: LoginTags): Promise<void> {
    const reply = await step;
    if (this.#destroyed || this.#finishing) {
      const grant = login.abandon();
      if (grant !== undefined) await this.#host.releaseGrant(grant);
      return;
    }
    this.#answerLogin(login, reply, request);
    this.resume();
  }

  #answerLogin(
    login: LoginNegotiation,
    reply: LoginReply,
    request: {
      readonly initiatorTaskTag: number;
      readonly cmdSn: number;
      readonly isid: Buffer;
      readonly tsih: number;
    },
  ): void {
    let status: number = reply.status;
    let { tsih } = request;
    const statSn = this.#statSn;
    this.#statSn = (statSn + 1) >>> 0;
    const { outcome } = login;
    if (status === loginStatus.success && outcome !== undefined) {
      const opened = this.#host.openSession(this, outcome, this.#statSn, request.cmdSn);
      if (typeof opened === 'number') {
        status = opened;
      } else {
        tsih = opened.tsih;
        this.#session = opened.session;
        this.#grant = login.abandon();
        this.#login = undefined;
      }
    }
    const ok = status === loginStatus.success;
    const at = this.writer.reserve(reply.text.length);
    loginResponse.write(this.writer.buffer, at, {
      opcode: targetOpcode.loginResponse,
      transit: ok && reply.transit,
      currentStage: reply.currentStage,
      nextStage: ok && reply.transit ? reply.nextStage : 0,
      isid: request.isid,
      tsih,
      initiatorTaskTag: request.initiatorTaskTag,
      // A failed login has no StatSN that means anything.
      statSn: ok ? statSn : 0,
      expCmdSn: request.cmdSn,
      maxCmdSn: (request.cmdSn + (ok ? this.#host.limits.queueDepth : 1) - 1) >>> 0,
      statusClass: status >> 8,
      statusDetail: status & 0xff,
    });
    reply.text.copy(this.writer.buffer, at + this.writer.dataOffset);
    this.writer.seal(at, reply.text.length);
    if (!ok) {
      const { initiator, target } = login;
      this.#host.log('warn', 'a login failed', { peer: this.peer, initiator, target, status, reason: reply.reason });
      this.finish('the login failed');
      return;
    }
    if (this.#session !== undefined && outcome !== undefined) {
      // The digests begin with the first PDU after the login.
      const { headerDigest, dataDigest } = outcome.parameters;
      this.writer.flush();
      this.writer.headerDigest = headerDigest;
      this.writer.dataDigest = dataDigest;
      this.#reader.limits.headerDigest = headerDigest;
      this.#reader.limits.dataDigest = dataDigest;
      this.#reader.limits.maxDataSegment = this.#host.limits.receiveSegment;
    }
  }
}
