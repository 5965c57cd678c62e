// PDUs as a fuzzer wants them: valid ones with some fields changed, by the same tables that the target reads them with.
import * as fc from 'fast-check';
import { type Field } from '../../../src/iscsi/wire/layout.ts';
import * as pdu from '../../../src/iscsi/wire/pdu.ts';
import { lun } from './conversation.ts';

interface Kind {
  readonly opcode: number;
  readonly fields: Readonly<Record<string, Field<unknown>>>;
}

const { initiatorOpcode } = pdu;
const command: Kind = { opcode: initiatorOpcode.scsiCommand, fields: pdu.scsiCommand.fields };
const dataOut: Kind = { opcode: initiatorOpcode.dataOut, fields: pdu.dataOut.fields };
const kinds: readonly Kind[] = [
  command,
  command,
  command,
  dataOut,
  dataOut,
  { opcode: initiatorOpcode.nopOut, fields: pdu.nopOut.fields },
  { opcode: initiatorOpcode.taskManagement, fields: pdu.taskManagement.fields },
  { opcode: initiatorOpcode.text, fields: pdu.textRequest.fields },
  { opcode: initiatorOpcode.login, fields: pdu.loginRequest.fields },
  { opcode: initiatorOpcode.logout, fields: pdu.logoutRequest.fields },
  { opcode: initiatorOpcode.snack, fields: pdu.basicHeader.fields },
];

/** Operation codes that are served, and some that are not. */
const operations = [
  0x00, 0x03, 0x08, 0x0a, 0x12, 0x15, 0x16, 0x1a, 0x1b, 0x25, 0x28, 0x2a, 0x2e, 0x2f, 0x34, 0x35, 0x37, 0x41, 0x42,
  0x48, 0x4d, 0x55, 0x5a, 0x5e, 0x5f, 0x83, 0x84, 0x88, 0x89, 0x8a, 0x8b, 0x8e, 0x90, 0x91, 0x93, 0x9c, 0x9e, 0xa0,
  0xa3, 0xa8, 0xaa, 0xff,
];

const smallOrAny = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(0, 0, 0, 1, 2, 8) },
  { weight: 1, arbitrary: fc.nat(255) },
);
const cdb = fc
  .tuple(fc.constantFrom(...operations), fc.array(smallOrAny, { minLength: 15, maxLength: 15 }))
  .map(([operation, rest]) => Buffer.from([operation, ...rest]));
const number = fc.oneof(
  fc.nat(16),
  fc.constantFrom(512, 4096, 65_536, 0x7fffffff, 0x80000000, 0xfffffffe, pdu.noTag),
  fc.nat(0xffffffff),
);
const changes = fc.array(fc.record({ field: fc.nat(30), value: number }), { maxLength: 3 });

/** Puts `value` into the field, as far as it fits. */
function change(header: Buffer, fields: Kind['fields'], which: number, value: number): void {
  const all = Object.values(fields);
  const field = all[which % all.length];
  if (field === undefined) return;
  const present = field.read(header, 0);
  if (typeof present === 'boolean') field.write(header, 0, !present);
  else if (Buffer.isBuffer(present)) field.write(header, 0, Buffer.alloc(present.length, value & 0xff));
  else writeNumber(field, header, value);
}

function writeNumber(field: Field<unknown>, header: Buffer, value: number): void {
  try {
    field.write(header, 0, value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    field.write(header, 0, value & 0xff);
  }
}

/** One PDU, with its data segment; the CmdSN is what it should be unless that is what was changed. */
export const anyPdu = fc
  .record({
    kind: fc.constantFrom(...kinds),
    immediate: fc.boolean(),
    final: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    tag: fc.nat(4),
    attributes: fc.nat(7),
    expected: fc.constantFrom(0, 512, 1024, 4096, 65_536),
    direction: fc.constantFrom('read', 'write', 'both', 'none'),
    cdb,
    changes,
    data: fc.oneof(fc.constant(new Uint8Array()), fc.uint8Array({ maxLength: 2_048 })),
    honest: fc.oneof({ weight: 6, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    claimed: fc.nat(0xffffff),
  })
  .map((shape) => ({
    /** @param cmdSn the next one of the session. */
    build(cmdSn: number): { readonly bytes: Buffer; readonly usesCmdSn: boolean } {
      const { kind, direction, immediate } = shape;
      const read = direction === 'read' || direction === 'both';
      const write = direction === 'write' || direction === 'both';
      const flags = kind === command ? { read, write, attributes: shape.attributes, cdb: shape.cdb } : {};
      const header = pdu.scsiCommand.build({
        opcode: kind.opcode,
        immediate,
        final: shape.final,
        initiatorTaskTag: shape.tag,
        expectedDataTransferLength: kind === command ? shape.expected : kind === dataOut ? 1 : pdu.noTag,
        cmdSn: kind === dataOut ? 0 : cmdSn,
        lun,
        ...flags,
      });
      for (const { field, value } of shape.changes) change(header, kind.fields, field, value);
      const data = Buffer.from(shape.data);
      pdu.basicHeader.fields.dataSegmentLength.write(header, 0, shape.honest ? data.length : shape.claimed);
      if (shape.honest) pdu.basicHeader.fields.totalAhsLength.write(header, 0, 0);
      const bytes = Buffer.concat([header, data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
      return { bytes, usesCmdSn: !immediate && kind !== dataOut && kind.opcode !== initiatorOpcode.snack };
    },
  }));
