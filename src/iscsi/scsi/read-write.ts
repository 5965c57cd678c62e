// READ and WRITE in all sizes, WRITE ATOMIC, and SYNCHRONIZE CACHE and PRE-FETCH (SBC-3 §5).
import { sectorBytes } from '../../block/device.ts';
import { type Command } from './command.ts';
import { type CommandDefinition, usage, whole2, whole4, whole8 } from './definition.ts';
import { pacedWrite, paceBytes } from './pace.ts';
import { invalidFieldInCdb, ScsiFailure, scsiStatus } from './status.ts';

/** RDPROTECT or WRPROTECT: there is no protection information here (SBC-3 §5.10). */
const protectMask = 0xe0;
const fuaMask = 0x08;

function locate6(command: Command): void {
  const lba = (command.byte(1) & 0x1f) * 0x1_0000 + command.u16(2);
  const blocks = command.byte(4);
  command.locateTransfer(lba, blocks === 0 ? 256 : blocks, 4);
}

function locate10(command: Command): void {
  if ((command.byte(1) & protectMask) !== 0) throw invalidFieldInCdb(1);
  command.locateTransfer(command.u32(2), command.u16(7), 7);
}

function locate12(command: Command): void {
  if ((command.byte(1) & protectMask) !== 0) throw invalidFieldInCdb(1);
  command.locateTransfer(command.u32(2), command.u32(6), 6);
}

function locate16(command: Command): void {
  if ((command.byte(1) & protectMask) !== 0) throw invalidFieldInCdb(1);
  command.locateTransfer(command.u64(2), command.u32(10), 10);
}

/** Writes the whole blocks that came, at the command's place. */
function writeBlocks(command: Command, data: Buffer): undefined | Promise<void> {
  const whole = data.length - (data.length % sectorBytes);
  if (whole === 0) return undefined;
  if (whole > paceBytes) return pacedWrite(command.path.device, command.offset, data.subarray(0, whole));
  return command.path.device.write(command.offset, whole === data.length ? data : data.subarray(0, whole));
}

/** FUA: the write is on stable storage before it is answered (SBC-3 §5.35). */
function writeWithFua(command: Command, data: Buffer): undefined | Promise<void> {
  const written = writeBlocks(command, data);
  if ((command.byte(1) & fuaMask) === 0) return written;
  if (written === undefined) return command.path.device.flush();
  return written.then(() => command.path.device.flush());
}

/** A FUA read comes from the medium: what was written is made stable first (SBC-3 §5.11). */
const read = (name: string, opcode: number, masks: readonly number[], locate: (command: Command) => void) =>
  ({ name, opcode, kind: 'read', access: 'read', usage: usage(opcode, ...masks), locate }) as const;

const write = (name: string, opcode: number, masks: readonly number[], locate: (command: Command) => void) =>
  ({
    name,
    opcode,
    kind: 'out',
    access: 'write',
    writes: true,
    borrows: true,
    usage: usage(opcode, ...masks),
    expect(command: Command): number {
      locate(command);
      return command.length;
    },
    run: writeWithFua,
  }) as const;

const write6 = write('WRITE(6)', 0x0a, [0x1f, ...whole2, 0xff, 0x04], locate6);

/** Blocks that one WRITE ATOMIC may carry: what a device writes in one call (VPD page B0h). */
export const atomicBlocks = 256;

function flushCache(lba: number, blocks: number, command: Command): undefined | Promise<void> {
  command.locate(lba, blocks);
  const flushed = command.path.device.flush();
  // IMMED: the answer does not wait for the medium (SBC-3 §5.22).
  if ((command.byte(1) & 0x02) === 0 || flushed === undefined) return flushed;
  flushed.catch(() => command.path.unit.failLater());
  return undefined;
}

/** All blocks fit into the cache as far as we know: CONDITION MET (SBC-3 §5.8). */
function prefetch(lba: number, blocks: number, command: Command): never {
  command.locate(lba, blocks);
  throw new ScsiFailure(scsiStatus.conditionMet);
}

export const readWriteCommands: readonly CommandDefinition[] = [
  read('READ(6)', 0x08, [0x1f, ...whole2, 0xff, 0x04], locate6),
  read('READ(10)', 0x28, [0xf8, ...whole4, 0, ...whole2, 0x04], locate10),
  read('READ(12)', 0xa8, [0xf8, ...whole4, ...whole4, 0, 0x04], locate12),
  read('READ(16)', 0x88, [0xf8, ...whole8, ...whole4, 0, 0x04], locate16),
  { ...write6, run: writeBlocks },
  write('WRITE(10)', 0x2a, [0xf8, ...whole4, 0, ...whole2, 0x04], locate10),
  write('WRITE(12)', 0xaa, [0xf8, ...whole4, ...whole4, 0, 0x04], locate12),
  write('WRITE(16)', 0x8a, [0xf8, ...whole8, ...whole4, 0, 0x04], locate16),
  {
    ...write('WRITE ATOMIC(16)', 0x9c, [0xf8, ...whole8, ...whole4, 0, 0x04], locate16),
    expect(command) {
      if ((command.byte(1) & protectMask) !== 0) throw invalidFieldInCdb(1);
      const boundary = command.u16(10);
      const blocks = command.u16(12);
      command.locate(command.u64(2), blocks);
      if (boundary !== 0) throw invalidFieldInCdb(10);
      if (blocks > atomicBlocks) throw invalidFieldInCdb(12);
      return command.length;
    },
  },
  {
    name: 'SYNCHRONIZE CACHE(10)',
    opcode: 0x35,
    kind: 'none',
    access: 'write',
    usage: usage(0x35, 0x02, ...whole4, 0, ...whole2, 0x04),
    run: (command) => flushCache(command.u32(2), command.u16(7), command),
  },
  {
    name: 'SYNCHRONIZE CACHE(16)',
    opcode: 0x91,
    kind: 'none',
    access: 'write',
    usage: usage(0x91, 0x02, ...whole8, ...whole4, 0, 0x04),
    run: (command) => flushCache(command.u64(2), command.u32(10), command),
  },
  {
    name: 'PRE-FETCH(10)',
    opcode: 0x34,
    kind: 'none',
    access: 'read',
    usage: usage(0x34, 0x02, ...whole4, 0, ...whole2, 0x04),
    run: (command) => prefetch(command.u32(2), command.u16(7), command),
  },
  {
    name: 'PRE-FETCH(16)',
    opcode: 0x90,
    kind: 'none',
    access: 'read',
    usage: usage(0x90, 0x02, ...whole8, ...whole4, 0, 0x04),
    run: (command) => prefetch(command.u64(2), command.u32(10), command),
  },
];
