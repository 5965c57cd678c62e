// Every SCSI command that is served, found by operation code and service action; and the gate before each of them.
import { type Command } from './command.ts';
import { copyCommands } from './extended-copy.ts';
import { type CommandDefinition } from './definition.ts';
import { inquiryCommands } from './inquiry.ts';
import { mediumCommands } from './medium.ts';
import { modeCommands } from './mode.ts';
import { provisioningCommands } from './provisioning.ts';
import { readWriteCommands } from './read-write.ts';
import { reportCommands } from './report.ts';
import { checkReservations, reservationCommands } from './reservations.ts';
import { sanitizeCommands } from './sanitize.ts';
import { additionalSense, checkCondition, invalidFieldInCdb, senseKey } from './status.ts';
import { verifyCommands } from './verify.ts';

const table: readonly CommandDefinition[] = [
  ...readWriteCommands,
  ...verifyCommands,
  ...provisioningCommands,
  ...inquiryCommands,
  ...mediumCommands,
  ...modeCommands,
  ...reservationCommands,
  ...sanitizeCommands,
  ...copyCommands,
  ...reportCommands(() => table),
];

/** By operation code: the command, or its service actions. */
const byOpcode: (CommandDefinition | Map<number, CommandDefinition> | undefined)[] = Array.from({ length: 256 });
for (const definition of table) {
  if (definition.serviceAction === undefined) {
    byOpcode[definition.opcode] = definition;
    continue;
  }
  const present = byOpcode[definition.opcode];
  const actions = present instanceof Map ? present : new Map<number, CommandDefinition>();
  actions.set(definition.serviceAction, definition);
  byOpcode[definition.opcode] = actions;
}

/** NACA in the CONTROL byte (SAM-5 §5.2): there is no ACA here. */
const nacaMask = 0x04;

/** @throws {ScsiFailure} where there is no such command. */
export function findCommand(command: Command): CommandDefinition {
  const entry = byOpcode[command.opcode];
  if (entry === undefined) throw checkCondition(senseKey.illegalRequest, additionalSense.invalidOperationCode);
  const definition = entry instanceof Map ? entry.get(command.byte(1) & 0x1f) : entry;
  if (definition === undefined) throw invalidFieldInCdb(1);
  const controlAt = definition.usage.length - 1;
  if ((command.byte(controlAt) & nacaMask) !== 0) throw invalidFieldInCdb(controlAt);
  return definition;
}

/** Commands that a pending unit attention does not stop (SAM-5 §5.14.3). */
const passesAttention = new Set([0x03, 0x12, 0xa0]);

/**
 * What is looked at before a command of a unit runs whose state asks for it: unit attention, reservations, write
 * protection, sanitize.
 * @throws {ScsiFailure} where the command may not run.
 */
export function passGate(command: Command, definition: CommandDefinition): void {
  const { unit, nexus, readOnly } = command.path;
  if (!passesAttention.has(definition.opcode) && unit.hasAttention(nexus)) {
    const attention = unit.takeAttention(nexus);
    if (attention !== undefined) throw checkCondition(senseKey.unitAttention, attention);
  }
  checkReservations(unit, nexus, definition.access);
  if (definition.whileNotReady !== true) unit.checkSanitize();
  if (definition.writes === true) {
    if (readOnly) throw checkCondition(senseKey.dataProtect, additionalSense.writeProtected);
    if (unit.softwareWriteProtect) throw checkCondition(senseKey.dataProtect, additionalSense.softwareWriteProtected);
  }
}
