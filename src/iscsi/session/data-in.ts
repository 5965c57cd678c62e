// Data from the device to the initiator: Data-In PDUs, the status in the last one (RFC 7143 §11.7).
import { type Command } from '../scsi/command.ts';
import { type CommandDefinition } from '../scsi/definition.ts';
import { scsiStatus } from '../scsi/status.ts';
import { type HeldRegion } from '../wire/pdu-writer.ts';
import { sectorBytes } from '../../block/device.ts';
import { paceBytes } from '../scsi/pace.ts';
import { type SessionContext } from './context.ts';
import { type Task } from './task.ts';
import { inTurn } from './turn.ts';

export class DataIn {
  readonly #session: SessionContext;
  /** Longest data segment of one PDU, whole sectors, so that the device reads right into it. */
  readonly #segment: number;
  readonly #burst: number;

  constructor(session: SessionContext) {
    this.#session = session;
    const { sendSegment, maxBurstLength } = session.parameters;
    this.#segment = Math.floor(Math.min(sendSegment, maxBurstLength) / sectorBytes) * sectorBytes;
    this.#burst = Math.max(this.#segment, Math.floor(maxBurstLength / this.#segment) * this.#segment);
  }

  /** A command of the READ family whose blocks are located. */
  read(command: Command, definition: CommandDefinition): void {
    const { length, expectedLength } = command;
    if (expectedLength < length) {
      this.#readInPart(command, definition);
      return;
    }
    if (length === 0) {
      this.#session.respond(command, scsiStatus.good, 0);
      return;
    }
    const { writer } = this.#session.host;
    const { device } = command.path;
    let done = 0;
    for (let dataSn = 0; done < length; dataSn++) {
      const bytes = Math.min(this.#segment, length - done);
      const at = writer.reserve(bytes);
      const dataAt = at + writer.dataOffset;
      let pending: undefined | Promise<void>;
      try {
        pending = device.read(command.offset + done, writer.buffer.subarray(dataAt, dataAt + bytes));
      } catch (error) {
        writer.cancel(at);
        this.#session.fail(command, definition, error, dataSn);
        return;
      }
      if (pending !== undefined) {
        this.#readLater(command, definition, writer.hold(at, bytes), pending, done, dataSn);
        return;
      }
      this.#header(writer.buffer, at, command, dataSn, done, bytes);
      writer.seal(at, bytes);
      done += bytes;
      if (done >= paceBytes && done < length) {
        const task = this.#session.tasks.add(command, definition, 0);
        task.nextDataSn = dataSn + 1;
        this.#session.track(this.#readOn(task, done));
        return;
      }
    }
  }

  /** The same for a command that has to wait for others. */
  readInTurn(task: Task): void {
    const { command } = task;
    if (command.length > 0 && command.expectedLength >= command.length) {
      this.#session.track(this.#readOnInTurn(task));
      return;
    }
    const payload = Buffer.alloc(command.length);
    const reading = inTurn(task, () => command.path.device.read(command.offset, payload));
    this.#session.await(task, reading, () => this.send(command, payload));
  }

  async #readOnInTurn(task: Task): Promise<void> {
    await task.command.path.unit.taskSet.turn(task);
    if (!task.ended) await this.#readOn(task, 0);
  }

  /** The answer of a command that gives back parameter data. */
  send(command: Command, payload: Buffer): void {
    this.sendTo(command.initiatorTaskTag, command.expectedLength, payload);
  }

  sendTo(tag: number, expected: number, payload: Buffer): void {
    const { responder, host } = this.#session;
    const residual = expected - payload.length;
    const length = Math.min(expected, payload.length);
    if (length === 0) {
      responder.scsiResponse(tag, scsiStatus.good, residual, 0);
      return;
    }
    let done = 0;
    for (let dataSn = 0; done < length; dataSn++) {
      const bytes = Math.min(this.#segment, length - done);
      const at = host.writer.reserve(bytes);
      const last = done + bytes === length;
      const final = last || (done + bytes) % this.#burst === 0;
      payload.copy(host.writer.buffer, at + host.writer.dataOffset, done, done + bytes);
      const status = last ? scsiStatus.good : -1;
      responder.dataIn(host.writer.buffer, at, tag, dataSn, done, final, status, last ? residual : 0);
      host.writer.seal(at, bytes);
      done += bytes;
    }
  }

  #header(buffer: Buffer, at: number, command: Command, dataSn: number, done: number, bytes: number): void {
    const { length } = command;
    const last = done + bytes === length;
    this.#session.responder.dataIn(
      buffer,
      at,
      command.initiatorTaskTag,
      dataSn,
      done,
      last || (done + bytes) % this.#burst === 0,
      last ? scsiStatus.good : -1,
      last ? command.expectedLength - length : 0,
    );
  }

  /** The initiator announced less than the command reads: it gets that much, and an overflow. */
  #readInPart(command: Command, definition: CommandDefinition): void {
    const payload = Buffer.allocUnsafe(command.length);
    const pending = command.path.device.read(command.offset, payload);
    if (pending === undefined) {
      this.send(command, payload);
      return;
    }
    const task = this.#session.tasks.add(command, definition, payload.length);
    this.#session.await(task, pending, () => this.send(command, payload));
  }

  /** The bytes are not here yet: the PDU's place in the buffer is kept for them, and everything else goes on. */
  #readLater(
    command: Command,
    definition: CommandDefinition,
    region: HeldRegion,
    pending: Promise<void>,
    done: number,
    dataSn: number,
  ): void {
    const { tasks, host } = this.#session;
    let task: Task;
    try {
      task = tasks.add(command, definition, command.length);
    } catch (error) {
      const drop = (): void => host.writer.drop(region);
      pending.then(drop, drop);
      this.#session.track(pending);
      this.#session.fail(command, definition, error, dataSn);
      return;
    }
    task.nextDataSn = dataSn;
    this.#session.track(this.#readOn(task, done, region, pending));
  }

  /** Goes on with a read from `done` bytes, where the PDU of the next segment may be reserved and on its way. */
  async #readOn(task: Task, begun: number, held?: HeldRegion, reading?: Promise<void>): Promise<void> {
    const session = this.#session;
    const { writer } = session.host;
    const { command } = task;
    let region = held;
    let pending = reading;
    let paced = begun;
    try {
      for (let done = begun; done < command.length;) {
        const bytes = Math.min(this.#segment, command.length - done);
        if (region === undefined) {
          if (done - paced >= paceBytes || done === begun) {
            paced = done;
            writer.flush();
            await session.host.room();
            if (task.ended) return;
          }
          const at = writer.reserve(bytes);
          const dataAt = at + writer.dataOffset;
          try {
            pending = command.path.device.read(command.offset + done, writer.buffer.subarray(dataAt, dataAt + bytes));
          } catch (error) {
            writer.cancel(at);
            throw error;
          }
          if (pending === undefined) {
            this.#finishing(task, done + bytes);
            this.#header(writer.buffer, at, command, task.nextDataSn, done, bytes);
            writer.seal(at, bytes);
          } else {
            region = writer.hold(at, bytes);
          }
        }
        if (region !== undefined) {
          await pending;
          if (task.ended) return;
          this.#finishing(task, done + bytes);
          this.#header(region.buffer, region.at, command, task.nextDataSn, done, bytes);
          writer.sendHeld(region);
          region = undefined;
        }
        task.nextDataSn += 1;
        done += bytes;
      }
    } catch (error) {
      if (!task.ended) {
        session.tasks.end(task);
        session.fail(command, task.definition, error, task.nextDataSn);
      }
    } finally {
      if (region !== undefined) writer.drop(region);
      writer.flush();
    }
  }

  /** The command leaves the queue before its last PDU says how wide the window is. */
  #finishing(task: Task, done: number): void {
    if (done === task.command.length) this.#session.tasks.end(task);
  }
}
