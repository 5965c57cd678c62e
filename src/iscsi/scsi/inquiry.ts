// INQUIRY: standard data and the vital product data pages (SPC-4 §6.6, §7.8; SBC-3 §6.6).
import { sectorBytes } from '../../block/device.ts';
import { ascii, bits, flag, layout, u16, u32, u64, u8 } from '../wire/layout.ts';
import { type Command, type UnitPath } from './command.ts';
import { type CommandDefinition, usage, whole2 } from './definition.ts';
import { unmapLimits, writeSameBlocks } from './provisioning.ts';
import { atomicBlocks } from './read-write.ts';
import { invalidFieldInCdb } from './status.ts';
import { compareBlocks } from './verify.ts';

/** Exactly the eight characters that T10 vendor identification has. */
const vendor = 'MINTMARK';
const product = 'Mintmark Disk';
const revision = '0001';

/** SPC-4 §6.6.2. */
export const standardInquiry = layout(96, {
  qualifier: bits(0, 5, 3),
  deviceType: bits(0, 0, 5),
  removable: flag(1, 7),
  version: u8(2),
  normalAca: flag(3, 5),
  hierarchical: flag(3, 4),
  responseDataFormat: bits(3, 0, 4),
  additionalLength: u8(4),
  targetPortGroups: bits(5, 4, 2),
  thirdPartyCopy: flag(5, 3),
  multiPort: flag(6, 4),
  commandQueue: flag(7, 1),
  vendor: ascii(8, 8),
  product: ascii(16, 16),
  revision: ascii(32, 4),
  versionDescriptor1: u16(58),
  versionDescriptor2: u16(60),
  versionDescriptor3: u16(62),
  versionDescriptor4: u16(64),
});

const pageHeader = layout(4, { qualifier: bits(0, 5, 3), deviceType: bits(0, 0, 5), code: u8(1), length: u16(2) });

/** SPC-4 §7.8.6.1; `association` 0 is the logical unit, 1 the target port. */
const designator = layout(4, {
  protocol: bits(0, 4, 4),
  codeSet: bits(0, 0, 4),
  protocolValid: flag(1, 7),
  association: bits(1, 4, 2),
  type: bits(1, 0, 4),
  length: u8(3),
});

/** The bodies, without the page header, of pages that are fixed structures. */
const extendedInquiry = layout(60, { headOfQueue: flag(1, 2), ordered: flag(1, 1), simple: flag(1, 0) });
const modePagePolicy = layout(4, { page: bits(0, 0, 6), subpage: u8(1), shared: flag(2, 7), policy: bits(2, 0, 2) });
/** SBC-3 §6.6.4, with SBC-4's atomic fields. */
export const blockLimits = layout(60, {
  writeSameNonZero: flag(0, 0),
  maxCompareAndWrite: u8(1),
  optimalGranularity: u16(2),
  maxTransfer: u32(4),
  optimalTransfer: u32(8),
  maxPrefetch: u32(12),
  maxUnmapBlocks: u32(16),
  maxUnmapDescriptors: u32(20),
  optimalUnmapGranularity: u32(24),
  unmapAlignmentValid: flag(28, 7),
  maxWriteSame: u64(32),
  maxAtomicTransfer: u32(40),
  atomicAlignment: u32(44),
  atomicGranularity: u32(48),
});
/** SBC-3 §6.6.3. WABEREQ 1: after a block erase, reads give zeros. */
const characteristics = layout(60, {
  rotationRate: u16(0),
  blockEraseReads: bits(3, 6, 2),
  cryptoEraseReads: bits(3, 4, 2),
});
/** SBC-3 §6.6.6. */
const provisioning = layout(4, {
  thresholdExponent: u8(0),
  unmap: flag(1, 7),
  writeSame16: flag(1, 6),
  writeSame10: flag(1, 5),
  readZeros: bits(1, 2, 3),
  type: bits(2, 0, 3),
});
const port16 = layout(4, { value: u16(2) });

const descriptorOf = (head: Parameters<typeof designator.build>[0], value: Buffer): Buffer =>
  Buffer.concat([designator.build({ ...head, length: value.length }), value]);

function deviceIdentification(path: UnitPath): Buffer {
  const { unit } = path;
  return Buffer.concat([
    descriptorOf({ codeSet: 1, type: 3 }, unit.naa),
    descriptorOf({ codeSet: 2, type: 1 }, Buffer.from(`${vendor}${unit.serial}`, 'latin1')),
    descriptorOf({ protocol: 5, protocolValid: true, codeSet: 1, association: 1, type: 4 }, port16.build({ value: 1 })),
    descriptorOf({ protocol: 5, protocolValid: true, codeSet: 1, association: 1, type: 5 }, port16.build({ value: 1 })),
  ]);
}

/** What transfers and UNMAPs are best aligned to, whatever physical block is reported: what space is given and taken in. */
const granularity = 4096 / sectorBytes;

function limitsOf(path: UnitPath): Buffer {
  return blockLimits.build({
    maxCompareAndWrite: compareBlocks,
    optimalGranularity: granularity,
    maxTransfer: path.maxBlocks,
    optimalTransfer: Math.min(path.maxBlocks, 2048),
    maxUnmapBlocks: unmapLimits.blocks,
    maxUnmapDescriptors: unmapLimits.descriptors,
    optimalUnmapGranularity: granularity,
    unmapAlignmentValid: true,
    maxWriteSame: writeSameBlocks,
    maxAtomicTransfer: atomicBlocks,
    atomicAlignment: 1,
    atomicGranularity: 1,
  });
}

type Page = (path: UnitPath) => Buffer;

const pages: ReadonlyMap<number, Page> = new Map<number, Page>([
  [0x00, () => Buffer.from([...pages.keys()])],
  [0x80, ({ unit }) => Buffer.from(unit.serial, 'latin1')],
  [0x83, deviceIdentification],
  [0x86, () => extendedInquiry.build({ headOfQueue: true, ordered: true, simple: true })],
  [0x87, () => modePagePolicy.build({ page: 0x3f, subpage: 0xff })],
  [0xb0, limitsOf],
  [0xb1, () => characteristics.build({ rotationRate: 1, blockEraseReads: 1 })],
  [0xb2, () => provisioning.build({ unmap: true, writeSame16: true, writeSame10: true, readZeros: 1, type: 2 })],
]);

function standard(): Buffer {
  return standardInquiry.build({
    // SPC-4.
    version: 6,
    responseDataFormat: 2,
    additionalLength: standardInquiry.size - 5,
    targetPortGroups: 1,
    thirdPartyCopy: true,
    multiPort: true,
    commandQueue: true,
    vendor,
    product,
    revision,
    // SAM-5, SPC-4, SBC-3 and iSCSI (SPC-4 annex table D.1).
    versionDescriptor1: 0x00a0,
    versionDescriptor2: 0x0460,
    versionDescriptor3: 0x04c0,
    versionDescriptor4: 0x0960,
  });
}

function inquiry(command: Command): Buffer {
  const allocation = command.u16(3);
  const vital = (command.byte(1) & 1) !== 0;
  if ((command.byte(1) & 0xfe) !== 0) throw invalidFieldInCdb(1);
  const code = command.byte(2);
  if (!vital) {
    if (code !== 0) throw invalidFieldInCdb(2);
    return standard().subarray(0, allocation);
  }
  const page = pages.get(code);
  if (page === undefined) throw invalidFieldInCdb(2);
  const body = page(command.path);
  return Buffer.concat([pageHeader.build({ code, length: body.length }), body]).subarray(0, allocation);
}

/** What an INQUIRY to a LUN that is not there is answered (SPC-4 §6.6.2): no device, qualifier 3. */
export function inquiryOfNothing(bytes: Buffer, at: number): Buffer {
  if (((bytes[at + 1] ?? 0) & 1) !== 0) throw invalidFieldInCdb(1);
  return standardInquiry
    .build({
      qualifier: 3,
      deviceType: 0x1f,
      version: 6,
      responseDataFormat: 2,
      additionalLength: standardInquiry.size - 5,
      vendor,
      product,
      revision,
    })
    .subarray(0, bytes.readUInt16BE(at + 3));
}

export const inquiryCommands: readonly CommandDefinition[] = [
  {
    name: 'INQUIRY',
    opcode: 0x12,
    kind: 'in',
    access: 'free',
    whileNotReady: true,
    usage: usage(0x12, 0x01, 0xff, ...whole2, 0x04),
    run: inquiry,
  },
];
