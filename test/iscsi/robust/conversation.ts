// What a well-behaved initiator sends, as bytes: a login, one PDU of each kind, a logout.
import { formatText } from '../../../src/iscsi/login/text.ts';
import { crc32c } from '../../../src/iscsi/wire/crc32c.ts';
import * as pdu from '../../../src/iscsi/wire/pdu.ts';
import { diskTarget } from '../disks.ts';
import { initiatorName } from '../initiator.ts';

export const lun = Buffer.from('0001000000000000', 'hex');
const nothing = Buffer.alloc(0);

/** Header and data segment as they go on the wire: length filled in, padded, with digests where they are asked for. */
export function framed(header: Buffer, data: Buffer = nothing, digests = false): Buffer {
  pdu.basicHeader.fields.dataSegmentLength.write(header, 0, data.length);
  const padded = Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
  if (!digests) return Buffer.concat([header, padded]);
  return Buffer.concat([header, digestOf(header), padded, data.length === 0 ? nothing : digestOf(padded)]);
}

function digestOf(bytes: Buffer): Buffer {
  const digest = Buffer.alloc(4);
  digest.writeUInt32LE(crc32c(bytes));
  return digest;
}

/** ISID of the n-th of many initiators. */
export function isidOf(number: number): Buffer {
  const isid = Buffer.from('800000000000', 'hex');
  isid.writeUInt32BE(number, 2);
  return isid;
}

export function login(isid: Buffer, keys: Readonly<Record<string, string>> = {}): Buffer {
  const header = pdu.loginRequest.build({
    opcode: pdu.initiatorOpcode.login,
    immediate: true,
    transit: true,
    currentStage: 1,
    nextStage: 3,
    isid,
    cmdSn: 1,
  });
  const text = formatText(Object.entries({ InitiatorName: initiatorName, TargetName: diskTarget, ...keys }));
  return framed(header, text);
}

export function logout(cmdSn: number, digests = false): Buffer {
  const opcode = pdu.initiatorOpcode.logout;
  return framed(
    pdu.logoutRequest.build({ opcode, final: true, initiatorTaskTag: 90, cmdSn, cid: 0 }),
    nothing,
    digests,
  );
}

function command(cmdSn: number, cdb: string, values: { read?: boolean; write?: boolean }, bytes: number): Buffer {
  return pdu.scsiCommand.build({
    opcode: pdu.initiatorOpcode.scsiCommand,
    final: true,
    attributes: 1,
    lun,
    initiatorTaskTag: cmdSn,
    expectedDataTransferLength: bytes,
    cmdSn,
    cdb: Buffer.from(cdb.padEnd(32, '0'), 'hex'),
    ...values,
  });
}

/** One PDU of each kind, in order: every one of them is answered in a way that the rest does not change. */
export function requests(digests: boolean): Buffer[] {
  const { initiatorOpcode: opcode, noTag } = pdu;
  const tagged = { final: true, lun, targetTransferTag: noTag } as const;
  const whole: (readonly [Buffer, Buffer?])[] = [
    [pdu.nopOut.build({ ...tagged, opcode: opcode.nopOut, initiatorTaskTag: 1, cmdSn: 1 }), Buffer.from('echo this')],
    [
      pdu.textRequest.build({ ...tagged, opcode: opcode.text, initiatorTaskTag: 2, cmdSn: 2 }),
      formatText([['SendTargets', '']]),
    ],
    [command(3, '28000000000000000100', { read: true }, 512)],
    [command(4, '2a000000000200000100', { write: true }, 512), Buffer.alloc(512, 4)],
    [command(5, '2a000000000300000100', { write: true }, 512), Buffer.alloc(100, 5)],
    [
      pdu.dataOut.build({
        opcode: opcode.dataOut,
        final: true,
        initiatorTaskTag: 5,
        targetTransferTag: 1,
        bufferOffset: 100,
      }),
      Buffer.alloc(412, 6),
    ],
    [
      pdu.taskManagement.build({
        opcode: opcode.taskManagement,
        final: true,
        function: 1,
        lun,
        initiatorTaskTag: 6,
        referencedTaskTag: 5,
        cmdSn: 6,
      }),
    ],
    [pdu.basicHeader.build({ opcode: opcode.snack, final: true, initiatorTaskTag: 7 })],
    [command(7, 'ff', {}, 0)],
  ];
  return [...whole.map(([header, data]) => framed(header, data, digests)), logout(8, digests)];
}
