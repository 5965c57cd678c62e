// How a SCSI command is described: one entry of the command table.
import { type Command } from './command.ts';

/**
 * What other initiators' reservations say to a command (SPC-4 §5.12.1 table 65, SBC-3 §4.17).
 * `free`: always allowed. `query`: refused under RESERVE(6) only. `read`, `write`: as the reservation's type says.
 * `state`: refused by any reservation. The rest of the rules is in reservations.ts.
 */
export type Access = 'free' | 'query' | 'read' | 'write' | 'state';

interface Definition {
  readonly name: string;
  readonly opcode: number;
  /** Bits 4..0 of byte 1, where commands share the opcode. */
  readonly serviceAction?: number;
  /** CDB USAGE DATA of REPORT SUPPORTED OPERATION CODES (SPC-4 §6.35.3): a bit is set where it is looked at. */
  readonly usage: readonly number[];
  readonly access: Access;
  /** Changes the medium: refused on a write-protected unit. */
  readonly writes?: true;
  /** May take its time: never answered BUSY. */
  readonly takesLong?: true;
  /** Served while a sanitize runs (SBC-3 §4.11.3) and while the unit is stopped. */
  readonly whileNotReady?: true;
}

export type CommandDefinition =
  | (Definition & {
      readonly kind: 'none';
      run(command: Command): undefined | Promise<void>;
    })
  | (Definition & {
      /** Answers with data, cut to the allocation length by `run` itself. */
      readonly kind: 'in';
      run(command: Command): Buffer | Promise<Buffer>;
    })
  | (Definition & {
      /** Answers with the blocks that `locate` finds in the CDB. */
      readonly kind: 'read';
      locate(command: Command): void;
    })
  | (Definition & {
      /** Takes `expect` bytes from the initiator first; fewer come where the initiator announces fewer. */
      readonly kind: 'out';
      expect(command: Command): number;
      /** Needs `data` no longer than `run` takes to return, even where it returns a promise; others get a copy. */
      readonly borrows?: true;
      run(command: Command, data: Buffer): undefined | Promise<void>;
    });

/** CDB USAGE DATA from the opcode and the masks of the bytes after it. */
export function usage(opcode: number, ...masks: readonly number[]): readonly number[] {
  return [opcode, ...masks];
}

/** Masks for whole fields. */
export const whole2 = [0xff, 0xff] as const;
export const whole4 = [0xff, 0xff, 0xff, 0xff] as const;
export const whole8 = [...whole4, ...whole4] as const;
