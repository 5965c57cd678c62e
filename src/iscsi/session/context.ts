// What the parts of a session share: its numbers, its commands, and how a command is answered.
import { type TargetLimits } from '../limits.ts';
import { type SessionParameters } from '../login/keys.ts';
import { type Command, type UnitPath } from '../scsi/command.ts';
import { type CommandDefinition } from '../scsi/definition.ts';
import { type PduReader } from '../wire/pdu-reader.ts';
import { type PduWriter } from '../wire/pdu-writer.ts';
import { type Responder } from './responder.ts';
import { type ByteBudget, type Task } from './task.ts';
import { type Tasks } from './tasks.ts';

/** What a session needs of its connection and its target. */
export interface SessionHost {
  readonly writer: PduWriter;
  readonly limits: TargetLimits;
  readonly budget: ByteBudget;
  now(): number;
  /** Whether the initiator logged in for discovery alone. */
  readonly discovery: boolean;
  /** The targets and addresses that SendTargets shows. */
  listTargets(): Promise<readonly string[]>;
  readonly targetName: string | undefined;
  /** host:port that the initiator reached us at. */
  readonly portalAddress: string;
  /** Ends the connection once all that is written is sent. */
  finish(reason: string): void;
  /** Ends the connection at once. */
  drop(reason: string): void;
  /** Takes no further PDUs until `resume`. */
  suspend(): void;
  resume(): void;
  /** Resolves in a later turn, once the initiator has taken enough of what was sent. */
  room(): Promise<void>;
  /** TARGET COLD RESET: ends every session of the target. */
  endAllSessions(): void;
  warn(message: string, error?: unknown): void;
}

export interface SessionContext {
  readonly paths: ReadonlyMap<number, UnitPath>;
  readonly nexus: string;
  readonly responder: Responder;
  readonly tasks: Tasks;
  readonly parameters: SessionParameters;
  readonly host: SessionHost;
  /** A SCSI Response. @param moved bytes that the command moves, wanted or not. */
  respond(command: Command, status: number, moved: number, expDataSn?: number): void;
  /** Ends a command with whatever went wrong. */
  fail(command: Command, definition: CommandDefinition | undefined, error: unknown, expDataSn?: number): void;
  /** Remembers what a device does for this session until it is done. */
  track(work: Promise<unknown>): void;
  /** Takes `work` of a device for a command; `done` runs unless the command has ended meanwhile. */
  await<T>(task: Task, work: Promise<T>, done: (result: T) => void): void;
  reject(reason: number, reader: PduReader): void;
  /** Whether a request comes when it should, by its CmdSN; otherwise it is dropped. */
  inOrder(reader: PduReader): boolean;
}
