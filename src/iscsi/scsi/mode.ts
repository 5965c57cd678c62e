// MODE SENSE and MODE SELECT with the pages 01h, 08h, 0Ah and 1Ch (SPC-4 §6.11 to §6.14, §7.5; SBC-3 §6.5).
import { sectorBytes } from '../../block/device.ts';
import { bits, flag, layout, u16, u24, u32, u64, u8 } from '../wire/layout.ts';
import { type Command, type UnitPath } from './command.ts';
import { type CommandDefinition, usage, whole2 } from './definition.ts';
import {
  additionalSense,
  checkCondition,
  invalidFieldInCdb,
  invalidParameter,
  parameterListLengthError,
  senseKey,
} from './status.ts';

const header6 = layout(4, {
  dataLength: u8(0),
  writeProtect: flag(2, 7),
  dpoFua: flag(2, 4),
  descriptorLength: u8(3),
});
const header10 = layout(8, {
  dataLength: u16(0),
  writeProtect: flag(3, 7),
  dpoFua: flag(3, 4),
  longLba: flag(4, 0),
  descriptorLength: u16(6),
});
const shortDescriptor = layout(8, { blocks: u32(0), blockLength: u24(5) });
const longDescriptor = layout(16, { blocks: u64(0), blockLength: u32(12) });

const pageHead = { code: bits(0, 0, 6), length: u8(1) } as const;
/** SBC-3 §6.5.7. */
const errorRecovery = layout(12, { ...pageHead, readRetry: u8(3), writeRetry: u8(8) });
/** SBC-3 §6.5.5. */
const caching = layout(20, { ...pageHead, writeCache: flag(2, 2), readCacheDisable: flag(2, 0) });
/** SPC-4 §7.5.8. */
const control = layout(12, {
  ...pageHead,
  descriptorSense: flag(2, 2),
  queueAlgorithm: bits(3, 4, 4),
  softwareWriteProtect: flag(4, 3),
  busyTimeout: u16(8),
});
/** SBC-3 §6.5.6. */
const exceptions = layout(12, { ...pageHead, disabled: flag(2, 3), report: bits(3, 0, 4) });

/** PC field (SPC-4 §6.11.1.2). */
const kindOf = { current: 0, changeable: 1, defaults: 2, saved: 3 } as const;

type Page = (path: UnitPath, kind: number) => Buffer;

const pages: ReadonlyMap<number, Page> = new Map<number, Page>([
  [0x01, () => errorRecovery.build({ code: 0x01, length: 10 })],
  [0x08, (_path, kind) => caching.build({ code: 0x08, length: 18, writeCache: kind !== kindOf.changeable })],
  [
    0x0a,
    ({ unit }, kind) => {
      const changeable = kind === kindOf.changeable;
      const current = kind === kindOf.current;
      return control.build({
        code: 0x0a,
        length: 10,
        descriptorSense: changeable || (current && unit.descriptorSense),
        softwareWriteProtect: changeable || (current && unit.softwareWriteProtect),
        // Commands may be carried out in any order.
        queueAlgorithm: changeable ? 0 : 1,
      });
    },
  ],
  [0x1c, (_path, kind) => exceptions.build({ code: 0x1c, length: 10, disabled: kind !== kindOf.changeable })],
]);

function pagesFor(command: Command): Buffer {
  const kind = command.byte(2) >> 6;
  const code = command.byte(2) & 0x3f;
  const subpage = command.byte(3);
  if (kind === kindOf.saved) throw checkCondition(senseKey.illegalRequest, additionalSense.savingNotSupported);
  if (code === 0x3f && (subpage === 0 || subpage === 0xff)) {
    return Buffer.concat([...pages.values()].map((page) => page(command.path, kind)));
  }
  const page = pages.get(code);
  if (page === undefined) throw invalidFieldInCdb(2);
  if (subpage !== 0 && subpage !== 0xff) throw invalidFieldInCdb(3);
  return page(command.path, kind);
}

function descriptorFor(command: Command, long: boolean): Buffer {
  if ((command.byte(1) & 0x08) !== 0) return Buffer.alloc(0);
  const changeable = command.byte(2) >> 6 === kindOf.changeable;
  const blockLength = changeable ? 0 : sectorBytes;
  const blocks = changeable ? 0 : command.capacity;
  if (long) return longDescriptor.build({ blocks, blockLength });
  return shortDescriptor.build({ blocks: Math.min(blocks, 0xffffffff), blockLength });
}

const isWriteProtected = ({ readOnly, unit }: UnitPath): boolean => readOnly || unit.softwareWriteProtect;

function modeSense6(command: Command): Buffer {
  const body = Buffer.concat([descriptorFor(command, false), pagesFor(command)]);
  const head = header6.build({
    dataLength: header6.size - 1 + body.length,
    writeProtect: isWriteProtected(command.path),
    dpoFua: true,
    descriptorLength: descriptorFor(command, false).length,
  });
  return Buffer.concat([head, body]).subarray(0, command.byte(4));
}

function modeSense10(command: Command): Buffer {
  const longLba = (command.byte(1) & 0x10) !== 0;
  const descriptor = descriptorFor(command, longLba);
  const body = Buffer.concat([descriptor, pagesFor(command)]);
  const head = header10.build({
    dataLength: header10.size - 2 + body.length,
    writeProtect: isWriteProtected(command.path),
    dpoFua: true,
    longLba: longLba && descriptor.length > 0,
    descriptorLength: descriptor.length,
  });
  return Buffer.concat([head, body]).subarray(0, command.u16(7));
}

/** Takes over what may change, and refuses every other difference from what is now. */
function select(path: UnitPath, list: Buffer, start: number): undefined {
  const { unit } = path;
  let at = start;
  const selected: { swp: boolean; descriptors: boolean }[] = [];
  while (at < list.length) {
    if (list.length - at < 2) throw parameterListLengthError();
    const code = (list[at] ?? 0) & 0x3f;
    const page = pages.get(code);
    if (page === undefined) throw invalidParameter(at);
    const current = page(path, kindOf.current);
    const changeable = page(path, kindOf.changeable);
    if (list[at + 1] !== current[1]) throw invalidParameter(at + 1);
    if (list.length - at < current.length) throw parameterListLengthError();
    for (let index = 2; index < current.length; index++) {
      const difference = (list[at + index] ?? 0) ^ (current[index] ?? 0);
      if ((difference & ~(changeable[index] ?? 0)) !== 0) throw invalidParameter(at + index);
    }
    if (code === 0x0a) {
      const values = control.read(list, at);
      selected.push({ swp: values.softwareWriteProtect, descriptors: values.descriptorSense });
    }
    at += current.length;
  }
  for (const { swp, descriptors } of selected) {
    if (swp === unit.softwareWriteProtect && descriptors === unit.descriptorSense) continue;
    unit.softwareWriteProtect = swp;
    unit.descriptorSense = descriptors;
    unit.attendAll(additionalSense.modeParametersChanged, path.nexus);
  }
  return undefined;
}

function checkSelect(command: Command): void {
  // Pages only in the standard's format, and none is saved.
  if ((command.byte(1) & 0x10) === 0) throw invalidFieldInCdb(1);
  if ((command.byte(1) & 0x01) !== 0) throw invalidFieldInCdb(1);
}

function modeSelect(command: Command, list: Buffer, expected: number, headBytes: number): undefined {
  if (expected === 0) return undefined;
  if (list.length < expected || list.length < headBytes) throw parameterListLengthError();
  const descriptors =
    headBytes === header6.size ? header6.read(list).descriptorLength : header10.read(list).descriptorLength;
  if (headBytes + descriptors > list.length) throw parameterListLengthError();
  return select(command.path, list, headBytes + descriptors);
}

export const modeCommands: readonly CommandDefinition[] = [
  {
    name: 'MODE SENSE(6)',
    opcode: 0x1a,
    kind: 'in',
    access: 'state',
    usage: usage(0x1a, 0x08, 0xff, 0xff, 0xff, 0x04),
    run: modeSense6,
  },
  {
    name: 'MODE SENSE(10)',
    opcode: 0x5a,
    kind: 'in',
    access: 'state',
    usage: usage(0x5a, 0x18, 0xff, 0xff, 0, 0, 0, ...whole2, 0x04),
    run: modeSense10,
  },
  {
    name: 'MODE SELECT(6)',
    opcode: 0x15,
    kind: 'out',
    access: 'state',
    usage: usage(0x15, 0x11, 0, 0, 0xff, 0x04),
    expect(command) {
      checkSelect(command);
      return command.byte(4);
    },
    run: (command, list) => modeSelect(command, list, command.byte(4), header6.size),
  },
  {
    name: 'MODE SELECT(10)',
    opcode: 0x55,
    kind: 'out',
    access: 'state',
    usage: usage(0x55, 0x11, 0, 0, 0, 0, 0, ...whole2, 0x04),
    expect(command) {
      checkSelect(command);
      return command.u16(7);
    },
    run: (command, list) => modeSelect(command, list, command.u16(7), header10.size),
  },
];
