// VERIFY, WRITE AND VERIFY, COMPARE AND WRITE and ORWRITE: what looks at the medium as well (SBC-3 §5).
import { type BlockDevice, sectorBytes } from '../../block/device.ts';
import { type Command } from './command.ts';
import { type CommandDefinition, usage, whole2, whole4, whole8 } from './definition.ts';
import { additionalSense, checkCondition, invalidFieldInCdb, senseKey } from './status.ts';

/** BYTCHK, bits 2..1 of byte 1 (SBC-3 §5.29): 0 no compare, 1 compare all, 3 compare each block with the one given. */
const byteCheck = (command: Command): number => (command.byte(1) >> 1) & 3;

type Located = (command: Command) => { readonly lba: number; readonly blocks: number; readonly lengthAt: number };
const at10: Located = (command) => ({ lba: command.u32(2), blocks: command.u16(7), lengthAt: 7 });
const at12: Located = (command) => ({ lba: command.u32(2), blocks: command.u32(6), lengthAt: 6 });
const at16: Located = (command) => ({ lba: command.u64(2), blocks: command.u32(10), lengthAt: 10 });

/** Blocks that one COMPARE AND WRITE may carry (VPD page B0h). */
export const compareBlocks = 255;

async function readBlocks(device: BlockDevice, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  await device.read(offset, bytes);
  return bytes;
}

/** @throws {ScsiFailure} MISCOMPARE with the first byte that differs as its information. */
function compare(found: Buffer, wanted: Buffer): void {
  if (found.equals(wanted)) return;
  let at = 0;
  while (at < found.length && found[at] === wanted[at]) at += 1;
  throw checkCondition(senseKey.miscompare, additionalSense.miscompare, { information: at });
}

function expectVerify(command: Command, located: Located): number {
  if ((command.byte(1) & 0xe0) !== 0) throw invalidFieldInCdb(1);
  const { lba, blocks, lengthAt } = located(command);
  const check = byteCheck(command);
  if (check === 2) throw invalidFieldInCdb(1);
  if (check === 1) command.locateTransfer(lba, blocks, lengthAt);
  else command.locate(lba, blocks);
  if (check === 0 || blocks === 0) return 0;
  return check === 3 ? sectorBytes : command.length;
}

async function verify(command: Command, data: Buffer): Promise<void> {
  const check = byteCheck(command);
  if (check === 0) return;
  if (check === 1) {
    compare(await readBlocks(command.path.device, command.offset, data.length), data);
    return;
  }
  if (data.length < sectorBytes) return;
  for (let done = 0; done < command.length; done += sectorBytes) {
    compare(await readBlocks(command.path.device, command.offset + done, sectorBytes), data);
  }
}

const verifyCommand = (
  name: string,
  opcode: number,
  masks: readonly number[],
  located: Located,
): CommandDefinition => ({
  name,
  opcode,
  kind: 'out',
  access: 'read',
  usage: usage(opcode, 0xf6, ...masks),
  expect: (command) => expectVerify(command, located),
  run: verify,
});

const writeAndVerify = (
  name: string,
  opcode: number,
  masks: readonly number[],
  located: Located,
): CommandDefinition => ({
  name,
  opcode,
  kind: 'out',
  access: 'write',
  writes: true,
  usage: usage(opcode, 0xf6, ...masks),
  expect(command) {
    if ((command.byte(1) & 0xe0) !== 0) throw invalidFieldInCdb(1);
    if (byteCheck(command) > 1) throw invalidFieldInCdb(1);
    const { lba, blocks, lengthAt } = located(command);
    command.locateTransfer(lba, blocks, lengthAt);
    return command.length;
  },
  async run(command, data) {
    const whole = data.subarray(0, data.length - (data.length % sectorBytes));
    if (whole.length === 0) return;
    const { device } = command.path;
    await device.write(command.offset, whole);
    await device.flush();
    if (byteCheck(command) === 1) compare(await readBlocks(device, command.offset, whole.length), whole);
  },
});

const orwrite: CommandDefinition = {
  name: 'ORWRITE(16)',
  opcode: 0x8b,
  kind: 'out',
  access: 'write',
  writes: true,
  usage: usage(0x8b, 0xf8, ...whole8, ...whole4, 0, 0x04),
  expect(command) {
    if ((command.byte(1) & 0xe0) !== 0) throw invalidFieldInCdb(1);
    command.locateTransfer(command.u64(2), command.u32(10), 10);
    return command.length;
  },
  run: (command, data) =>
    command.path.unit.alone(async () => {
      const whole = data.subarray(0, data.length - (data.length % sectorBytes));
      if (whole.length === 0) return;
      const { device } = command.path;
      const bytes = await readBlocks(device, command.offset, whole.length);
      for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] ?? 0) | (whole[at] ?? 0);
      await device.write(command.offset, bytes);
      if ((command.byte(1) & 0x08) !== 0) await device.flush();
    }),
};

const compareAndWrite: CommandDefinition = {
  name: 'COMPARE AND WRITE',
  opcode: 0x89,
  kind: 'out',
  access: 'write',
  writes: true,
  usage: usage(0x89, 0xf8, ...whole8, 0, 0, 0, 0xff, 0, 0x04),
  expect(command) {
    if ((command.byte(1) & 0xe0) !== 0) throw invalidFieldInCdb(1);
    const blocks = command.byte(13);
    command.locate(command.u64(2), blocks);
    const expected = 2 * command.length;
    if (command.expectedLength !== expected) throw invalidFieldInCdb(13);
    return expected;
  },
  // Atomic against every other command of the kind on this unit (SBC-3 §5.2).
  run: (command, data) =>
    command.path.unit.alone(async () => {
      if (command.blocks === 0) return;
      const { device } = command.path;
      compare(await readBlocks(device, command.offset, command.length), data.subarray(0, command.length));
      await device.write(command.offset, data.subarray(command.length));
      if ((command.byte(1) & 0x08) !== 0) await device.flush();
    }),
};

export const verifyCommands: readonly CommandDefinition[] = [
  verifyCommand('VERIFY(10)', 0x2f, [...whole4, 0, ...whole2, 0x04], at10),
  verifyCommand('VERIFY(12)', 0xaf, [...whole4, ...whole4, 0, 0x04], at12),
  verifyCommand('VERIFY(16)', 0x8f, [...whole8, ...whole4, 0, 0x04], at16),
  writeAndVerify('WRITE AND VERIFY(10)', 0x2e, [...whole4, 0, ...whole2, 0x04], at10),
  writeAndVerify('WRITE AND VERIFY(12)', 0xae, [...whole4, ...whole4, 0, 0x04], at12),
  writeAndVerify('WRITE AND VERIFY(16)', 0x8e, [...whole8, ...whole4, 0, 0x04], at16),
  orwrite,
  compareAndWrite,
];
