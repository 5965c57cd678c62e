// SANITIZE: overwrite and block erase, in the background where asked for (SBC-3 §4.11, §5.20).
import { setTimeout as delay } from 'node:timers/promises';
import { sectorBytes } from '../../block/device.ts';
import { flag, bits, layout, u16 } from '../wire/layout.ts';
import { type Command } from './command.ts';
import { type CommandDefinition, usage, whole2 } from './definition.ts';
import { invalidFieldInCdb, invalidParameter } from './status.ts';

const overwriteHeader = layout(4, { invert: flag(0, 7), count: bits(0, 0, 5), patternLength: u16(2) });

/** IMMED and the service action; neither ZNR nor AUSE means anything here. */
const cdbUsage = usage(0x48, 0x9f, 0, 0, 0, 0, 0, ...whole2, 0x04);

/** @throws {ScsiFailure} where a bit is set that is reserved: nobody shall erase a disk by mistake. */
function checkReserved(command: Command): void {
  for (const [index, mask] of cdbUsage.entries()) {
    if (index > 0 && (command.byte(index) & ~mask) !== 0) throw invalidFieldInCdb(index);
  }
}

/** Bytes per step: between two, other work gets its turn. */
const stepBytes = 1024 * 1024;
/** Pause after each step, in milliseconds: an erase of a whole disk must not take it all from its neighbours. */
const stepPause = 40;

/** Runs `step` over the whole disk while the unit says NOT READY, SANITIZE IN PROGRESS. */
async function wholeDisk(
  command: Command,
  step: (offset: number, length: number) => undefined | Promise<void>,
  pause: number,
): Promise<void> {
  const { unit, device } = command.path;
  const state = { progress: 0, failed: false };
  unit.sanitize = state;
  unit.regate();
  try {
    for (let offset = 0; offset < device.size; offset += stepBytes) {
      await step(offset, Math.min(stepBytes, device.size - offset));
      state.progress = Math.floor((offset / device.size) * 65_536);
      if (pause > 0) await delay(pause);
    }
    await device.flush();
    unit.sanitize = undefined;
  } catch (error) {
    state.failed = true;
    throw error;
  } finally {
    unit.regate();
  }
}

/** With IMMED the answer goes out as soon as the work has begun. */
function start(command: Command, work: Promise<void>): undefined | Promise<void> {
  if ((command.byte(1) & 0x80) === 0) return work;
  // How it went stays in the unit's state, which every command looks at.
  work.catch(() => undefined);
  return undefined;
}

function overwrite(command: Command, data: Buffer): undefined | Promise<void> {
  const { invert, count, patternLength } = overwriteHeader.read(data);
  if (count === 0) throw invalidParameter(0);
  if (patternLength === 0 || patternLength > sectorBytes || patternLength !== data.length - overwriteHeader.size) {
    throw invalidParameter(2);
  }
  const sector = Buffer.alloc(sectorBytes, data.subarray(overwriteHeader.size));
  const passes = Array.from({ length: count }, (_, pass) => {
    // INVERT: the pattern is turned over from pass to pass (SBC-3 §4.11.4).
    const turned = invert && (count - pass) % 2 === 0;
    return Buffer.alloc(stepBytes, turned ? Buffer.from(sector.map((byte) => ~byte & 0xff)) : sector);
  });
  const { device } = command.path;
  const work = async (): Promise<void> => {
    for (const pattern of passes) {
      await wholeDisk(command, (offset, length) => device.write(offset, pattern.subarray(0, length)), stepPause);
    }
  };
  return start(command, work());
}

export const sanitizeCommands: readonly CommandDefinition[] = [
  {
    name: 'SANITIZE, OVERWRITE',
    opcode: 0x48,
    serviceAction: 0x01,
    kind: 'out',
    access: 'write',
    writes: true,
    takesLong: true,
    usage: cdbUsage,
    expect(command) {
      checkReserved(command);
      const length = command.u16(7);
      if (length <= overwriteHeader.size || length > overwriteHeader.size + sectorBytes) throw invalidFieldInCdb(7);
      if (command.expectedLength < length) throw invalidFieldInCdb(7);
      return length;
    },
    run: overwrite,
  },
  {
    name: 'SANITIZE, BLOCK ERASE',
    opcode: 0x48,
    serviceAction: 0x02,
    kind: 'none',
    access: 'write',
    writes: true,
    takesLong: true,
    usage: cdbUsage,
    run(command) {
      checkReserved(command);
      if (command.u16(7) !== 0) throw invalidFieldInCdb(7);
      const { device } = command.path;
      return start(
        command,
        wholeDisk(command, (offset, length) => device.unmap(offset, length), 0),
      );
    },
  },
  {
    name: 'SANITIZE, EXIT FAILURE MODE',
    opcode: 0x48,
    serviceAction: 0x1f,
    kind: 'none',
    access: 'write',
    whileNotReady: true,
    usage: cdbUsage,
    run(command) {
      checkReserved(command);
      if (command.u16(7) !== 0) throw invalidFieldInCdb(7);
      const { path } = command;
      if (path.unit.sanitize?.failed === true) {
        path.unit.sanitize = undefined;
        path.unit.regate();
      }
      return undefined;
    },
  },
];
