// What a LUN answers that has no disk: INQUIRY, REPORT LUNS and REQUEST SENSE say so, everything else fails (SPC-4 §6.4.2).
import { inquiryOfNothing } from './inquiry.ts';
import { lunList } from './report.ts';
import { additionalSense, buildSense, checkCondition, senseKey } from './status.ts';

/**
 * The parameter data that answers the CDB at `at`.
 * @param luns those that there are.
 * @throws {ScsiFailure} LOGICAL UNIT NOT SUPPORTED for every other command.
 */
export function answerOfNothing(luns: readonly number[], buffer: Buffer, at: number): Buffer {
  switch (buffer[at] ?? 0) {
    case 0x12:
      return inquiryOfNothing(buffer, at);
    case 0xa0:
      return lunList(luns, buffer.readUInt32BE(at + 6));
    case 0x03: {
      const sense = { key: senseKey.illegalRequest, additional: additionalSense.logicalUnitNotSupported };
      return buildSense(sense, false).subarray(0, buffer[at + 4]);
    }
    default:
      throw checkCondition(senseKey.illegalRequest, additionalSense.logicalUnitNotSupported);
  }
}
