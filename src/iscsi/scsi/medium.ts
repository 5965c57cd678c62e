// Small questions about the unit and its medium: ready, capacity, start and stop, removal, defects (SPC-4 §6, SBC-3 §5).
import { sectorBytes } from '../../block/device.ts';
import { bits, flag, layout, u16, u32, u64, u8 } from '../wire/layout.ts';
import { type Command } from './command.ts';
import { type CommandDefinition, usage, whole2, whole4, whole8 } from './definition.ts';
import { additionalSense, buildSense, invalidFieldInCdb, type Sense, senseKey } from './status.ts';

const capacity10 = layout(8, { lastLba: u32(0), blockLength: u32(4) });
/** SBC-3 §5.16.2. */
export const capacity16 = layout(32, {
  lastLba: u64(0),
  blockLength: u32(8),
  physicalExponent: bits(13, 0, 4),
  thin: flag(14, 7),
  readZeros: flag(14, 6),
});
const defects10 = layout(4, { primary: flag(1, 4), grown: flag(1, 3), format: bits(1, 0, 3), length: u16(2) });
const defects12 = layout(8, { primary: flag(1, 4), grown: flag(1, 3), format: bits(1, 0, 3), length: u32(4) });
const logPage = layout(4, { page: bits(0, 0, 6), subpage: u8(1), length: u16(2) });
const exceptionsParameter = layout(8, { code: u16(0), control: u8(2), length: u8(3), additionalSense: u16(4) });

function readCapacity10(command: Command): Buffer {
  // PMI has been obsolete since SBC-2: only the whole disk is asked for.
  if ((command.byte(8) & 1) !== 0 || command.u32(2) !== 0) throw invalidFieldInCdb(2);
  return capacity10.build({ lastLba: Math.min(command.capacity - 1, 0xffffffff), blockLength: sectorBytes });
}

function readCapacity16(command: Command): Buffer {
  return capacity16
    .build({
      lastLba: command.capacity - 1,
      blockLength: sectorBytes,
      physicalExponent: Math.log2(command.path.unit.physicalBlockBytes / sectorBytes),
      thin: true,
      readZeros: true,
    })
    .subarray(0, command.u32(10));
}

function requestSense(command: Command): Buffer {
  const { unit, nexus } = command.path;
  if ((command.byte(1) & 0xfe) !== 0) throw invalidFieldInCdb(1);
  const attention = unit.takeAttention(nexus);
  let sense: Sense = { key: senseKey.noSense, additional: additionalSense.none };
  if (attention !== undefined) sense = { key: senseKey.unitAttention, additional: attention };
  else if (unit.sanitize !== undefined && !unit.sanitize.failed) {
    sense = { key: senseKey.notReady, additional: additionalSense.sanitizeInProgress };
  }
  return buildSense(sense, (command.byte(1) & 1) !== 0).subarray(0, command.byte(4));
}

/** The medium cannot leave and nothing turns: what is asked for is so already, and START comes with a flush on stop. */
function startStop(command: Command): undefined | Promise<void> {
  const powerCondition = command.byte(4) >> 4;
  const loadOrEject = (command.byte(4) & 0x02) !== 0;
  const start = (command.byte(4) & 0x01) !== 0;
  if (loadOrEject && powerCondition === 0) throw invalidFieldInCdb(4);
  return start ? undefined : command.path.device.flush();
}

/** No defects, in whatever format is asked for (SBC-3 §5.17). */
function defectList(command: Command, flagsAt: number): { primary: boolean; grown: boolean; format: number } {
  const flags = command.byte(flagsAt);
  return { primary: (flags & 0x10) !== 0, grown: (flags & 0x08) !== 0, format: flags & 0x07 };
}

function logSense(command: Command): Buffer {
  const page = command.byte(2) & 0x3f;
  if (command.byte(3) !== 0) throw invalidFieldInCdb(3);
  let body: Buffer;
  if (page === 0x00) body = Buffer.of(0x00, 0x2f);
  else if (page === 0x2f) body = exceptionsParameter.build({ control: 0x03, length: 4 });
  else throw invalidFieldInCdb(2);
  return Buffer.concat([logPage.build({ page, length: body.length }), body]).subarray(0, command.u16(7));
}

export const mediumCommands: readonly CommandDefinition[] = [
  {
    name: 'TEST UNIT READY',
    opcode: 0x00,
    kind: 'none',
    access: 'query',
    usage: usage(0x00, 0, 0, 0, 0, 0x04),
    run: () => undefined,
  },
  {
    name: 'REQUEST SENSE',
    opcode: 0x03,
    kind: 'in',
    access: 'free',
    whileNotReady: true,
    usage: usage(0x03, 0x01, 0, 0, 0xff, 0x04),
    run: requestSense,
  },
  {
    name: 'READ CAPACITY(10)',
    opcode: 0x25,
    kind: 'in',
    access: 'free',
    usage: usage(0x25, 0, ...whole4, 0, 0, 0, 0x04),
    run: readCapacity10,
  },
  {
    name: 'READ CAPACITY(16)',
    opcode: 0x9e,
    serviceAction: 0x10,
    kind: 'in',
    access: 'free',
    usage: usage(0x9e, 0x1f, ...whole8, ...whole4, 0, 0x04),
    run: readCapacity16,
  },
  {
    name: 'START STOP UNIT',
    opcode: 0x1b,
    kind: 'none',
    access: 'state',
    usage: usage(0x1b, 0x01, 0, 0, 0xf7, 0x04),
    run: startStop,
  },
  {
    name: 'PREVENT ALLOW MEDIUM REMOVAL',
    opcode: 0x1e,
    kind: 'none',
    access: 'query',
    usage: usage(0x1e, 0, 0, 0, 0x03, 0x04),
    run: () => undefined,
  },
  {
    name: 'READ DEFECT DATA(10)',
    opcode: 0x37,
    kind: 'in',
    access: 'read',
    usage: usage(0x37, 0, 0x1f, 0, 0, 0, 0, ...whole2, 0x04),
    run: (command) => defects10.build(defectList(command, 2)).subarray(0, command.u16(7)),
  },
  {
    name: 'READ DEFECT DATA(12)',
    opcode: 0xb7,
    kind: 'in',
    access: 'read',
    usage: usage(0xb7, 0x1f, ...whole4, ...whole4, 0, 0x04),
    run: (command) => defects12.build(defectList(command, 1)).subarray(0, command.u32(6)),
  },
  {
    name: 'LOG SENSE',
    opcode: 0x4d,
    kind: 'in',
    access: 'free',
    usage: usage(0x4d, 0, 0x3f, 0xff, 0, ...whole2, ...whole2, 0x04),
    run: logSense,
  },
];
