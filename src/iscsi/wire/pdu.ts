// The 48-byte basic header segments of every iSCSI PDU (RFC 7143 §11), as tables.
import { bits, bytes, flag, layout, u16, u24, u32, u8 } from './layout.ts';

export const headerBytes = 48;

/** RFC 7143 §11.2.1.2: what initiators send. */
export const initiatorOpcode = {
  nopOut: 0x00,
  scsiCommand: 0x01,
  taskManagement: 0x02,
  login: 0x03,
  text: 0x04,
  dataOut: 0x05,
  logout: 0x06,
  snack: 0x10,
} as const;

/** RFC 7143 §11.2.1.2: what targets send. */
export const targetOpcode = {
  nopIn: 0x20,
  scsiResponse: 0x21,
  taskManagementResponse: 0x22,
  loginResponse: 0x23,
  textResponse: 0x24,
  dataIn: 0x25,
  logoutResponse: 0x26,
  readyToTransfer: 0x31,
  asyncMessage: 0x32,
  reject: 0x3f,
} as const;

/** An initiator or target transfer tag that names nothing. */
export const noTag = 0xffffffff;

const basic = {
  immediate: flag(0, 6),
  opcode: bits(0, 0, 6),
  final: flag(1, 7),
  /** In four-byte words. */
  totalAhsLength: u8(4),
  dataSegmentLength: u24(5),
  initiatorTaskTag: u32(16),
} as const;
const addressed = { ...basic, lun: bytes(8, 8) } as const;
const fromInitiator = { cmdSn: u32(24), expStatSn: u32(28) } as const;
const fromTarget = { statSn: u32(24), expCmdSn: u32(28), maxCmdSn: u32(32) } as const;
const residual = { overflow: flag(1, 2), underflow: flag(1, 1), residualCount: u32(44) } as const;

/** What every PDU has (RFC 7143 §11.2.1). */
export const basicHeader = layout(headerBytes, basic);

/** RFC 7143 §11.3. */
export const scsiCommand = layout(headerBytes, {
  ...addressed,
  ...fromInitiator,
  read: flag(1, 6),
  write: flag(1, 5),
  /** 0 untagged, 1 simple, 2 ordered, 3 head of queue, 4 ACA. */
  attributes: bits(1, 0, 3),
  expectedDataTransferLength: u32(20),
  cdb: bytes(32, 16),
});

/** RFC 7143 §11.4. */
export const scsiResponse = layout(headerBytes, {
  ...basic,
  ...fromTarget,
  ...residual,
  bidirectionalOverflow: flag(1, 4),
  bidirectionalUnderflow: flag(1, 3),
  response: u8(2),
  status: u8(3),
  snackTag: u32(20),
  expDataSn: u32(36),
  bidirectionalResidualCount: u32(40),
});

/** RFC 7143 §11.5. */
export const taskManagement = layout(headerBytes, {
  ...addressed,
  ...fromInitiator,
  function: bits(1, 0, 7),
  referencedTaskTag: u32(20),
  refCmdSn: u32(32),
  expDataSn: u32(36),
});

/** RFC 7143 §11.6. */
export const taskManagementResponse = layout(headerBytes, { ...basic, ...fromTarget, response: u8(2) });

/** RFC 7143 §11.7.1. */
export const dataOut = layout(headerBytes, {
  ...addressed,
  targetTransferTag: u32(20),
  expStatSn: u32(28),
  dataSn: u32(36),
  bufferOffset: u32(40),
});

/** RFC 7143 §11.7.2. */
export const dataIn = layout(headerBytes, {
  ...addressed,
  ...fromTarget,
  ...residual,
  acknowledge: flag(1, 6),
  /** The status goes with the data: no SCSI Response follows. */
  statusPresent: flag(1, 0),
  status: u8(3),
  targetTransferTag: u32(20),
  dataSn: u32(36),
  bufferOffset: u32(40),
});

/** RFC 7143 §11.8. */
export const readyToTransfer = layout(headerBytes, {
  ...addressed,
  ...fromTarget,
  targetTransferTag: u32(20),
  r2tSn: u32(36),
  bufferOffset: u32(40),
  desiredLength: u32(44),
});

/** RFC 7143 §11.9. */
export const asyncMessage = layout(headerBytes, {
  ...addressed,
  ...fromTarget,
  asyncEvent: u8(36),
  asyncVCode: u8(37),
  parameter1: u16(38),
  parameter2: u16(40),
  parameter3: u16(42),
});

/** RFC 7143 §11.10. */
export const textRequest = layout(headerBytes, {
  ...addressed,
  ...fromInitiator,
  continues: flag(1, 6),
  targetTransferTag: u32(20),
});

/** RFC 7143 §11.11. */
export const textResponse = layout(headerBytes, {
  ...addressed,
  ...fromTarget,
  continues: flag(1, 6),
  targetTransferTag: u32(20),
});

const login = {
  ...basic,
  transit: flag(1, 7),
  continues: flag(1, 6),
  currentStage: bits(1, 2, 2),
  nextStage: bits(1, 0, 2),
  isid: bytes(8, 6),
  tsih: u16(14),
} as const;

/** RFC 7143 §11.12. */
export const loginRequest = layout(headerBytes, {
  ...login,
  ...fromInitiator,
  versionMax: u8(2),
  versionMin: u8(3),
  cid: u16(20),
});

/** RFC 7143 §11.13. */
export const loginResponse = layout(headerBytes, {
  ...login,
  ...fromTarget,
  versionMax: u8(2),
  versionActive: u8(3),
  statusClass: u8(36),
  statusDetail: u8(37),
});

/** RFC 7143 §11.14. */
export const logoutRequest = layout(headerBytes, {
  ...basic,
  ...fromInitiator,
  reason: bits(1, 0, 7),
  cid: u16(20),
});

/** RFC 7143 §11.15. */
export const logoutResponse = layout(headerBytes, {
  ...basic,
  ...fromTarget,
  response: u8(2),
  time2Wait: u16(40),
  time2Retain: u16(42),
});

/** RFC 7143 §11.17.1; its data segment is the header that is rejected. */
export const reject = layout(headerBytes, { ...basic, ...fromTarget, reason: u8(2), dataSn: u32(36) });

export const rejectReason = {
  dataDigestError: 0x02,
  snackReject: 0x03,
  protocolError: 0x04,
  commandNotSupported: 0x05,
  immediateCommandReject: 0x06,
  taskInProgress: 0x07,
  invalidDataAck: 0x08,
  invalidPduField: 0x09,
  longOperationReject: 0x0a,
  waitingForLogout: 0x0c,
} as const;

/** RFC 7143 §11.18. */
export const nopOut = layout(headerBytes, { ...addressed, ...fromInitiator, targetTransferTag: u32(20) });

/** RFC 7143 §11.19. */
export const nopIn = layout(headerBytes, { ...addressed, ...fromTarget, targetTransferTag: u32(20) });
