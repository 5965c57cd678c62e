// The full feature phase of one session: takes PDUs one by one and answers them (RFC 7143 §4.2, §11).
import { Fault } from '../../errors/fault.ts';
import { type SessionParameters } from '../login/keys.ts';
import { findCommand, passGate } from '../scsi/command-table.ts';
import { Command, type UnitPath } from '../scsi/command.ts';
import { type CommandDefinition } from '../scsi/definition.ts';
import { inquiryOfNothing } from '../scsi/inquiry.ts';
import { type LogicalUnit } from '../scsi/logical-unit.ts';
import { lunList } from '../scsi/report.ts';
import { additionalSense, buildSense, checkCondition, ScsiFailure, scsiStatus, senseKey } from '../scsi/status.ts';
import { headerBytes, initiatorOpcode, logoutRequest, nopOut, noTag, rejectReason, scsiCommand } from '../wire/pdu.ts';
import { lunOf } from '../wire/lun.ts';
import { FramingError, type PduReader } from '../wire/pdu-reader.ts';
import { type SessionContext, type SessionHost } from './context.ts';
import { DataIn } from './data-in.ts';
import { DataOut } from './data-out.ts';
import { headerOf, Responder } from './responder.ts';
import { type Task } from './task.ts';
import { manageTasks } from './task-management.ts';
import { Tasks } from './tasks.ts';
import { TextExchange } from './text-exchange.ts';

const fields = scsiCommand.fields;
const immediateBit = 0x40;
const opcodeMask = 0x3f;
const writeBit = 0x20;
const readBit = 0x40;
const noLun = Buffer.alloc(8);
const nothing = Buffer.alloc(0);

export class Session implements SessionContext {
  readonly paths: ReadonlyMap<number, UnitPath>;
  readonly nexus: string;
  readonly responder: Responder;
  readonly tasks: Tasks;
  readonly parameters: SessionParameters;
  readonly host: SessionHost;
  /** Settles when no device works for this session any more. */
  readonly #atWork = new Set<Promise<unknown>>();
  readonly #dataIn: DataIn;
  readonly #dataOut: DataOut;
  readonly #text: TextExchange;
  #closed = false;

  constructor(
    host: SessionHost,
    parameters: SessionParameters,
    paths: ReadonlyMap<number, UnitPath>,
    nexus: string,
    statSn: number,
    expCmdSn: number,
  ) {
    this.host = host;
    this.parameters = parameters;
    this.paths = paths;
    this.nexus = nexus;
    this.tasks = new Tasks(host.budget, host.limits.sessionBytes, () => host.now());
    const { tasks } = this;
    const depth = host.limits.queueDepth;
    this.responder = new Responder(host.writer, statSn, expCmdSn, () => Math.max(1, depth - tasks.size));
    this.#dataIn = new DataIn(this);
    this.#dataOut = new DataOut(this);
    this.#text = new TextExchange(this);
    for (const path of paths.values()) path.unit.join(nexus, this.#onAbort);
  }

  /** Takes the PDU that the reader stands on. */
  handle(reader: PduReader): void {
    const { buffer, at } = reader;
    const opcode = (buffer[at] ?? 0) & opcodeMask;
    if (opcode === initiatorOpcode.scsiCommand && !this.host.discovery) {
      this.#scsi(reader);
      return;
    }
    if (opcode === initiatorOpcode.dataOut && !this.host.discovery) {
      this.#dataOut.take(reader);
      return;
    }
    this.#other(opcode, reader);
  }

  /** The session is over: its commands end, its units hear of the lost nexus. Resolves once no device works for it. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const task of this.tasks.all()) this.tasks.end(task);
    for (const path of this.paths.values()) path.unit.leave(this.nexus, this.#onAbort);
    await Promise.allSettled(this.#atWork);
  }

  /** To be called about once a second: answers BUSY where the disk is slow, and drops initiators that owe data. */
  sweep(now: number): void {
    if (this.tasks.size === 0) return;
    const { busyMilliseconds, dataMilliseconds } = this.host.limits;
    for (const task of this.tasks.all()) {
      const waited = now - task.since;
      if (task.collecting) {
        if (waited > dataMilliseconds) {
          this.host.drop('the initiator owes data of a write');
          return;
        }
      } else if (waited > busyMilliseconds && task.definition.takesLong !== true) {
        this.tasks.end(task);
        this.respond(task.command, scsiStatus.busy, 0, task.nextDataSn);
      }
    }
    this.host.writer.flush();
  }

  /** Asks the initiator for a sign of life (RFC 7143 §11.19). */
  ping(transferTag: number): void {
    this.responder.nopIn(noTag, transferTag, noLun, nothing);
    this.host.writer.flush();
  }

  respond(command: Command, status: number, moved: number, expDataSn = 0): void {
    this.responder.scsiResponse(command.initiatorTaskTag, status, command.expectedLength - moved, expDataSn);
  }

  fail(command: Command, definition: CommandDefinition | undefined, error: unknown, expDataSn = 0): void {
    const failure = error instanceof ScsiFailure ? error : this.#mediumFailure(definition, error);
    this.responder.scsiFailure(
      command.initiatorTaskTag,
      failure,
      failure.status === scsiStatus.conditionMet ? 0 : command.expectedLength,
      expDataSn,
      command.path.unit.descriptorSense,
    );
  }

  track(work: Promise<unknown>): void {
    this.#atWork.add(work);
    const forget = (): void => {
      this.#atWork.delete(work);
    };
    work.then(forget, forget);
  }

  await<T>(task: Task, work: Promise<T>, done: (result: T) => void): void {
    this.track(this.#settle(task, work, done));
  }

  reject(reason: number, reader: PduReader): void {
    this.responder.reject(reason, headerOf(reader.buffer, reader.at));
  }

  #scsi(reader: PduReader): void {
    const { buffer, at } = reader;
    if (!this.#inOrder(buffer, at)) return;
    const tag = fields.initiatorTaskTag.read(buffer, at);
    if (this.tasks.size > 0 && this.tasks.get(tag) !== undefined) {
      this.reject(rejectReason.taskInProgress, reader);
      return;
    }
    const flags = buffer[at + 1] ?? 0;
    const expected = (flags & (readBit | writeBit)) === 0 ? 0 : fields.expectedDataTransferLength.read(buffer, at);
    const path = this.paths.get(lunOf(buffer, at));
    if (path === undefined) {
      this.#withoutUnit(tag, expected, buffer, at + headerBytes - 16);
      return;
    }
    const command = new Command(path, tag, expected, buffer, at + headerBytes - 16);
    let definition: CommandDefinition | undefined;
    try {
      definition = findCommand(command);
      if (path.unit.gated || path.readOnly) passGate(command, definition);
      if (definition.kind === 'read') {
        definition.locate(command);
        this.#dataIn.read(command, definition);
      } else if (definition.kind === 'out') {
        this.#dataOut.begin(command, definition, flags, reader);
      } else if (definition.kind === 'in') {
        const result = definition.run(command);
        if (Buffer.isBuffer(result)) this.#dataIn.send(command, result);
        else {
          const task = this.tasks.add(command, definition, 0);
          this.await(task, result, (payload) => this.#dataIn.send(command, payload));
        }
      } else {
        const result = definition.run(command);
        if (result === undefined) this.respond(command, scsiStatus.good, 0);
        else {
          const task = this.tasks.add(command, definition, 0);
          if (definition.writes === true) task.settled = result;
          this.await(task, result, () => this.respond(command, scsiStatus.good, 0));
        }
      }
    } catch (error) {
      if (error instanceof FramingError) throw error;
      this.fail(command, definition, error);
    }
  }

  /**
   * CmdSN (RFC 7143 §4.2.2.1): immediate commands carry the next one without using it up; what is outside the window
   * is dropped without a word. On the one connection of a session commands come in order.
   */
  #inOrder(buffer: Buffer, at: number): boolean {
    const cmdSn = fields.cmdSn.read(buffer, at);
    if (((buffer[at] ?? 0) & immediateBit) !== 0) return true;
    const { responder } = this;
    if (cmdSn !== responder.expCmdSn) return false;
    if (this.tasks.size >= this.host.limits.queueDepth) return false;
    responder.expCmdSn = (cmdSn + 1) >>> 0;
    return true;
  }

  #withoutUnit(tag: number, expected: number, buffer: Buffer, at: number): void {
    const opcode = buffer[at];
    try {
      let payload: Buffer;
      if (opcode === 0x12) payload = inquiryOfNothing(buffer, at);
      else if (opcode === 0xa0) payload = lunList([...this.paths.keys()], buffer.readUInt32BE(at + 6));
      else if (opcode === 0x03) {
        const sense = { key: senseKey.illegalRequest, additional: additionalSense.logicalUnitNotSupported };
        payload = buildSense(sense, false).subarray(0, buffer[at + 4]);
      } else throw checkCondition(senseKey.illegalRequest, additionalSense.logicalUnitNotSupported);
      this.#dataIn.sendTo(tag, expected, payload);
    } catch (error) {
      const failure =
        error instanceof ScsiFailure ? error : checkCondition(senseKey.hardwareError, additionalSense.none);
      this.responder.scsiFailure(tag, failure, expected, 0, false);
    }
  }

  #other(opcode: number, reader: PduReader): void {
    const { buffer, at } = reader;
    if (reader.dataDigestBad) {
      this.reject(rejectReason.dataDigestError, reader);
      return;
    }
    switch (opcode) {
      case initiatorOpcode.nopOut:
        this.#nopOut(reader);
        return;
      case initiatorOpcode.text:
        if (this.#inOrder(buffer, at)) this.#text.take(reader);
        return;
      case initiatorOpcode.logout:
        if (this.#inOrder(buffer, at)) this.#logout(reader);
        return;
      case initiatorOpcode.taskManagement:
        if (this.host.discovery) this.reject(rejectReason.protocolError, reader);
        else if (this.#inOrder(buffer, at)) manageTasks(this, reader);
        return;
      case initiatorOpcode.snack:
        this.reject(rejectReason.snackReject, reader);
        return;
      case initiatorOpcode.login:
        this.reject(rejectReason.protocolError, reader);
        return;
      default:
        this.reject(rejectReason.commandNotSupported, reader);
    }
  }

  #nopOut(reader: PduReader): void {
    const { buffer, at, dataAt, dataLength } = reader;
    const tag = nopOut.fields.initiatorTaskTag.read(buffer, at);
    // An answer to our own ping carries no tag of the initiator's and wants no answer.
    if (tag === noTag) return;
    if (!this.#inOrder(buffer, at)) return;
    const echo = buffer.subarray(dataAt, dataAt + Math.min(dataLength, this.parameters.sendSegment));
    this.responder.nopIn(tag, noTag, nopOut.fields.lun.read(buffer, at), echo);
  }

  #logout(reader: PduReader): void {
    const { initiatorTaskTag, reason } = logoutRequest.read(reader.buffer, reader.at);
    // 0 closes the session, 1 its connection, which is the only one; 2 would keep it for recovery (level 0: none).
    if (reason > 1) {
      this.responder.logout(initiatorTaskTag, 2);
      return;
    }
    for (const task of this.tasks.all()) this.tasks.end(task);
    this.responder.logout(initiatorTaskTag, 0);
    this.host.finish('logout');
  }

  async #settle<T>(task: Task, work: Promise<T>, done: (result: T) => void): Promise<void> {
    try {
      const result = await work;
      task.settled = undefined;
      if (task.ended) return;
      this.tasks.end(task);
      done(result);
    } catch (error) {
      task.settled = undefined;
      if (task.ended) return;
      this.tasks.end(task);
      this.fail(task.command, task.definition, error, task.nextDataSn);
    }
    this.host.writer.flush();
  }

  #mediumFailure(definition: CommandDefinition | undefined, error: unknown): ScsiFailure {
    if (error instanceof Fault && error.code === 'block.read-only') {
      return checkCondition(senseKey.dataProtect, additionalSense.writeProtected);
    }
    this.host.warn(`${definition?.name ?? 'a command'} failed`, error);
    return definition?.writes === true
      ? checkCondition(senseKey.mediumError, additionalSense.writeError)
      : checkCondition(senseKey.mediumError, additionalSense.unreadable);
  }

  readonly #onAbort = (unit: LogicalUnit, nexuses: readonly string[] | 'all'): void => {
    if (nexuses !== 'all' && !nexuses.includes(this.nexus)) return;
    for (const task of this.tasks.all()) if (task.command.path.unit === unit) this.tasks.end(task);
  };
}
