// UNMAP, WRITE SAME and GET LBA STATUS: thin provisioning (SBC-3 §4.7, §5.6, §5.28, §5.45).
import { sectorBytes } from '../../block/device.ts';
import { bits, layout, u16, u32, u64 } from '../wire/layout.ts';
import { type Command } from './command.ts';
import { type CommandDefinition, usage, whole2, whole4, whole8 } from './definition.ts';
import {
  additionalSense,
  checkCondition,
  invalidFieldInCdb,
  invalidParameter,
  lbaOutOfRange,
  parameterListLengthError,
  senseKey,
} from './status.ts';

/** What one UNMAP may carry (VPD page B0h). */
export const unmapLimits = { blocks: 1024 * 1024, descriptors: 256 } as const;

/** Blocks that one WRITE SAME may cover: 4 GiB. */
export const writeSameBlocks = 8 * 1024 * 1024;

const unmapHeader = layout(8, { dataLength: u16(0), descriptorsLength: u16(2) });
const unmapDescriptor = layout(16, { lba: u64(0), blocks: u32(8) });
const statusHeader = layout(8, { length: u32(0) });
const statusDescriptor = layout(16, { lba: u64(0), blocks: u32(8), provisioning: bits(12, 0, 4) });
/** PROVISIONING STATUS (SBC-3 §5.6.3). */
const provisioningStatus = { data: 0, zero: 1 } as const;

/** Bytes of disk that one GET LBA STATUS looks at; the initiator asks on from where the answer ends. */
const statusWindow = 4 * 1024 * 1024 * 1024;
/** Bytes of one write when WRITE SAME lays a pattern. */
const patternBytes = 1024 * 1024;

async function unmap(command: Command, data: Buffer): Promise<void> {
  const expected = command.u16(7);
  // No parameter list: nothing to do (SBC-3 §5.28.1).
  if (expected === 0) return;
  if (data.length < expected || data.length < unmapHeader.size) throw parameterListLengthError();
  const { descriptorsLength } = unmapHeader.read(data);
  const available = Math.min(descriptorsLength, data.length - unmapHeader.size);
  const count = Math.floor(available / unmapDescriptor.size);
  if (count > unmapLimits.descriptors) throw invalidParameter(2);
  const runs = Array.from({ length: count }, (_, index) =>
    unmapDescriptor.read(data, unmapHeader.size + index * unmapDescriptor.size),
  );
  let blocks = 0;
  for (const run of runs) {
    if (run.lba + run.blocks > command.capacity) throw lbaOutOfRange();
    blocks += run.blocks;
  }
  if (blocks > unmapLimits.blocks) throw invalidParameter(unmapHeader.size);
  for (const run of runs) {
    if (run.blocks > 0) await command.path.device.unmap(run.lba * sectorBytes, run.blocks * sectorBytes);
  }
}

function expectWriteSame(command: Command, lba: number, blocks: number, lengthAt: number, noData: boolean): number {
  const flags = command.byte(1);
  // Neither protection information nor anchored blocks are here.
  if ((flags & 0xe0) !== 0 || (flags & 0x10) !== 0) throw invalidFieldInCdb(1);
  command.locate(lba, blocks === 0 ? Math.max(0, command.capacity - lba) : blocks);
  if (lba >= command.capacity && blocks === 0) throw lbaOutOfRange();
  if (command.blocks > writeSameBlocks) throw invalidFieldInCdb(lengthAt);
  if (noData) return 0;
  if (command.expectedLength !== sectorBytes) {
    throw checkCondition(senseKey.illegalRequest, additionalSense.invalidInformationUnit);
  }
  return sectorBytes;
}

function writeSame(command: Command, pattern: Buffer): undefined | Promise<void> {
  const { device } = command.path;
  if (command.blocks === 0) return undefined;
  // NDOB sends no pattern, and means zeros.
  const zero = pattern.every((byte) => byte === 0);
  const thin = (command.byte(1) & 0x08) !== 0;
  // With UNMAP the blocks are given back whatever the pattern is, as other targets do: they read as zeros then.
  if (thin) return device.unmap(command.offset, command.length);
  if (zero) return device.writeZeroes(command.offset, command.length);
  return layPattern(command, pattern);
}

async function layPattern(command: Command, pattern: Buffer): Promise<void> {
  const step = Buffer.alloc(Math.min(patternBytes, command.length), pattern);
  for (let done = 0; done < command.length; done += step.length) {
    const part = step.subarray(0, Math.min(step.length, command.length - done));
    await command.path.device.write(command.offset + done, part);
  }
}

async function lbaStatus(command: Command): Promise<Buffer> {
  const lba = command.u64(2);
  const allocation = command.u32(10);
  if (lba >= command.capacity) throw lbaOutOfRange();
  const offset = lba * sectorBytes;
  const window = Math.min(statusWindow, command.path.device.size - offset);
  const room = Math.max(1, Math.floor((Math.min(allocation, 65_536) - statusHeader.size) / statusDescriptor.size));
  const extents = await command.path.device.extents(offset, window);
  const descriptors = extents.slice(0, room).map((extent) =>
    statusDescriptor.build({
      lba: extent.offset / sectorBytes,
      blocks: extent.length / sectorBytes,
      provisioning: provisioningStatus[extent.allocation],
    }),
  );
  const length = statusHeader.size - 4 + descriptors.length * statusDescriptor.size;
  return Buffer.concat([statusHeader.build({ length }), ...descriptors]).subarray(0, allocation);
}

export const provisioningCommands: readonly CommandDefinition[] = [
  {
    name: 'UNMAP',
    opcode: 0x42,
    kind: 'out',
    access: 'write',
    writes: true,
    usage: usage(0x42, 0, 0, 0, 0, 0, 0, ...whole2, 0x04),
    expect(command) {
      if ((command.byte(1) & 0x01) !== 0) throw invalidFieldInCdb(1);
      return command.u16(7);
    },
    run: unmap,
  },
  {
    name: 'WRITE SAME(10)',
    opcode: 0x41,
    kind: 'out',
    access: 'write',
    writes: true,
    usage: usage(0x41, 0xf8, ...whole4, 0, ...whole2, 0x04),
    expect: (command) => expectWriteSame(command, command.u32(2), command.u16(7), 7, false),
    run: writeSame,
  },
  {
    name: 'WRITE SAME(16)',
    opcode: 0x93,
    kind: 'out',
    access: 'write',
    writes: true,
    usage: usage(0x93, 0xf9, ...whole8, ...whole4, 0, 0x04),
    expect: (command) => expectWriteSame(command, command.u64(2), command.u32(10), 10, (command.byte(1) & 0x01) !== 0),
    run: writeSame,
  },
  {
    name: 'GET LBA STATUS',
    opcode: 0x9e,
    serviceAction: 0x12,
    kind: 'in',
    access: 'read',
    usage: usage(0x9e, 0x1f, ...whole8, ...whole4, 0, 0x04),
    run: lbaStatus,
  },
];
