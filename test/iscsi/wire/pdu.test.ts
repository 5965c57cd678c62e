// The layouts of PDUs against bytes that were written down by hand from RFC 7143 §11, and against themselves.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import * as pdu from '../../../src/iscsi/wire/pdu.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');

test('a SCSI command: READ(10) of 8 blocks at 0x12345 on LUN 1', () => {
  const golden = hex(`
    01 c1 00 00 00 00 00 00  00 01 00 00 00 00 00 00
    00 00 00 2a 00 00 10 00  00 00 00 07 00 00 00 63
    28 00 00 01 23 45 00 00  08 00 00 00 00 00 00 00`);
  const values = pdu.scsiCommand.read(golden);
  expect(values).toMatchObject({
    opcode: 1,
    immediate: false,
    final: true,
    read: true,
    write: false,
    attributes: 1,
    initiatorTaskTag: 42,
    expectedDataTransferLength: 4096,
    cmdSn: 7,
    expStatSn: 99,
  });
  expect(pdu.scsiCommand.build(values)).toEqual(golden);
});

test('a login request: first of a session, operational stage next', () => {
  const golden = hex(`
    43 81 00 00 00 00 00 00  80 12 34 56 00 00 00 00
    00 00 00 01 00 00 00 00  00 00 00 01 00 00 00 00
    00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00`);
  const values = pdu.loginRequest.read(golden);
  expect(values).toMatchObject({ opcode: 3, immediate: true, transit: true, currentStage: 0, nextStage: 1, tsih: 0 });
  expect(values.isid.toString('hex')).toBe('801234560000');
  expect(pdu.loginRequest.build(values)).toEqual(golden);
});

test('a Data-In with status, and an R2T', () => {
  const dataIn = pdu.dataIn.build({
    opcode: pdu.targetOpcode.dataIn,
    final: true,
    statusPresent: true,
    underflow: true,
    initiatorTaskTag: 5,
    targetTransferTag: pdu.noTag,
    statSn: 1,
    expCmdSn: 2,
    maxCmdSn: 3,
    dataSn: 4,
    bufferOffset: 512,
    residualCount: 16,
    dataSegmentLength: 0x010203,
  });
  expect(dataIn).toEqual(
    hex(`
    25 83 00 00 00 01 02 03  00 00 00 00 00 00 00 00
    00 00 00 05 ff ff ff ff  00 00 00 01 00 00 00 02
    00 00 00 03 00 00 00 04  00 00 02 00 00 00 00 10`),
  );
  const r2t = pdu.readyToTransfer.build({
    opcode: pdu.targetOpcode.readyToTransfer,
    final: true,
    targetTransferTag: 9,
    bufferOffset: 65_536,
    desiredLength: 131_072,
  });
  expect(r2t).toEqual(
    hex(`
    31 80 00 00 00 00 00 00  00 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 09  00 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00  00 01 00 00 00 02 00 00`),
  );
});

const layouts = Object.entries(pdu).filter(
  (entry): entry is [string, typeof pdu.basicHeader] => typeof entry[1] === 'object' && 'build' in entry[1],
);

test.each(layouts)('%s gives back every header that it has built', (_name, layout) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 48, maxLength: 48 }), (bytes) => {
      const values = layout.read(Buffer.from(bytes));
      const built = layout.build(values);
      expect(layout.read(built)).toEqual(values);
    }),
    { numRuns: 100 },
  );
});
