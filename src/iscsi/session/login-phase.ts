// The login of a connection: takes its requests one by one, and puts the negotiation's replies on the wire (RFC 7143 §6.3).
import { type LoginGrant } from '../directory.ts';
import { type TargetLimits } from '../limits.ts';
import { type LoginNegotiation, type LoginOutcome, type LoginReply } from '../login/negotiation.ts';
import { loginStatus } from '../login/status.ts';
import { initiatorOpcode, loginRequest, loginResponse, targetOpcode } from '../wire/pdu.ts';
import { type PduReader } from '../wire/pdu-reader.ts';
import { type PduWriter } from '../wire/pdu-writer.ts';

/** What of a login request goes into its response. */
interface LoginTags {
  readonly initiatorTaskTag: number;
  readonly cmdSn: number;
  readonly isid: Buffer;
  readonly tsih: number;
}

/** What the login asks of its connection. */
export interface LoginConnection {
  readonly writer: PduWriter;
  readonly limits: TargetLimits;
  /** The connection ends, or has ended. */
  readonly ending: boolean;
  /** No further PDU is taken until `resume`. */
  suspend(): void;
  resume(): void;
  /** The negotiation has succeeded. @returns the TSIH, or the status that refuses the login after all. */
  enter(outcome: LoginOutcome, statSn: number, expCmdSn: number): { readonly tsih: number } | number;
  /** The full feature phase begins with the PDU after this one. */
  entered(outcome: LoginOutcome): void;
  refused(negotiation: LoginNegotiation, status: number, reason: string | undefined): void;
  drop(reason: string): void;
  giveBack(grant: LoginGrant): Promise<void>;
}

export class LoginPhase {
  readonly #negotiation: LoginNegotiation;
  readonly #connection: LoginConnection;
  #statSn = 0;

  constructor(negotiation: LoginNegotiation, connection: LoginConnection) {
    this.#negotiation = negotiation;
    this.#connection = connection;
  }

  /** Takes the grant out of a login that leads nowhere, or into its session. */
  abandon(): LoginGrant | undefined {
    return this.#negotiation.abandon();
  }

  /** Takes the PDU that the reader stands on; the answer follows later. */
  take(reader: PduReader): void {
    const { buffer, at, dataAt, dataLength } = reader;
    const header = loginRequest.read(buffer, at);
    if (header.opcode !== initiatorOpcode.login) {
      this.#connection.drop('the first PDU is no login');
      return;
    }
    const data = Buffer.from(buffer.subarray(dataAt, dataAt + dataLength));
    const isid = Buffer.from(header.isid);
    this.#connection.suspend();
    const { initiatorTaskTag, cmdSn, tsih } = header;
    const step = this.#negotiation.step({ ...header, isid: isid.toString('hex') }, data);
    void this.#finish(step, { initiatorTaskTag, cmdSn, isid, tsih });
  }

  async #finish(step: Promise<LoginReply>, request: LoginTags): Promise<void> {
    const reply = await step;
    if (this.#connection.ending) {
      const grant = this.abandon();
      if (grant !== undefined) await this.#connection.giveBack(grant);
      return;
    }
    this.#answer(reply, request);
    this.#connection.resume();
  }

  #answer(reply: LoginReply, request: LoginTags): void {
    const connection = this.#connection;
    const statSn = this.#statSn;
    this.#statSn = (statSn + 1) >>> 0;
    let status: number = reply.status;
    let { tsih } = request;
    const { outcome } = this.#negotiation;
    if (status === loginStatus.success && outcome !== undefined) {
      const opened = connection.enter(outcome, this.#statSn, request.cmdSn);
      if (typeof opened === 'number') status = opened;
      else ({ tsih } = opened);
    }
    this.#send(reply, { ...request, tsih }, status, statSn);
    if (status !== loginStatus.success) connection.refused(this.#negotiation, status, reply.reason);
    else if (outcome !== undefined) connection.entered(outcome);
  }

  #send(reply: LoginReply, request: LoginTags, status: number, statSn: number): void {
    const { writer, limits } = this.#connection;
    const ok = status === loginStatus.success;
    const at = writer.reserve(reply.text.length);
    loginResponse.write(writer.buffer, at, {
      opcode: targetOpcode.loginResponse,
      transit: ok && reply.transit,
      currentStage: reply.currentStage,
      nextStage: ok && reply.transit ? reply.nextStage : 0,
      isid: request.isid,
      tsih: request.tsih,
      initiatorTaskTag: request.initiatorTaskTag,
      // A failed login has no StatSN that means anything.
      statSn: ok ? statSn : 0,
      expCmdSn: request.cmdSn,
      maxCmdSn: (request.cmdSn + (ok ? limits.queueDepth : 1) - 1) >>> 0,
      statusClass: status >> 8,
      statusDetail: status & 0xff,
    });
    reply.text.copy(writer.buffer, at + writer.dataOffset);
    writer.seal(at, reply.text.length);
  }
}
