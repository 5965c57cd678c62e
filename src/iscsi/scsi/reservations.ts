// RESERVE(6), RELEASE(6), PERSISTENT RESERVE IN and OUT (SPC-2 §7.23, SPC-4 §6.15, §6.16), and who they keep out.
import { layout, bits, bytes, flag, u16, u32, u8 } from '../wire/layout.ts';
import { type Command } from './command.ts';
import { type Access, type CommandDefinition, usage, whole2, whole4 } from './definition.ts';
import { type LogicalUnit } from './logical-unit.ts';
import { noKey } from './persistent-reservations.ts';
import { invalidFieldInCdb, invalidParameter, parameterListLengthError, ScsiFailure, scsiStatus } from './status.ts';

/** SPC-4 §6.16.3. */
export const reserveOutParameters = layout(24, {
  key: bytes(0, 8),
  serviceActionKey: bytes(8, 8),
  specifyInitiatorPorts: flag(20, 3),
  allTargetPorts: flag(20, 2),
  persistThroughPowerLoss: flag(20, 0),
});

const reserveInHeader = layout(8, { generation: u32(0), additionalLength: u32(4) });
/** SPC-4 §6.15.3.2. */
const reservationDescriptor = layout(16, { key: bytes(0, 8), scope: bits(13, 4, 4), type: bits(13, 0, 4) });
/** SPC-4 §6.15.4. */
const capabilities = layout(8, {
  length: u16(0),
  allTargetPortsCapable: flag(2, 2),
  typeMaskValid: flag(3, 7),
  allowCommands: bits(3, 4, 3),
  typeMask: u16(4),
});
/** SPC-4 §6.15.5. */
const fullStatus = layout(24, {
  key: bytes(0, 8),
  holder: flag(12, 0),
  scope: bits(13, 4, 4),
  type: bits(13, 0, 4),
  relativePort: u16(18),
  additionalLength: u32(20),
});
const transportId = layout(4, {
  format: bits(0, 6, 2),
  protocol: bits(0, 0, 4),
  reserved: u8(1),
  additionalLength: u16(2),
});

/** Write Exclusive, Exclusive Access, and both for registrants only and for all registrants. */
const allTypesMask = 0xea01;

/** @throws {ScsiFailure} RESERVATION CONFLICT where somebody else's reservation keeps the command out. */
export function checkReservations(unit: LogicalUnit, nexus: string, access: Access): void {
  if (access === 'free') return;
  if (unit.reservedBy !== undefined && unit.reservedBy !== nexus) {
    throw new ScsiFailure(scsiStatus.reservationConflict);
  }
  if (access !== 'query' && unit.reservations.refuses(nexus, access === 'read')) {
    throw new ScsiFailure(scsiStatus.reservationConflict);
  }
}

function reserve6({ path }: Command): undefined {
  const { unit, nexus } = path;
  const elsewhere = unit.reservedBy !== undefined && unit.reservedBy !== nexus;
  if (elsewhere || unit.reservations.active) throw new ScsiFailure(scsiStatus.reservationConflict);
  unit.reservedBy = nexus;
  unit.regate();
}

function release6({ path }: Command): undefined {
  if (path.unit.reservedBy !== path.nexus) return;
  path.unit.reservedBy = undefined;
  path.unit.regate();
}

/** Under RESERVE(6) of anybody the persistent commands are refused (SPC-2 §5.5.1). */
function checkNotReserved({ path }: Command): void {
  if (path.unit.reservedBy !== undefined) throw new ScsiFailure(scsiStatus.reservationConflict);
}

function reserveIn(command: Command, body: Buffer): Buffer {
  const head = reserveInHeader.build({
    generation: command.path.unit.reservations.generation,
    additionalLength: body.length,
  });
  return Buffer.concat([head, body]).subarray(0, command.u16(7));
}

function readKeys(command: Command): Buffer {
  checkNotReserved(command);
  const keys = [...command.path.unit.reservations.registrations.values()];
  return reserveIn(command, Buffer.from(keys.join(''), 'hex'));
}

function readReservation(command: Command): Buffer {
  checkNotReserved(command);
  const { reservation } = command.path.unit.reservations;
  if (reservation === undefined) return reserveIn(command, Buffer.alloc(0));
  const descriptor = reservationDescriptor.build({ key: Buffer.from(reservation.key, 'hex'), type: reservation.type });
  return reserveIn(command, descriptor);
}

function reportCapabilities(command: Command): Buffer {
  checkNotReserved(command);
  // ALLOW COMMANDS 1: TEST UNIT READY passes Write Exclusive and Exclusive Access (SPC-4 table 200).
  const built = capabilities.build({ length: 8, typeMaskValid: true, allowCommands: 1, typeMask: allTypesMask });
  return built.subarray(0, command.u16(7));
}

function readFullStatus(command: Command): Buffer {
  checkNotReserved(command);
  const { reservations } = command.path.unit;
  const type = reservations.reservation?.type ?? 0;
  const descriptors = [...reservations.registrations].map(([nexus, key]) => {
    const length = Math.max(20, (nexus.length + 1 + 3) & ~3);
    const holder = reservations.holds(nexus);
    const head = fullStatus.build({
      key: Buffer.from(key, 'hex'),
      holder,
      type: holder ? type : 0,
      relativePort: 1,
      additionalLength: transportId.size + length,
    });
    const id = transportId.build({ format: 1, protocol: 5, additionalLength: length }, length);
    id.write(nexus, transportId.size, 'latin1');
    return Buffer.concat([head, id]);
  });
  return reserveIn(command, Buffer.concat(descriptors));
}

type ReserveOut = (command: Command, key: string, serviceActionKey: string, type: number) => void;

const reserveOutCommand = (name: string, serviceAction: number, act: ReserveOut): CommandDefinition => ({
  name: `PERSISTENT RESERVE OUT, ${name}`,
  opcode: 0x5f,
  serviceAction,
  kind: 'out',
  access: 'free',
  usage: usage(0x5f, 0x1f, 0xff, 0, 0, ...whole4, 0x04),
  expect(command) {
    checkNotReserved(command);
    const length = command.u32(5);
    if (length !== reserveOutParameters.size) throw parameterListLengthError();
    if (command.byte(2) >> 4 !== 0) throw invalidFieldInCdb(2);
    return length;
  },
  run(command, data) {
    if (data.length < reserveOutParameters.size) throw parameterListLengthError();
    const parameters = reserveOutParameters.read(data);
    // None of these is offered by REPORT CAPABILITIES.
    if (parameters.specifyInitiatorPorts || parameters.persistThroughPowerLoss) throw invalidParameter(20);
    const { unit } = command.path;
    act(command, parameters.key.toString('hex'), parameters.serviceActionKey.toString('hex'), command.byte(2) & 0x0f);
    unit.regate();
    return undefined;
  },
});

const preempt: ReserveOut = ({ path }, key, victims, type) => {
  path.unit.reservations.preempt(path.nexus, key, victims, type);
};

const reserveInCommand = (
  name: string,
  serviceAction: number,
  run: (command: Command) => Buffer,
): CommandDefinition => ({
  name: `PERSISTENT RESERVE IN, ${name}`,
  opcode: 0x5e,
  serviceAction,
  kind: 'in',
  access: 'free',
  usage: usage(0x5e, 0x1f, 0, 0, 0, 0, 0, ...whole2, 0x04),
  run,
});

export const reservationCommands: readonly CommandDefinition[] = [
  {
    name: 'RESERVE(6)',
    opcode: 0x16,
    kind: 'none',
    access: 'free',
    usage: usage(0x16, 0, 0, 0, 0, 0x04),
    run: reserve6,
  },
  {
    name: 'RELEASE(6)',
    opcode: 0x17,
    kind: 'none',
    access: 'free',
    usage: usage(0x17, 0, 0, 0, 0, 0x04),
    run: release6,
  },
  reserveInCommand('READ KEYS', 0x00, readKeys),
  reserveInCommand('READ RESERVATION', 0x01, readReservation),
  reserveInCommand('REPORT CAPABILITIES', 0x02, reportCapabilities),
  reserveInCommand('READ FULL STATUS', 0x03, readFullStatus),
  reserveOutCommand('REGISTER', 0x00, ({ path }, key, newKey) =>
    path.unit.reservations.register(path.nexus, key, newKey, false),
  ),
  reserveOutCommand('RESERVE', 0x01, ({ path }, key, _newKey, type) =>
    path.unit.reservations.reserve(path.nexus, key, type),
  ),
  reserveOutCommand('RELEASE', 0x02, ({ path }, key, _newKey, type) =>
    path.unit.reservations.release(path.nexus, key, type),
  ),
  reserveOutCommand('CLEAR', 0x03, ({ path }, key) => path.unit.reservations.clear(path.nexus, key)),
  reserveOutCommand('PREEMPT', 0x04, preempt),
  reserveOutCommand('PREEMPT AND ABORT', 0x05, (command, key, victims, type) => {
    const lost = command.path.unit.reservations.preempt(command.path.nexus, key, victims, type);
    command.path.unit.abortCommandsOf(lost);
  }),
  reserveOutCommand('REGISTER AND IGNORE EXISTING KEY', 0x06, ({ path }, _key, newKey) =>
    path.unit.reservations.register(path.nexus, noKey, newKey, true),
  ),
];
