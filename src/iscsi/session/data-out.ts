// Data from the initiator to a command: immediate, unsolicited, or asked for by R2T (RFC 7143 §4.2.5.2, §11.7, §11.8).
import { type Command } from '../scsi/command.ts';
import { type CommandDefinition } from '../scsi/definition.ts';
import { additionalSense, checkCondition, scsiStatus, senseKey } from '../scsi/status.ts';
import { dataOut, noTag, rejectReason, scsiCommand } from '../wire/pdu.ts';
import { type PduReader } from '../wire/pdu-reader.ts';
import { type SessionContext } from './context.ts';
import { type Burst, type Task } from './task.ts';

type OutDefinition = Extract<CommandDefinition, { readonly kind: 'out' }>;

const finalBit = 0x80;
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
    const wanted = Math.min(expected, command.expectedLength);
    const final = (flags & finalBit) !== 0;
    if (dataLength > Math.min(parameters.firstBurstLength, command.expectedLength)) {
      throw checkCondition(senseKey.abortedCommand, incorrectAmountOfData);
    }
    if (final && dataLength >= wanted) {
      const data = wanted === 0 ? nothing : reader.buffer.subarray(reader.dataAt, reader.dataAt + wanted);
      this.#run(command, definition, data, expected, reader);
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
    this.#runCollected(task);
  }

  #abort(task: Task, additional: number): void {
    this.#session.tasks.end(task);
    const failure = checkCondition(senseKey.abortedCommand, additional);
    this.#session.fail(task.command, task.definition, failure);
  }

  #runCollected(task: Task): void {
    const { command, definition } = task;
    if (definition.kind !== 'out') return;
    const session = this.#session;
    task.collecting = false;
    let work: undefined | Promise<void>;
    try {
      work = this.#start(command, definition, task.data);
    } catch (error) {
      session.tasks.end(task);
      session.fail(command, definition, error);
      return;
    }
    const moved = task.expected;
    if (work === undefined) {
      session.tasks.end(task);
      session.respond(command, scsiStatus.good, moved);
      return;
    }
    session.tasks.restart(task);
    if (definition.writes === true) task.settled = work;
    session.await(task, work, () => session.respond(command, scsiStatus.good, moved));
  }

  #run(command: Command, definition: OutDefinition, data: Buffer, expected: number, reader: PduReader): void {
    const session = this.#session;
    const work = this.#start(command, definition, data);
    if (work === undefined) {
      session.respond(command, scsiStatus.good, expected);
      return;
    }
    reader.retain();
    const task = session.tasks.add(command, definition, data.length);
    if (definition.writes === true) task.settled = work;
    session.await(task, work, () => session.respond(command, scsiStatus.good, expected));
  }

  /** Runs the command, but not before writes that were given up at the same place are over. */
  #start(command: Command, definition: OutDefinition, data: Buffer): undefined | Promise<void> {
    const { unit } = command.path;
    if (!unit.hasOrphans || definition.writes !== true) return definition.run(command, data);
    const ranged = command.length > 0;
    const start = ranged ? command.offset : 0;
    const end = ranged ? start + command.length : Infinity;
    return unit.orphansSettled(start, end).then(() => definition.run(command, data));
  }
}
