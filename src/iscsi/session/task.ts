// A SCSI command that is not done yet: it waits for its data from the initiator, or for the device.
import { type Command } from '../scsi/command.ts';
import { type CommandDefinition } from '../scsi/definition.ts';
import { type QueuedTask } from '../scsi/task-set.ts';

/** A run of Data-Out PDUs that is due: unsolicited, or asked for by an R2T (RFC 7143 §4.2.5.2). */
export interface Burst {
  /** `noTag` for unsolicited data. */
  readonly targetTransferTag: number;
  /** Where the next byte belongs in the command's data. */
  at: number;
  readonly end: number;
  nextDataSn: number;
}

export class Task implements QueuedTask {
  readonly command: Command;
  readonly definition: CommandDefinition;
  /** Bytes of memory that it holds. */
  readonly bytes: number;
  /** When its present wait began, in milliseconds of the session's clock. */
  since: number;
  /** Whether it waits for the initiator's data rather than for the device. */
  collecting = false;
  /** Answered or aborted: whatever still comes is dropped. */
  ended = false;
  /** The data segment that a Data-In PDU of it carries next (RFC 7143 §11.7.5). */
  nextDataSn = 0;
  /** What the device is busy with, for a command that changes the medium. */
  settled: Promise<unknown> | undefined;

  // For commands that take data:
  /** As the command's PDU had it, for R2Ts. */
  lun: Buffer = Buffer.alloc(8);
  data: Buffer = Buffer.alloc(0);
  /** Bytes that the command wants, and of these the ones that the initiator was asked for. */
  wanted = 0;
  /** Bytes that it takes by its CDB: more than `wanted` where the initiator announced too few. */
  expected = 0;
  asked = 0;
  bursts: Burst[] = [];
  nextR2tSn = 0;
  /** A data digest was wrong: the command fails once its data is through. */
  dataBad = false;

  constructor(command: Command, definition: CommandDefinition, bytes: number, since: number) {
    this.command = command;
    this.definition = definition;
    this.bytes = bytes;
    this.since = since;
  }

  get attribute(): number {
    return this.command.attribute;
  }
}

/** Bytes of commands in progress, over all sessions of a target. */
export interface ByteBudget {
  used: number;
  readonly limit: number;
}
