// One SCSI command on its way: where its CDB lies, which logical unit it is for, and what was made of its fields.
import { type BlockDevice, sectorBytes } from '../../block/device.ts';
import { type LogicalUnit } from './logical-unit.ts';
import { invalidFieldInCdb, lbaOutOfRange } from './status.ts';

/** A logical unit as one session sees it. */
export interface UnitPath {
  readonly unit: LogicalUnit;
  readonly device: BlockDevice;
  readonly readOnly: boolean;
  /** Longest transfer of one command in blocks. */
  readonly maxBlocks: number;
  /** The I_T nexus: the initiator port's name (RFC 7143 §4.4.2), which stays the same over its logins. */
  readonly nexus: string;
  /** The LUNs that this session may use, in order. */
  readonly luns: readonly number[];
  readonly lun: number;
  /** All units of this session, this one among them. */
  siblings(): readonly UnitPath[];
}

export class Command {
  readonly path: UnitPath;
  readonly initiatorTaskTag: number;
  /** Bytes that the initiator means to move. */
  readonly expectedLength: number;
  /** Task attribute (RFC 7143 §11.3.1). */
  readonly attribute: number;
  /** The CDB begins at `at` in `bytes`. */
  bytes: Buffer;
  at: number;
  lba = 0;
  blocks = 0;

  constructor(
    path: UnitPath,
    initiatorTaskTag: number,
    expectedLength: number,
    attribute: number,
    bytes: Buffer,
    at: number,
  ) {
    this.path = path;
    this.initiatorTaskTag = initiatorTaskTag;
    this.expectedLength = expectedLength;
    this.attribute = attribute;
    this.bytes = bytes;
    this.at = at;
  }

  get opcode(): number {
    return this.byte(0);
  }

  /** Byte `index` of the CDB. */
  byte(index: number): number {
    return this.bytes[this.at + index] ?? 0;
  }

  u16(index: number): number {
    return this.bytes.readUInt16BE(this.at + index);
  }

  u32(index: number): number {
    return this.bytes.readUInt32BE(this.at + index);
  }

  /** Exact below 2^53; what is above lies past every disk's end. */
  u64(index: number): number {
    return this.u32(index) * 0x1_0000_0000 + this.u32(index + 4);
  }

  /** Blocks of the disk. */
  get capacity(): number {
    return this.path.device.size / sectorBytes;
  }

  /** First byte on the disk. */
  get offset(): number {
    return this.lba * sectorBytes;
  }

  /** Bytes on the disk. */
  get length(): number {
    return this.blocks * sectorBytes;
  }

  /** Takes the run of blocks and checks that it is on the disk (SBC-3 §4.5). */
  locate(lba: number, blocks: number): void {
    this.lba = lba;
    this.blocks = blocks;
    if (lba + blocks > this.capacity) throw lbaOutOfRange();
  }

  /** The same for a command that moves the blocks: no more than MAXIMUM TRANSFER LENGTH. */
  locateTransfer(lba: number, blocks: number, lengthAt: number): void {
    this.locate(lba, blocks);
    if (blocks > this.path.maxBlocks) throw invalidFieldInCdb(lengthAt);
  }

  /** Copies the CDB out of the receive buffer, for a command that stays longer than its PDU. */
  detach(): void {
    this.bytes = Buffer.from(this.bytes.subarray(this.at, this.at + 16));
    this.at = 0;
  }
}
