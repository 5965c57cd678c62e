// Holds a command back until its turn among the commands of its disk has come (SAM-5 §8).
import { ScsiFailure, scsiStatus } from '../scsi/status.ts';
import { type Task } from './task.ts';

/** What `work` answers, once it was the turn of the task. Rejects where the task has ended meanwhile. */
export async function inTurn<T>(task: Task, work: () => T | Promise<T>): Promise<T> {
  await task.command.path.unit.taskSet.turn(task);
  if (task.ended) throw new ScsiFailure(scsiStatus.taskAborted);
  return await work();
}
