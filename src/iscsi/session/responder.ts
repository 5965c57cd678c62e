// Writes what the target sends in full feature phase, and keeps the sequence numbers that go with it (RFC 7143 §4.2.2).
import { buildSense, type ScsiFailure } from '../scsi/status.ts';
import {
  asyncMessage,
  dataIn,
  headerBytes,
  logoutResponse,
  nopIn,
  noTag,
  readyToTransfer,
  reject,
  scsiResponse,
  targetOpcode,
  taskManagementResponse,
  textResponse,
} from '../wire/pdu.ts';
import { type PduWriter } from '../wire/pdu-writer.ts';

const scsi = scsiResponse.fields;
const data = dataIn.fields;

/** A whole command answered, GOOD and without residual, is by far the most frequent PDU: opcode and final bit alone. */
const responseHead = (targetOpcode.scsiResponse << 8) | 0x80;
const dataInHead = targetOpcode.dataIn << 8;

export class Responder {
  readonly writer: PduWriter;
  /** StatSN of the next response. */
  statSn: number;
  /** CmdSN of the next command that is expected. */
  expCmdSn: number;
  /** Commands that the initiator may send beyond the expected one: the window that pushes back. */
  readonly #window: () => number;

  constructor(writer: PduWriter, statSn: number, expCmdSn: number, window: () => number) {
    this.writer = writer;
    this.statSn = statSn >>> 0;
    this.expCmdSn = expCmdSn >>> 0;
    this.#window = window;
  }

  /** The last CmdSN that is taken now. */
  get maxCmdSn(): number {
    return (this.expCmdSn + this.#window() - 1) >>> 0;
  }

  #take(): number {
    const statSn = this.statSn;
    this.statSn = (statSn + 1) >>> 0;
    return statSn;
  }

  /**
   * The header of a Data-In PDU that is reserved at `at` in `buffer`.
   * @param status of the command, where its last data goes with it (RFC 7143 §11.7.3); -1 where it does not.
   */
  dataIn(
    buffer: Buffer,
    at: number,
    tag: number,
    dataSn: number,
    offset: number,
    final: boolean,
    status: number,
    residual: number,
  ): void {
    buffer.writeUInt16BE(dataInHead | (final ? 0x80 : 0), at);
    data.initiatorTaskTag.write(buffer, at, tag);
    data.targetTransferTag.write(buffer, at, noTag);
    if (status >= 0) {
      data.statusPresent.write(buffer, at, true);
      data.status.write(buffer, at, status);
      data.statSn.write(buffer, at, this.#take());
      if (residual !== 0) this.#residual(buffer, at, residual);
    }
    data.expCmdSn.write(buffer, at, this.expCmdSn);
    data.maxCmdSn.write(buffer, at, this.maxCmdSn);
    data.dataSn.write(buffer, at, dataSn);
    data.bufferOffset.write(buffer, at, offset);
  }

  /** @param residual bytes: positive where the initiator expected more, negative where it expected less. */
  scsiResponse(tag: number, status: number, residual: number, expDataSn: number): void {
    const at = this.writer.reserve(0);
    this.#scsiHeader(at, tag, status, residual, expDataSn);
    this.writer.seal(at, 0);
  }

  /** A status with its sense data (RFC 7143 §11.4.7). */
  scsiFailure(tag: number, failure: ScsiFailure, residual: number, expDataSn: number, descriptors: boolean): void {
    if (failure.sense === undefined) {
      this.scsiResponse(tag, failure.status, residual, expDataSn);
      return;
    }
    const sense = buildSense(failure.sense, descriptors);
    const at = this.writer.reserve(2 + sense.length);
    this.#scsiHeader(at, tag, failure.status, residual, expDataSn);
    const dataAt = at + this.writer.dataOffset;
    this.writer.buffer.writeUInt16BE(sense.length, dataAt);
    sense.copy(this.writer.buffer, dataAt + 2);
    this.writer.seal(at, 2 + sense.length);
  }

  readyToTransfer(
    lun: Buffer,
    tag: number,
    transferTag: number,
    r2tSn: number,
    offset: number,
    desiredLength: number,
  ): void {
    this.#plain(readyToTransfer, {
      opcode: targetOpcode.readyToTransfer,
      final: true,
      lun,
      initiatorTaskTag: tag,
      targetTransferTag: transferTag,
      // The next StatSN; it does not advance (RFC 7143 §11.8).
      statSn: this.statSn,
      r2tSn,
      bufferOffset: offset,
      desiredLength,
    });
  }

  nopIn(tag: number, transferTag: number, lun: Buffer, echo: Buffer): void {
    this.#plain(
      nopIn,
      {
        opcode: targetOpcode.nopIn,
        final: true,
        lun,
        initiatorTaskTag: tag,
        targetTransferTag: transferTag,
        statSn: tag === noTag ? this.statSn : this.#take(),
      },
      echo,
    );
  }

  taskManagement(tag: number, response: number): void {
    this.#plain(taskManagementResponse, {
      opcode: targetOpcode.taskManagementResponse,
      final: true,
      response,
      initiatorTaskTag: tag,
      statSn: this.#take(),
    });
  }

  text(tag: number, transferTag: number, final: boolean, body: Buffer): void {
    this.#plain(
      textResponse,
      {
        opcode: targetOpcode.textResponse,
        final,
        continues: !final && body.length > 0,
        initiatorTaskTag: tag,
        targetTransferTag: transferTag,
        statSn: this.#take(),
      },
      body,
    );
  }

  logout(tag: number, response: number): void {
    this.#plain(logoutResponse, {
      opcode: targetOpcode.logoutResponse,
      final: true,
      response,
      initiatorTaskTag: tag,
      statSn: this.#take(),
      time2Wait: 2,
    });
  }

  /** @param header the first 48 bytes of the PDU that is rejected. */
  reject(reason: number, header: Buffer): void {
    this.#plain(
      reject,
      { opcode: targetOpcode.reject, final: true, reason, initiatorTaskTag: noTag, statSn: this.#take() },
      header,
    );
  }

  /** RFC 7143 §11.9.1: 1 asks for a logout within `parameter3` seconds, 2 says that the connection ends. */
  asyncMessage(asyncEvent: number, parameter1: number, parameter2: number, parameter3: number): void {
    this.#plain(asyncMessage, {
      opcode: targetOpcode.asyncMessage,
      final: true,
      initiatorTaskTag: noTag,
      statSn: this.#take(),
      asyncEvent,
      parameter1,
      parameter2,
      parameter3,
    });
  }

  #scsiHeader(at: number, tag: number, status: number, residual: number, expDataSn: number): void {
    const { buffer } = this.writer;
    buffer.writeUInt16BE(responseHead, at);
    scsi.status.write(buffer, at, status);
    scsi.initiatorTaskTag.write(buffer, at, tag);
    scsi.statSn.write(buffer, at, this.#take());
    scsi.expCmdSn.write(buffer, at, this.expCmdSn);
    scsi.maxCmdSn.write(buffer, at, this.maxCmdSn);
    if (expDataSn !== 0) scsi.expDataSn.write(buffer, at, expDataSn);
    if (residual !== 0) this.#residual(buffer, at, residual);
  }

  #residual(buffer: Buffer, at: number, residual: number): void {
    if (residual > 0) scsi.underflow.write(buffer, at, true);
    else scsi.overflow.write(buffer, at, true);
    scsi.residualCount.write(buffer, at, Math.min(Math.abs(residual), 0xffffffff));
  }

  #plain<V>(
    kind: { write(into: Buffer, at: number, values: V): void },
    values: V & { readonly expCmdSn?: number },
    body?: Buffer,
  ): void {
    const length = body?.length ?? 0;
    const at = this.writer.reserve(length);
    const { buffer } = this.writer;
    kind.write(buffer, at, { ...values, expCmdSn: this.expCmdSn, maxCmdSn: this.maxCmdSn });
    if (body !== undefined) body.copy(buffer, at + this.writer.dataOffset);
    this.writer.seal(at, length);
  }
}

/** The 48 bytes of a header, copied. */
export function headerOf(buffer: Buffer, at: number): Buffer {
  return Buffer.from(buffer.subarray(at, at + headerBytes));
}
