// The commands of one session that are not done, and the memory they hold.
import { type Command } from '../scsi/command.ts';
import { type CommandDefinition } from '../scsi/definition.ts';
import { ScsiFailure, scsiStatus } from '../scsi/status.ts';
import { type ByteBudget, Task } from './task.ts';

export class Tasks {
  readonly #byTag = new Map<number, Task>();
  readonly #budget: ByteBudget;
  readonly #sessionLimit: number;
  readonly #now: () => number;
  #bytes = 0;

  constructor(budget: ByteBudget, sessionLimit: number, now: () => number) {
    this.#budget = budget;
    this.#sessionLimit = sessionLimit;
    this.#now = now;
  }

  get size(): number {
    return this.#byTag.size;
  }

  get(tag: number): Task | undefined {
    return this.#byTag.get(tag);
  }

  all(): Task[] {
    return [...this.#byTag.values()];
  }

  /**
   * Keeps a command that cannot be answered within its PDU.
   * @throws {ScsiFailure} TASK SET FULL where the memory for it is not to be had.
   */
  add(command: Command, definition: CommandDefinition, bytes: number): Task {
    this.checkRoom(bytes);
    command.detach();
    const task = new Task(command, definition, bytes, this.#now());
    this.#byTag.set(command.initiatorTaskTag, task);
    command.path.unit.taskSet.join(task);
    this.#bytes += bytes;
    this.#budget.used += bytes;
    return task;
  }

  /** @throws {ScsiFailure} TASK SET FULL where so many bytes more are too many. */
  checkRoom(bytes: number): void {
    if (this.#bytes + bytes > this.#sessionLimit || this.#budget.used + bytes > this.#budget.limit) {
      throw new ScsiFailure(scsiStatus.taskSetFull);
    }
  }

  /** The wait for data is over, and the one for the device begins. */
  restart(task: Task): void {
    task.since = this.#now();
  }

  /** Takes the command out: it was answered, or never will be. */
  end(task: Task): void {
    if (task.ended) return;
    task.ended = true;
    this.#byTag.delete(task.command.initiatorTaskTag);
    task.command.path.unit.taskSet.leave(task);
    this.#bytes -= task.bytes;
    this.#budget.used -= task.bytes;
    if (task.settled !== undefined) {
      const { offset, length, path } = task.command;
      const ranged = length > 0;
      path.unit.orphan(ranged ? offset : 0, ranged ? offset + length : Infinity, task.settled);
    }
  }
}
