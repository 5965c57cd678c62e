// SCSI status codes, sense keys and additional sense codes (SAM-5 §5.3, SPC-4 §4.5), and sense data itself.
import { bits, flag, layout, u16, u32, u64, u8 } from '../wire/layout.ts';

export const scsiStatus = {
  good: 0x00,
  checkCondition: 0x02,
  conditionMet: 0x04,
  busy: 0x08,
  reservationConflict: 0x18,
  taskSetFull: 0x28,
  taskAborted: 0x40,
} as const;
export type ScsiStatus = (typeof scsiStatus)[keyof typeof scsiStatus];

export const senseKey = {
  noSense: 0x0,
  notReady: 0x2,
  mediumError: 0x3,
  hardwareError: 0x4,
  illegalRequest: 0x5,
  unitAttention: 0x6,
  dataProtect: 0x7,
  copyAborted: 0xa,
  abortedCommand: 0xb,
  miscompare: 0xe,
} as const;

/** Additional sense code in the high byte, its qualifier in the low one (SPC-4 annex F). */
export const additionalSense = {
  none: 0x0000,
  sanitizeInProgress: 0x041b,
  notReadyStopped: 0x0402,
  writeError: 0x0c00,
  unreadable: 0x1100,
  parameterListLengthError: 0x1a00,
  miscompare: 0x1d00,
  invalidOperationCode: 0x2000,
  lbaOutOfRange: 0x2100,
  invalidFieldInCdb: 0x2400,
  logicalUnitNotSupported: 0x2500,
  invalidFieldInParameterList: 0x2600,
  invalidReleaseOfReservation: 0x2604,
  tooManyTargetDescriptors: 0x2606,
  unsupportedTargetDescriptor: 0x2607,
  tooManySegmentDescriptors: 0x2608,
  unsupportedSegmentDescriptor: 0x2609,
  writeProtected: 0x2700,
  softwareWriteProtected: 0x2702,
  powerOnOccurred: 0x2900,
  busDeviceReset: 0x2903,
  modeParametersChanged: 0x2a01,
  reservationsPreempted: 0x2a03,
  reservationsReleased: 0x2a04,
  registrationsPreempted: 0x2a05,
  capacityChanged: 0x2a09,
  commandsCleared: 0x2f00,
  insufficientRegistrationResources: 0x5504,
  copyTargetUnreachable: 0x0d02,
  invalidInformationUnit: 0x0e03,
  crcError: 0x4705,
  sanitizeFailed: 0x3115,
  mediumRemovalPrevented: 0x5302,
  savingNotSupported: 0x3900,
  asynchronousFailure: 0x4400,
} as const;

/** Fixed format (SPC-4 §4.5.3). */
export const fixedSense = layout(18, {
  valid: flag(0, 7),
  responseCode: bits(0, 0, 7),
  senseKey: bits(2, 0, 4),
  information: u32(3),
  additionalLength: u8(7),
  additionalSense: u16(12),
  senseKeySpecificValid: flag(15, 7),
  /** The field pointer is into the CDB rather than the parameter list (SPC-4 §4.5.2.4.2). */
  inCdb: flag(15, 6),
  fieldPointer: u16(16),
});

/** Descriptor format (SPC-4 §4.5.2), with an information descriptor behind it. */
export const descriptorSense = layout(8, {
  responseCode: bits(0, 0, 7),
  senseKey: bits(1, 0, 4),
  additionalSense: u16(2),
  additionalLength: u8(7),
});
const informationDescriptor = layout(12, {
  type: u8(0),
  additionalLength: u8(1),
  valid: flag(2, 7),
  information: u64(4),
});

export interface Sense {
  readonly key: number;
  readonly additional: number;
  /** Such as the offset of a miscompare. */
  readonly information?: number;
  /** The byte of the CDB or of the parameter list that is wrong. */
  readonly field?: { readonly inCdb: boolean; readonly at: number };
}

export function buildSense(sense: Sense, asDescriptors: boolean): Buffer {
  if (asDescriptors) {
    const head = descriptorSense.build({
      responseCode: 0x72,
      senseKey: sense.key,
      additionalSense: sense.additional,
      additionalLength: sense.information === undefined ? 0 : informationDescriptor.size,
    });
    if (sense.information === undefined) return head;
    const information = informationDescriptor.build({
      additionalLength: 10,
      valid: true,
      information: sense.information,
    });
    return Buffer.concat([head, information]);
  }
  const { information } = sense;
  return fixedSense.build({
    responseCode: 0x70,
    valid: information !== undefined && information <= 0xffffffff,
    information: information !== undefined && information <= 0xffffffff ? information : 0,
    senseKey: sense.key,
    additionalLength: fixedSense.size - 8,
    additionalSense: sense.additional,
    senseKeySpecificValid: sense.field !== undefined,
    inCdb: sense.field?.inCdb ?? false,
    fieldPointer: sense.field?.at ?? 0,
  });
}

/** A command ends with a status other than GOOD. */
export class ScsiFailure extends Error {
  override readonly name = 'ScsiFailure';
  readonly status: ScsiStatus;
  readonly sense: Sense | undefined;

  constructor(status: ScsiStatus, sense?: Sense) {
    super(`SCSI status ${status}`);
    this.status = status;
    this.sense = sense;
  }
}

export function checkCondition(key: number, additional: number, more: Partial<Sense> = {}): ScsiFailure {
  return new ScsiFailure(scsiStatus.checkCondition, { key, additional, ...more });
}

/** @param at the byte of the CDB that is wrong. */
export function invalidFieldInCdb(at: number): ScsiFailure {
  return checkCondition(senseKey.illegalRequest, additionalSense.invalidFieldInCdb, { field: { inCdb: true, at } });
}

/** @param at the byte of the parameter list that is wrong. */
export function invalidParameter(at: number): ScsiFailure {
  const field = { inCdb: false, at };
  return checkCondition(senseKey.illegalRequest, additionalSense.invalidFieldInParameterList, { field });
}

export function parameterListLengthError(): ScsiFailure {
  return checkCondition(senseKey.illegalRequest, additionalSense.parameterListLengthError);
}

export function lbaOutOfRange(): ScsiFailure {
  return checkCondition(senseKey.illegalRequest, additionalSense.lbaOutOfRange);
}
