// Data from the initiator to a command: immediate, unsolicited, or asked for by R2T (RFC 7143 §4.2.5.2, §11.7, §11.8).
import { type Command } from '../scsi/command.ts';
import { type CommandDefinition } from '../scsi/definition.ts';
import { paceBytes } from '../scsi/pace.ts';
import { additionalSense, checkCondition, scsiStatus, senseKey } from '../scsi/status.ts';
import { dataOut, noTag, rejectReason, scsiCommand } from '../wire/pdu.ts';
import { type PduReader } from '../wire/pdu-reader.ts';
import { type SessionContext } from './context.ts';
import { type Burst, type Task } from './task.ts';
import { inTurn } from './turn.ts';

type OutDefinition = Extract<CommandDefinition, { readonly kind: 'out' }>;

const finalBit = 0x80;
const writeBit = 0x20;
const nothing = Buffer.alloc(0);

/** RFC 7143 §11.4.7.2: what iSCSI's own errors look like as sense data. */
const incorrectAmountOfData = 0x0c0d;
const unexpectedUnsolicitedData = 0x0c0c;

export class DataOut {
  readonly #session: SessionContext;
  #nextTransferTag = 1;

  constructor(session: SessionContext) {
    this.#session = session;
  }

  /** A command that takes data has come, perhaps with some of it. */
  begin(command: Command, definition: OutDefinition, flags: number, reader: PduReader): void {
    const { parameters, responder } = this.#session;
    const { dataLength } = reader;
    if (dataLength > 0 && !parameters.immediateData) {
      throw checkCondition(senseKey.abortedCommand, unexpectedUnsolicitedData);
    }
    if (reader.dataDigestBad) {
      responder.reject(rejectReason.dataDigestError, Buffer.from(reader.buffer.subarray(reader.at, reader.at + 48)));
      throw checkCondition(senseKey.abortedCommand, additionalSense.crcError);
    }
    const expected = definition.expect(command);
    // Who does not announce a write has no data to send.
    const announced = (flags & writeBit) === 0 ? 0 : command.expectedLength;
    const wanted = Math.min(expected, announced);
    const final = (flags & finalBit) !== 0;
    if (dataLength > Math.min(parameters.firstBurstLength, announced)) {
      throw checkCondition(senseKey.abortedCommand, incorrectAmountOfData);
    }
    if (final && dataLength >= wanted) {
      const data = wanted === 0 ? nothing : reader.buffer.subarray(reader.dataAt, reader.dataAt + wanted);
      this.#run(command, definition, data, expected);
      return;
    }
    if (!final && parameters.initialR2T) throw checkCondition(senseKey.abortedCommand, unexpectedUnsolicitedData);
    const task = this.#session.tasks.add(command, definition, wanted);
    task.expected = expected;
    task.wanted = wanted;
    this.#collect(task, final, reader);
  }

  /** A Data-Out PDU. Those of commands that have ended are dropped. */
  take(reader: PduReader): void {
    const { buffer, at, dataAt, dataLength } = reader;
    const { fields } = dataOut;
    const task = this.#session.tasks.get(fields.initiatorTaskTag.read(buffer, at));
    if (task === undefined || !task.collecting) return;
    const transferTag = fields.targetTransferTag.read(buffer, at);
    const burst = task.bursts.find((candidate) => candidate.targetTransferTag === transferTag);
    const inSequence =
      burst !== undefined &&
      fields.dataSn.read(buffer, at) === burst.nextDataSn &&
      fields.bufferOffset.read(buffer, at) === burst.at &&
      burst.at + dataLength <= burst.end;
    if (!inSequence) {
      this.#abort(task, incorrectAmountOfData);
      return;
    }
    if (reader.dataDigestBad) {
      this.#session.reject(rejectReason.dataDigestError, reader);
      task.dataBad = true;
    }
    if (burst.at < task.wanted)
      buffer.copy(task.data, burst.at, dataAt, dataAt + Math.min(dataLength, task.wanted - burst.at));
    burst.at += dataLength;
    burst.nextDataSn += 1;
    if (((buffer[at + 1] ?? 0) & finalBit) !== 0) this.#burstDone(task, burst);
  }

  #collect(task: Task, final: boolean, reader: PduReader): void {
    const { parameters } = this.#session;
    const { dataLength } = reader;
    const { wanted } = task;
    task.lun = Buffer.from(scsiCommand.fields.lun.read(reader.buffer, reader.at));
    task.collecting = true;
    task.data = Buffer.allocUnsafe(wanted);
    reader.buffer.copy(task.data, 0, reader.dataAt, reader.dataAt + Math.min(dataLength, wanted));
    task.asked = dataLength;
    if (final) {
      this.#ask(task);
      return;
    }
    const end = Math.min(parameters.firstBurstLength, task.command.expectedLength);
    task.asked = end;
    task.bursts.push({ targetTransferTag: noTag, at: dataLength, end, nextDataSn: 0 });
  }

  /** Sends as many R2Ts as may be outstanding. */
  #ask(task: Task): void {
    const { parameters, responder } = this.#session;
    while (task.asked < task.wanted && task.bursts.length < parameters.maxOutstandingR2T) {
      const length = Math.min(parameters.maxBurstLength, task.wanted - task.asked);
      const targetTransferTag = this.#nextTransferTag;
      this.#nextTransferTag = (targetTransferTag % 0x7fffffff) + 1;
      const burst: Burst = { targetTransferTag, at: task.asked, end: task.asked + length, nextDataSn: 0 };
      const tag = task.command.initiatorTaskTag;
      responder.readyToTransfer(task.lun, tag, targetTransferTag, task.nextR2tSn, burst.at, length);
      task.nextR2tSn += 1;
      task.asked += length;
      task.bursts.push(burst);
    }
  }

  #burstDone(task: Task, burst: Burst): void {
    if (burst.targetTransferTag === noTag) {
      // Unsolicited data may end early; the rest is asked for.
      task.asked = burst.at;
    } else if (burst.at !== burst.end) {
      this.#abort(task, incorrectAmountOfData);
      return;
    }
    task.bursts = task.bursts.filter((candidate) => candidate !== burst);
    this.#ask(task);
    if (task.bursts.length > 0) return;
    if (task.dataBad) {
      this.#abort(task, additionalSense.crcError);
      return;
    }
    if (task.definition.kind === 'out') this.#runTask(task, task.definition);
  }

  #abort(task: Task, additional: number): void {
    this.#session.tasks.end(task);
    const failure = checkCondition(senseKey.abortedCommand, additional);
    this.#session.fail(task.command, task.definition, failure);
  }

  /** All data is there. */
  #run(command: Command, definition: OutDefinition, data: Buffer, expected: number): void {
    const session = this.#session;
    const { unit } = command.path;
    if (!unit.taskSet.admits(command.attribute) || (definition.writes === true && unit.hasOrphans)) {
      const task = session.tasks.add(command, definition, data.length);
      task.data = Buffer.from(data);
      task.expected = expected;
      this.#runTask(task, definition);
      return;
    }
    const borrowed = definition.borrows === true && data.length <= paceBytes;
    const work = definition.run(command, borrowed ? data : Buffer.from(data));
    if (work === undefined) {
      session.respond(command, scsiStatus.good, expected);
      return;
    }
    const task = session.tasks.add(command, definition, data.length);
    if (definition.writes === true) task.settled = work;
    session.await(task, work, () => session.respond(command, scsiStatus.good, expected));
  }

  #runTask(task: Task, definition: OutDefinition): void {
    const { command } = task;
    const { unit } = command.path;
    const session = this.#session;
    task.collecting = false;
    session.tasks.restart(task);
    const atOnce = unit.taskSet.isEnabled(task) && !(definition.writes === true && unit.hasOrphans);
    let work: undefined | Promise<void>;
    try {
      work = atOnce ? definition.run(command, task.data) : this.#runLater(task, definition);
    } catch (error) {
      session.tasks.end(task);
      session.fail(command, definition, error);
      return;
    }
    if (work === undefined) {
      session.tasks.end(task);
      session.respond(command, scsiStatus.good, task.expected);
      return;
    }
    if (definition.writes === true) task.settled = work;
    session.await(task, work, () => session.respond(command, scsiStatus.good, task.expected));
  }

  /** Once it is its turn, and once writes that were given up at the same place are over. */
  #runLater(task: Task, definition: OutDefinition): Promise<void> {
    const { command, data } = task;
    const { path, offset, length } = command;
    return inTurn(task, async () => {
      if (definition.writes === true && path.unit.hasOrphans) {
        await path.unit.orphansSettled(length > 0 ? offset : 0, length > 0 ? offset + length : Infinity);
      }
      if (!task.ended) await definition.run(command, data);
    });
  }
}
