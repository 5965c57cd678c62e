// A small initiator that can also misbehave: sends PDUs as it is told and hands back what comes.
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { BufferPool } from '../../src/iscsi/wire/buffer-pool.ts';
import { formatText, parseText } from '../../src/iscsi/login/text.ts';
import * as pdu from '../../src/iscsi/wire/pdu.ts';
import { PduReader } from '../../src/iscsi/wire/pdu-reader.ts';

export interface Received {
  readonly opcode: number;
  readonly header: Buffer;
  readonly data: Buffer;
}

export const initiatorName = 'iqn.2026-01.org.example:client';

export class Initiator {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  cmdSn = 1;
  #tag = 1;
  readonly #reader = new PduReader(new BufferPool(2), {
    maxDataSegment: 16 * 1024 * 1024,
    headerDigest: false,
    dataDigest: false,
  });
  readonly #received: Received[] = [];
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', resolve);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#wake());
    socket.on('data', (chunk: Buffer) => {
      this.#reader.push(chunk);
      while (this.#reader.next()) {
        const { buffer, at, dataAt, dataLength } = this.#reader;
        const header = Buffer.from(buffer.subarray(at, at + pdu.headerBytes));
        const data = Buffer.from(buffer.subarray(dataAt, dataAt + dataLength));
        this.#received.push({ opcode: (header[0] ?? 0) & 0x3f, header, data });
      }
      this.#wake();
    });
  }

  static async connect(port: number): Promise<Initiator> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Initiator(socket);
  }

  /** Logs in without authentication. @returns the keys of the last answer. */
  static async login(
    port: number,
    target: string | undefined,
    options: {
      readonly isid?: string;
      readonly tsih?: number;
      readonly cid?: number;
      readonly keys?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<{ initiator: Initiator; status: number; tsih: number; keys: Map<string, string> }> {
    const initiator = await Initiator.connect(port);
    const session = target === undefined ? { SessionType: 'Discovery' } : { TargetName: target };
    const keys = { InitiatorName: initiatorName, ...session, ...options.keys };
    initiator.send(
      pdu.loginRequest.build({
        opcode: pdu.initiatorOpcode.login,
        immediate: true,
        transit: true,
        currentStage: 1,
        nextStage: 3,
        isid: Buffer.from(options.isid ?? '800000000001', 'hex'),
        tsih: options.tsih ?? 0,
        cid: options.cid ?? 1,
        cmdSn: initiator.cmdSn,
      }),
      formatText(Object.entries(keys)),
    );
    const reply = await initiator.next();
    const { statusClass, statusDetail, tsih } = pdu.loginResponse.read(reply.header);
    return { initiator, status: statusClass * 256 + statusDetail, tsih, keys: parseText(reply.data) };
  }

  /** Writes header and data segment, with the length filled in. */
  send(header: Buffer, data: Buffer = Buffer.alloc(0)): void {
    pdu.basicHeader.fields.dataSegmentLength.write(header, 0, data.length);
    const padding = Buffer.alloc((4 - (data.length % 4)) % 4);
    this.socket.write(Buffer.concat([header, data, padding]));
  }

  /** A SCSI command with the next CmdSN. @returns its tag. */
  command(
    cdb: readonly number[],
    options: { read?: number; write?: number; data?: Buffer; lun?: number; attributes?: number } = {},
  ): number {
    const tag = this.#tag;
    this.#tag += 1;
    const lun = Buffer.alloc(8);
    lun.writeUInt8(options.lun ?? 1, 1);
    const header = pdu.scsiCommand.build({
      opcode: pdu.initiatorOpcode.scsiCommand,
      final: true,
      read: options.read !== undefined,
      write: options.write !== undefined,
      attributes: options.attributes ?? 1,
      lun,
      initiatorTaskTag: tag,
      expectedDataTransferLength: options.read ?? options.write ?? 0,
      cmdSn: this.cmdSn,
      cdb: Buffer.concat([Buffer.from(cdb), Buffer.alloc(16)], 16),
    });
    this.cmdSn += 1;
    this.send(header, options.data);
    return tag;
  }

  /** READ(10). */
  read(lba: number, blocks: number, attributes = 1): number {
    const address = [lba >>> 24, (lba >>> 16) & 0xff, (lba >>> 8) & 0xff, lba & 0xff];
    return this.command([0x28, 0, ...address, 0, blocks >> 8, blocks & 0xff, 0], { read: blocks * 512, attributes });
  }

  /** WRITE(10) with all its data in the PDU. */
  write(lba: number, data: Buffer, attributes = 1): number {
    const blocks = data.length / 512;
    const address = [lba >>> 24, (lba >>> 16) & 0xff, (lba >>> 8) & 0xff, lba & 0xff];
    const cdb = [0x2a, 0, ...address, 0, blocks >> 8, blocks & 0xff, 0];
    return this.command(cdb, { write: data.length, data, attributes });
  }

  /** One burst of Data-Out PDUs of `piece` bytes, which begins at `start` in the command's data. */
  dataOut(tag: number, transferTag: number, data: Buffer, start = 0, piece = data.length): void {
    let dataSn = 0;
    for (let at = 0; at < data.length; at += piece) {
      this.send(
        pdu.dataOut.build({
          opcode: pdu.initiatorOpcode.dataOut,
          final: at + piece >= data.length,
          initiatorTaskTag: tag,
          targetTransferTag: transferTag,
          dataSn,
          bufferOffset: start + at,
        }),
        data.subarray(at, at + piece),
      );
      dataSn += 1;
    }
  }

  nop(): void {
    const tag = 0x1000_0000 + this.#tag;
    this.#tag += 1;
    this.send(
      pdu.nopOut.build({
        opcode: pdu.initiatorOpcode.nopOut,
        immediate: true,
        final: true,
        initiatorTaskTag: tag,
        targetTransferTag: pdu.noTag,
        cmdSn: this.cmdSn,
      }),
      Buffer.from('ping'),
    );
  }

  /** A task management function, immediate. */
  manage(kind: number, referencedTaskTag = pdu.noTag): void {
    const lun = Buffer.alloc(8);
    lun.writeUInt8(1, 1);
    this.send(
      pdu.taskManagement.build({
        opcode: pdu.initiatorOpcode.taskManagement,
        immediate: true,
        final: true,
        function: kind,
        lun,
        initiatorTaskTag: 0x2000_0000,
        referencedTaskTag,
        cmdSn: this.cmdSn,
      }),
    );
  }

  logout(): void {
    this.send(
      pdu.logoutRequest.build({
        opcode: pdu.initiatorOpcode.logout,
        immediate: true,
        final: true,
        initiatorTaskTag: 0x3000_0000,
        cmdSn: this.cmdSn,
        cid: 1,
      }),
    );
  }

  /** The next PDU from the target. @throws where the connection ends first. */
  async next(): Promise<Received> {
    for (;;) {
      const first = this.#received.shift();
      if (first !== undefined) return first;
      if (this.socket.destroyed) throw new Error('the connection has ended');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** SCSI status and data of the next answer: Data-In PDUs, of which the last may have the status, or a SCSI Response after them. */
  async status(): Promise<{ tag: number; status: number; sense: string; data: Buffer }> {
    const pieces: Buffer[] = [];
    for (;;) {
      const { opcode, header, data } = await this.next();
      const { status, initiatorTaskTag: tag } = pdu.scsiResponse.read(header);
      if (opcode === pdu.targetOpcode.dataIn) {
        pieces.push(data);
        if (pdu.dataIn.read(header).statusPresent) return { tag, status, sense: '', data: Buffer.concat(pieces) };
      } else if (opcode === pdu.targetOpcode.scsiResponse) {
        const isSense = data.length > 16;
        const sense = isSense ? `${(data[4] ?? 0) & 0x0f}/${data.readUInt16BE(14).toString(16).padStart(4, '0')}` : '';
        return { tag, status, sense, data: pieces.length === 0 ? data : Buffer.concat(pieces) };
      } else throw new Error(`opcode ${opcode} came instead of a status`);
    }
  }

  async end(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }
}
