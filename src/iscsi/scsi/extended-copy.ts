// EXTENDED COPY from block device to block device within the session, and RECEIVE COPY RESULTS (SPC-4 §6.4, §6.18).
import { sectorBytes } from '../../block/device.ts';
import { bits, bytes, flag, layout, u16, u24, u32, u64, u8 } from '../wire/layout.ts';
import { type Command, type UnitPath } from './command.ts';
import { type CommandDefinition, usage, whole4, whole8 } from './definition.ts';
import {
  additionalSense,
  checkCondition,
  invalidFieldInCdb,
  invalidParameter,
  parameterListLengthError,
  senseKey,
} from './status.ts';

/** What RECEIVE COPY RESULTS, OPERATING PARAMETERS offers. */
const copyLimits = { targets: 8, segments: 8, listBytes: 1024, segmentBytes: 16 * 1024 * 1024 } as const;

/** LID1 (SPC-4 §6.4.2). */
const parameterHeader = layout(16, {
  listId: u8(0),
  listIdUsage: bits(1, 3, 2),
  priority: bits(1, 0, 3),
  targetsLength: u16(2),
  segmentsLength: u32(8),
  inlineLength: u32(12),
});
/** Identification descriptor target descriptor (SPC-4 §6.4.6.2). */
const targetDescriptor = layout(32, {
  type: u8(0),
  deviceType: bits(1, 0, 5),
  codeSet: bits(4, 0, 4),
  designatorType: bits(5, 0, 4),
  designatorLength: u8(7),
  designator: bytes(8, 20),
  blockLength: u24(29),
});
/** Block to block (SPC-4 §6.4.7.5). */
const segmentDescriptor = layout(28, {
  type: u8(0),
  destinationCount: flag(1, 1),
  length: u16(2),
  source: u16(4),
  destination: u16(6),
  blocks: u16(10),
  sourceLba: u64(12),
  destinationLba: u64(20),
});
const operatingParameters = layout(48, {
  available: u32(0),
  supportsNoListId: flag(4, 0),
  maxTargets: u16(8),
  maxSegments: u16(10),
  maxListLength: u32(12),
  maxSegmentLength: u32(16),
  totalConcurrentCopies: u16(34),
  maxConcurrentCopies: u8(36),
  dataSegmentGranularity: u8(37),
  listLength: u8(43),
  type1: u8(44),
  type2: u8(45),
});

/** SPC-4 §6.18.2; status 01h: done without errors. */
const copyStatus = layout(12, { available: u32(0), status: bits(4, 0, 7), segments: u16(5) });

const identificationDescriptor = 0xe4;
const blockToBlock = 0x02;

const copyAborted = (additional: number): Error => checkCondition(senseKey.copyAborted, additional);

function findTarget(list: Buffer, at: number, path: UnitPath): UnitPath {
  const descriptor = targetDescriptor.read(list, at);
  if (descriptor.type !== identificationDescriptor) {
    throw checkCondition(senseKey.illegalRequest, additionalSense.unsupportedTargetDescriptor);
  }
  if (descriptor.deviceType !== 0) throw copyAborted(additionalSense.copyTargetUnreachable);
  const wanted = descriptor.designator.subarray(0, descriptor.designatorLength);
  const found = path.siblings().find(({ unit }) => {
    if (descriptor.designatorType === 3) return wanted.equals(unit.naa);
    if (descriptor.designatorType === 1)
      return wanted.toString('latin1').startsWith(`MINTMARK${unit.serial.slice(0, 12)}`);
    return false;
  });
  if (found === undefined) throw copyAborted(additionalSense.copyTargetUnreachable);
  return found;
}

interface Segment {
  readonly source: UnitPath;
  readonly destination: UnitPath;
  readonly sourceLba: number;
  readonly destinationLba: number;
  readonly blocks: number;
}

function parseSegment(list: Buffer, at: number, targets: readonly UnitPath[]): Segment {
  const descriptor = segmentDescriptor.read(list, at);
  const source = targets[descriptor.source];
  const destination = targets[descriptor.destination];
  if (source === undefined || destination === undefined) throw copyAborted(additionalSense.copyTargetUnreachable);
  const { sourceLba, destinationLba, blocks } = descriptor;
  if ((sourceLba + blocks) * sectorBytes > source.device.size) throw copyAborted(additionalSense.none);
  if ((destinationLba + blocks) * sectorBytes > destination.device.size) {
    throw copyAborted(additionalSense.none);
  }
  if (destination.readOnly) throw checkCondition(senseKey.dataProtect, additionalSense.writeProtected);
  return { source, destination, sourceLba, destinationLba, blocks };
}

function parseList(command: Command, list: Buffer): readonly Segment[] {
  if (list.length < parameterHeader.size) throw parameterListLengthError();
  const { targetsLength, segmentsLength, inlineLength } = parameterHeader.read(list);
  if (targetsLength + segmentsLength > copyLimits.listBytes) throw parameterListLengthError();
  if (parameterHeader.size + targetsLength + segmentsLength + inlineLength > list.length) {
    throw parameterListLengthError();
  }
  if (targetsLength % targetDescriptor.size !== 0) throw invalidParameter(2);
  const targetCount = targetsLength / targetDescriptor.size;
  if (targetCount > copyLimits.targets) {
    throw checkCondition(senseKey.illegalRequest, additionalSense.tooManyTargetDescriptors);
  }
  const targets = Array.from({ length: targetCount }, (_, index) =>
    findTarget(list, parameterHeader.size + index * targetDescriptor.size, command.path),
  );
  const segmentsAt = parameterHeader.size + targetsLength;
  const starts: number[] = [];
  for (let at = segmentsAt; at < segmentsAt + segmentsLength; at += segmentDescriptor.size) {
    if (list[at] !== blockToBlock) {
      throw checkCondition(senseKey.illegalRequest, additionalSense.unsupportedSegmentDescriptor);
    }
    if (at + segmentDescriptor.size > segmentsAt + segmentsLength) throw parameterListLengthError();
    starts.push(at);
  }
  if (starts.length > copyLimits.segments) {
    throw checkCondition(senseKey.illegalRequest, additionalSense.tooManySegmentDescriptors);
  }
  return starts.map((at) => parseSegment(list, at, targets));
}

/** Bytes that are copied in one step. */
const stepBytes = 1024 * 1024;

/** LIST ID USAGE 11b: the initiator will not ask how the copy went (SPC-4 §6.4.3.2). */
const discardResults = 3;

async function copy(command: Command, list: Buffer): Promise<void> {
  const expected = command.u32(10);
  if (expected === 0) return;
  if (list.length < expected) throw parameterListLengthError();
  const segments = parseList(command, list);
  await copySegments(segments);
  const { listId, listIdUsage } = parameterHeader.read(list);
  const { unit, nexus } = command.path;
  if (listIdUsage !== discardResults) unit.copyResults.keep(nexus, listId, segments.length);
}

async function copySegments(segments: readonly Segment[]): Promise<void> {
  for (const segment of segments) {
    const length = segment.blocks * sectorBytes;
    for (let done = 0; done < length; done += stepBytes) {
      const part = Buffer.allocUnsafe(Math.min(stepBytes, length - done));
      await segment.source.device.read(segment.sourceLba * sectorBytes + done, part);
      await segment.destination.device.write(segment.destinationLba * sectorBytes + done, part);
    }
  }
}

export const copyCommands: readonly CommandDefinition[] = [
  {
    name: 'EXTENDED COPY(LID1)',
    opcode: 0x83,
    serviceAction: 0x00,
    kind: 'out',
    access: 'write',
    writes: true,
    takesLong: true,
    usage: usage(0x83, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, ...whole4, 0, 0x04),
    expect(command) {
      const length = command.u32(10);
      if (length > 64 * 1024) throw parameterListLengthError();
      return length;
    },
    run: copy,
  },
  {
    name: 'RECEIVE COPY RESULTS, COPY STATUS',
    opcode: 0x84,
    serviceAction: 0x00,
    kind: 'in',
    access: 'query',
    usage: usage(0x84, 0x1f, 0xff, 0, 0, 0, 0, 0, 0, 0, ...whole4, 0, 0x04),
    run(command) {
      const segments = command.path.unit.copyResults.find(command.path.nexus, command.byte(2));
      if (segments === undefined) throw invalidFieldInCdb(2);
      return copyStatus.build({ available: copyStatus.size - 4, status: 1, segments }).subarray(0, command.u32(10));
    },
  },
  {
    name: 'RECEIVE COPY RESULTS, OPERATING PARAMETERS',
    opcode: 0x84,
    serviceAction: 0x03,
    kind: 'in',
    access: 'query',
    usage: usage(0x84, 0x1f, ...whole8, ...whole4, 0, 0x04),
    run: (command) =>
      operatingParameters
        .build({
          available: operatingParameters.size - 4,
          supportsNoListId: true,
          maxTargets: copyLimits.targets,
          maxSegments: copyLimits.segments,
          maxListLength: copyLimits.listBytes,
          maxSegmentLength: copyLimits.segmentBytes,
          totalConcurrentCopies: 1,
          maxConcurrentCopies: 1,
          dataSegmentGranularity: 9,
          listLength: 2,
          type1: blockToBlock,
          type2: identificationDescriptor,
        })
        .subarray(0, command.u32(10)),
  },
];
