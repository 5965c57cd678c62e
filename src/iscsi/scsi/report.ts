// REPORT LUNS, REPORT TARGET PORT GROUPS and REPORT SUPPORTED OPERATION CODES (SPC-4 §6.33, §6.35, §6.37).
import { bits, flag, layout, u16, u32, u8 } from '../wire/layout.ts';
import { type Command } from './command.ts';
import { type CommandDefinition, usage, whole2, whole4 } from './definition.ts';
import { invalidFieldInCdb } from './status.ts';

const lunsHeader = layout(8, { length: u32(0) });
/** Peripheral addressing below 256, flat above (SAM-5 §4.7.6, §4.7.7). */
const lunEntry = layout(8, { method: bits(0, 6, 2), number: u16(0) });
const groupsHeader = layout(4, { length: u32(0) });
/** One group, always active and optimized. */
const portGroup = layout(8, {
  preferred: flag(0, 7),
  state: bits(0, 0, 4),
  support: u8(1),
  group: u16(2),
  ports: u8(7),
});
const targetPort = layout(4, { relativePort: u16(2) });
const opcodesHeader = layout(4, { length: u32(0) });
const opcodeEntry = layout(8, {
  opcode: u8(0),
  serviceAction: u16(2),
  timeouts: flag(5, 1),
  serviceActionValid: flag(5, 0),
  cdbLength: u16(6),
});
const oneOpcode = layout(4, { timeouts: flag(1, 7), support: bits(1, 0, 3), cdbLength: u16(2) });
/** No timeouts are promised: both are zero, "not reported". */
const timeouts = layout(12, { length: u16(0), nominal: u32(4), recommended: u32(8) });

/** The list for sessions that may use these LUNs. */
export function lunList(luns: readonly number[], allocation: number): Buffer {
  const entries = luns.map((lun) => lunEntry.build({ number: lun < 256 ? lun : 0x4000 | lun }));
  return Buffer.concat([lunsHeader.build({ length: entries.length * lunEntry.size }), ...entries]).subarray(
    0,
    allocation,
  );
}

function reportLuns(command: Command): Buffer {
  const select = command.byte(2);
  if (select > 2) throw invalidFieldInCdb(2);
  // SELECT REPORT 1 asks for well-known units; there are none.
  return lunList(select === 1 ? [] : command.path.luns, command.u32(6));
}

function reportPortGroups(command: Command): Buffer {
  const body = Buffer.concat([
    portGroup.build({ state: 0, support: 0x01, group: 1, ports: 1 }),
    targetPort.build({ relativePort: 1 }),
  ]);
  return Buffer.concat([groupsHeader.build({ length: body.length }), body]).subarray(0, command.u32(6));
}

const describe = (definition: CommandDefinition, withTimeouts: boolean): Buffer =>
  Buffer.concat([
    opcodeEntry.build({
      opcode: definition.opcode,
      serviceAction: definition.serviceAction ?? 0,
      serviceActionValid: definition.serviceAction !== undefined,
      timeouts: withTimeouts,
      cdbLength: definition.usage.length,
    }),
    ...(withTimeouts ? [timeouts.build({ length: timeouts.size - 2 })] : []),
  ]);

/** @param all the whole command table, which this command is part of. */
export function reportCommands(all: () => readonly CommandDefinition[]): readonly CommandDefinition[] {
  function reportOpcodes(command: Command): Buffer {
    const withTimeouts = (command.byte(2) & 0x80) !== 0;
    const option = command.byte(2) & 0x07;
    const opcode = command.byte(3);
    const serviceAction = command.u16(4);
    const allocation = command.u32(6);
    if (option === 0) {
      const entries = Buffer.concat(all().map((definition) => describe(definition, withTimeouts)));
      return Buffer.concat([opcodesHeader.build({ length: entries.length }), entries]).subarray(0, allocation);
    }
    if (option > 3) throw invalidFieldInCdb(2);
    const ofOpcode = all().filter((definition) => definition.opcode === opcode);
    const hasActions = ofOpcode.some((definition) => definition.serviceAction !== undefined);
    if (option === 1 && hasActions) throw invalidFieldInCdb(2);
    if (option === 2 && ofOpcode.length > 0 && !hasActions) throw invalidFieldInCdb(2);
    const found = ofOpcode.find((definition) => (definition.serviceAction ?? 0) === (hasActions ? serviceAction : 0));
    if (found === undefined) return oneOpcode.build({ support: 1 }).subarray(0, allocation);
    const cdb = Buffer.from(found.usage);
    if (found.serviceAction !== undefined) cdb[1] = ((cdb[1] ?? 0) & 0xe0) | found.serviceAction;
    return Buffer.concat([
      oneOpcode.build({ support: 3, timeouts: withTimeouts, cdbLength: cdb.length }),
      cdb,
      ...(withTimeouts ? [timeouts.build({ length: timeouts.size - 2 })] : []),
    ]).subarray(0, allocation);
  }

  return [
    {
      name: 'REPORT LUNS',
      opcode: 0xa0,
      kind: 'in',
      access: 'free',
      whileNotReady: true,
      usage: usage(0xa0, 0, 0xff, 0, 0, 0, ...whole4, 0, 0x04),
      run: reportLuns,
    },
    {
      name: 'REPORT TARGET PORT GROUPS',
      opcode: 0xa3,
      serviceAction: 0x0a,
      kind: 'in',
      access: 'query',
      usage: usage(0xa3, 0x1f, 0, 0, 0, 0, ...whole4, 0, 0x04),
      run: reportPortGroups,
    },
    {
      name: 'REPORT SUPPORTED OPERATION CODES',
      opcode: 0xa3,
      serviceAction: 0x0c,
      kind: 'in',
      access: 'query',
      usage: usage(0xa3, 0x1f, 0x87, 0xff, ...whole2, ...whole4, 0, 0x04),
      run: reportOpcodes,
    },
  ];
}
