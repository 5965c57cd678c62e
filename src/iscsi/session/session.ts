// The full feature phase of one session: takes PDUs one by one and answers them (RFC 7143 §4.2, §11).
import { Fault } from '../../errors/fault.ts';
import { type SessionParameters } from '../login/keys.ts';
import { answerOfNothing } from '../scsi/absent-unit.ts';
import { findCommand, passGate } from '../scsi/command-table.ts';
import { Command, type UnitPath } from '../scsi/command.ts';
import { type CommandDefinition } from '../scsi/definition.ts';
import { type LogicalUnit } from '../scsi/logical-unit.ts';
import { additionalSense, checkCondition, ScsiFailure, scsiStatus, senseKey } from '../scsi/status.ts';
import { headerBytes, initiatorOpcode, noTag, rejectReason, scsiCommand } from '../wire/pdu.ts';
import { lunOf } from '../wire/lun.ts';
import { FramingError, type PduReader } from '../wire/pdu-reader.ts';
import { type SessionContext, type SessionHost } from './context.ts';
import { DataIn } from './data-in.ts';
import { DataOut } from './data-out.ts';
import { headerOf, Responder } from './responder.ts';
import { Requests } from './requests.ts';
import { type Task } from './task.ts';
import { Tasks } from './tasks.ts';
import { inTurn } from './turn.ts';

type ReadDefinition = Extract<CommandDefinition, { readonly kind: 'read' }>;
type RunDefinition = Extract<CommandDefinition, { readonly kind: 'none' | 'in' }>;

const fields = scsiCommand.fields;
const immediateBit = 0x40;
const opcodeMask = 0x3f;
const writeBit = 0x20;
const readBit = 0x40;
const attributeMask = 0x07;
/** Events of an Asynchronous Message (RFC 7143 §11.9.1). */
const asyncEvent = { requestLogout: 1, dropsSession: 3 } as const;
/** Seconds after which the initiator may try again. */
const timeToWait = 2;
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
  readonly #requests: Requests;
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
    this.#requests = new Requests(this);
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
    this.#requests.take(opcode, reader);
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

  /** Asks the initiator to log out within so many seconds. */
  askForLogout(seconds: number): void {
    this.responder.asyncMessage(asyncEvent.requestLogout, 0, 0, seconds);
    this.host.writer.flush();
  }

  /** Tells the initiator that the target ends the session. */
  announceEnd(): void {
    this.responder.asyncMessage(asyncEvent.dropsSession, 0, timeToWait, 0);
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
    if (!this.inOrder(reader)) return;
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
    const command = new Command(path, tag, expected, flags & attributeMask, buffer, at + headerBytes - 16);
    let definition: CommandDefinition | undefined;
    try {
      definition = findCommand(command);
      const { unit } = path;
      if (unit.gated || path.readOnly) passGate(command, definition);
      if (definition.kind === 'out') {
        this.#dataOut.begin(command, definition, flags, reader);
      } else if (!unit.taskSet.admits(command.attribute)) {
        this.#later(command, definition);
      } else if (definition.kind === 'read') {
        definition.locate(command);
        this.#dataIn.read(command, definition);
      } else {
        this.#run(command, definition);
      }
    } catch (error) {
      if (error instanceof FramingError) throw error;
      this.fail(command, definition, error);
    }
  }

  #run(command: Command, definition: RunDefinition): void {
    const result = definition.run(command);
    if (result === undefined || Buffer.isBuffer(result)) {
      this.#answer(command, result);
      return;
    }
    const task = this.tasks.add(command, definition, 0);
    if (definition.writes === true) task.settled = result;
    this.await<Buffer | void>(task, result, (payload) => this.#answer(command, payload));
  }

  /** Others come first. */
  #later(command: Command, definition: RunDefinition | ReadDefinition): void {
    if (definition.kind === 'read') definition.locate(command);
    const task = this.tasks.add(command, definition, 0);
    if (definition.kind === 'read') {
      this.#dataIn.readInTurn(task);
      return;
    }
    const work = inTurn<Buffer | void>(task, () => definition.run(command));
    if (definition.writes === true) task.settled = work;
    this.await(task, work, (payload) => this.#answer(command, payload));
  }

  #answer(command: Command, payload: Buffer | void): void {
    if (Buffer.isBuffer(payload)) this.#dataIn.send(command, payload);
    else this.respond(command, scsiStatus.good, 0);
  }

  /**
   * CmdSN (RFC 7143 §4.2.2.1): immediate commands carry the next one without using it up; what is outside the window
   * is dropped without a word. On the one connection of a session commands come in order.
   */
  inOrder({ buffer, at }: PduReader): boolean {
    const cmdSn = fields.cmdSn.read(buffer, at);
    if (((buffer[at] ?? 0) & immediateBit) !== 0) return true;
    const { responder } = this;
    if (cmdSn !== responder.expCmdSn) return false;
    if (this.tasks.size >= this.host.limits.queueDepth) return false;
    responder.expCmdSn = (cmdSn + 1) >>> 0;
    return true;
  }

  #withoutUnit(tag: number, expected: number, buffer: Buffer, at: number): void {
    try {
      this.#dataIn.sendTo(tag, expected, answerOfNothing([...this.paths.keys()], buffer, at));
    } catch (error) {
      const failure =
        error instanceof ScsiFailure ? error : checkCondition(senseKey.hardwareError, additionalSense.none);
      this.responder.scsiFailure(tag, failure, expected, 0, false);
    }
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
