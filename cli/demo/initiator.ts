// A small iSCSI initiator (RFC 7143), one command at a time: enough for the demo to read a disk as a hypervisor would.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { sectorBytes } from '../../src/block/device.ts';
import { chapResponse } from '../../src/iscsi/login/chap.ts';
import { formatBinary, formatText, parseBinary, parseText } from '../../src/iscsi/login/text.ts';
import { BufferPool } from '../../src/iscsi/wire/buffer-pool.ts';
import {
  basicHeader,
  dataIn,
  dataOut,
  headerBytes,
  initiatorOpcode,
  loginRequest,
  loginResponse,
  logoutRequest,
  noTag,
  readyToTransfer,
  scsiCommand,
  scsiResponse,
  targetOpcode,
} from '../../src/iscsi/wire/pdu.ts';
import { PduReader } from '../../src/iscsi/wire/pdu-reader.ts';

export interface InitiatorOptions {
  readonly host: string;
  readonly port: number;
  /** Our own IQN. */
  readonly initiator: string;
  /** The target's IQN. */
  readonly target: string;
  readonly lun: number;
  readonly chap: { readonly name: string; readonly secret: string };
}

interface Pdu {
  readonly header: Buffer;
  readonly data: Buffer;
}

const sector = sectorBytes;
const stage = { security: 0, operational: 1, fullFeature: 3 } as const;
/** CHAP_A (RFC 7143 §12.1.3 and its registry): SHA-256. */
const chapSha256 = '7';
/** Bytes asked for by one READ or WRITE. */
const burst = 256 * 1024;
const padded = (length: number): number => (length + 3) & ~3;

/** Cuts the socket's bytes into PDUs, each a copy. */
async function* pdus(socket: Socket): AsyncGenerator<Pdu, undefined> {
  const limits = { maxDataSegment: burst, headerDigest: false, dataDigest: false };
  const reader = new PduReader(new BufferPool(1), limits);
  for await (const piece of socket as AsyncIterable<Buffer>) {
    reader.push(piece);
    while (reader.next()) {
      const { buffer, at, dataAt, dataLength } = reader;
      const header = Buffer.from(buffer.subarray(at, at + headerBytes));
      yield { header, data: Buffer.from(buffer.subarray(dataAt, dataAt + dataLength)) };
    }
  }
}

export class Initiator {
  readonly #socket: Socket;
  readonly #incoming: AsyncGenerator<Pdu, undefined>;
  readonly #lun: Buffer;
  #cmdSn = 1;
  #expStatSn = 0;
  #task = 1;
  #targetSegment = 8192;

  private constructor(socket: Socket, lun: number) {
    this.#socket = socket;
    this.#incoming = pdus(socket);
    this.#lun = Buffer.from([0, lun, 0, 0, 0, 0, 0, 0]);
  }

  /** Logs in with CHAP (SHA-256) to a normal session. */
  static async login(options: InitiatorOptions): Promise<Initiator> {
    const socket = connect({ host: options.host, port: options.port, noDelay: true });
    await once(socket, 'connect');
    const initiator = new Initiator(socket, options.lun);
    try {
      await initiator.#negotiate(options);
      return initiator;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  async #negotiate({ initiator, target, chap }: InitiatorOptions): Promise<void> {
    await this.#loginStep(stage.security, stage.security, false, {
      InitiatorName: initiator,
      TargetName: target,
      SessionType: 'Normal',
      AuthMethod: 'CHAP',
    });
    const challenge = await this.#loginStep(stage.security, stage.security, false, { CHAP_A: chapSha256 });
    const bytes = parseBinary(challenge.get('CHAP_C') ?? '', 1024);
    const response = chapResponse(chapSha256, Number(challenge.get('CHAP_I')), chap.secret, bytes);
    await this.#loginStep(stage.security, stage.operational, true, {
      CHAP_N: chap.name,
      CHAP_R: formatBinary(response),
    });
    const agreed = await this.#loginStep(stage.operational, stage.fullFeature, true, {
      HeaderDigest: 'None',
      DataDigest: 'None',
      InitialR2T: 'Yes',
      ImmediateData: 'No',
      MaxRecvDataSegmentLength: String(burst),
    });
    this.#targetSegment = Number(agreed.get('MaxRecvDataSegmentLength') ?? this.#targetSegment);
  }

  async #loginStep(
    currentStage: number,
    nextStage: number,
    transit: boolean,
    text: Readonly<Record<string, string>>,
  ): Promise<ReadonlyMap<string, string>> {
    const data = formatText(Object.entries(text));
    this.#send(
      loginRequest.build({
        opcode: initiatorOpcode.login,
        immediate: true,
        transit,
        currentStage,
        nextStage: transit ? nextStage : 0,
        isid: this.#isid,
        initiatorTaskTag: 1,
        cmdSn: this.#cmdSn,
        expStatSn: this.#expStatSn,
        dataSegmentLength: data.length,
      }),
      data,
    );
    const pdu = await this.#receive(targetOpcode.loginResponse);
    const answer = loginResponse.read(pdu.header);
    if (answer.statusClass !== 0) {
      const status = (answer.statusClass * 256 + answer.statusDetail).toString(16).padStart(4, '0');
      throw new Error(`the target refused the login with status 0x${status}`);
    }
    return parseText(pdu.data);
  }

  readonly #isid = Buffer.concat([Buffer.from([0x80]), randomBytes(3), Buffer.alloc(2)]);

  #send(header: Buffer, data: Buffer = Buffer.alloc(0)): void {
    this.#socket.write(Buffer.concat([header, data, Buffer.alloc(padded(data.length) - data.length)]));
  }

  async #receive(...expected: readonly number[]): Promise<Pdu & { readonly opcode: number }> {
    const next = await this.#incoming.next();
    if (next.done === true) throw new Error('the target closed the connection');
    const { opcode } = basicHeader.read(next.value.header);
    // The target would like us to leave: what is under way is finished first.
    if (opcode === targetOpcode.asyncMessage) return await this.#receive(...expected);
    if (!expected.includes(opcode)) throw new Error(`the target sent a PDU of type 0x${opcode.toString(16)}`);
    if (opcode !== targetOpcode.readyToTransfer) this.#expStatSn = scsiResponse.read(next.value.header).statSn + 1;
    return { ...next.value, opcode };
  }

  /** Size of the disk in bytes, by READ CAPACITY(16). */
  async size(): Promise<number> {
    const cdb = Buffer.alloc(16);
    cdb[0] = 0x9e;
    cdb[1] = 0x10;
    cdb.writeUInt32BE(32, 10);
    const answer = await this.#command(cdb, 32);
    return (Number(answer.readBigUInt64BE(0)) + 1) * answer.readUInt32BE(8);
  }

  /** Bytes of the disk, by READ(16); offset and length are multiples of 512. */
  async read(offset: number, length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let done = 0; done < length; done += burst) {
      const piece = Math.min(burst, length - done);
      parts.push(await this.#command(transferCdb(0x88, offset + done, piece), piece));
    }
    return Buffer.concat(parts, length);
  }

  /** Writes bytes by WRITE(16); offset and length are multiples of 512. */
  async write(offset: number, data: Buffer): Promise<void> {
    for (let done = 0; done < data.length; done += burst) {
      const piece = data.subarray(done, done + burst);
      await this.#command(transferCdb(0x8a, offset + done, piece.length), 0, piece);
    }
  }

  async #command(cdb: Buffer, expected: number, outgoing?: Buffer): Promise<Buffer> {
    const initiatorTaskTag = this.#task++;
    this.#send(
      scsiCommand.build({
        opcode: initiatorOpcode.scsiCommand,
        final: true,
        read: expected > 0,
        write: outgoing !== undefined,
        attributes: 1,
        lun: this.#lun,
        initiatorTaskTag,
        expectedDataTransferLength: outgoing?.length ?? expected,
        cmdSn: this.#cmdSn++,
        expStatSn: this.#expStatSn,
        cdb,
      }),
    );
    const result = Buffer.alloc(expected);
    for (;;) {
      const pdu = await this.#receive(targetOpcode.dataIn, targetOpcode.readyToTransfer, targetOpcode.scsiResponse);
      if (pdu.opcode === targetOpcode.readyToTransfer) {
        this.#answerR2t(initiatorTaskTag, pdu.header, outgoing ?? Buffer.alloc(0));
        continue;
      }
      if (pdu.opcode === targetOpcode.dataIn) {
        const part = dataIn.read(pdu.header);
        pdu.data.copy(result, part.bufferOffset);
        if (!part.statusPresent) continue;
      }
      const { status } = scsiResponse.read(pdu.header);
      if (status !== 0) throw new Error(`command 0x${cdb.toString('hex', 0, 1)} ended with status ${status}`);
      return result;
    }
  }

  #answerR2t(initiatorTaskTag: number, header: Buffer, outgoing: Buffer): void {
    const { targetTransferTag, bufferOffset, desiredLength } = readyToTransfer.read(header);
    const end = bufferOffset + desiredLength;
    for (let offset = bufferOffset, dataSn = 0; offset < end; offset += this.#targetSegment, dataSn += 1) {
      const data = outgoing.subarray(offset, Math.min(end, offset + this.#targetSegment));
      this.#send(
        dataOut.build({
          opcode: initiatorOpcode.dataOut,
          final: offset + data.length === end,
          lun: this.#lun,
          initiatorTaskTag,
          targetTransferTag,
          expStatSn: this.#expStatSn,
          dataSn,
          bufferOffset: offset,
          dataSegmentLength: data.length,
        }),
        data,
      );
    }
  }

  /** Ends the session as a well-behaved initiator does. */
  async logout(): Promise<void> {
    this.#send(
      logoutRequest.build({
        opcode: initiatorOpcode.logout,
        immediate: true,
        final: true,
        initiatorTaskTag: noTag - 1,
        cmdSn: this.#cmdSn,
        expStatSn: this.#expStatSn,
      }),
    );
    await this.#receive(targetOpcode.logoutResponse);
    this.#socket.end();
  }
}

/** A 16-byte CDB with a 64-bit LBA and a 32-bit length in blocks (SBC-3 §5.12, §5.34). */
function transferCdb(operation: number, offset: number, length: number): Buffer {
  const cdb = Buffer.alloc(16);
  cdb[0] = operation;
  cdb.writeBigUInt64BE(BigInt(offset / sector), 2);
  cdb.writeUInt32BE(length / sector, 10);
  return cdb;
}
