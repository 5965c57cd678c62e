// Task management functions (RFC 7143 §11.5, §11.6; SAM-5 §7).
import { type UnitPath } from '../scsi/command.ts';
import { additionalSense } from '../scsi/status.ts';
import { lunOf } from '../wire/lun.ts';
import { taskManagement } from '../wire/pdu.ts';
import { type PduReader } from '../wire/pdu-reader.ts';
import { type SessionContext } from './context.ts';

const fn = {
  abortTask: 1,
  abortTaskSet: 2,
  clearAca: 3,
  clearTaskSet: 4,
  logicalUnitReset: 5,
  targetWarmReset: 6,
  targetColdReset: 7,
  taskReassign: 8,
} as const;

const response = {
  complete: 0,
  noSuchTask: 1,
  noSuchLun: 2,
  reassignNotSupported: 4,
  notSupported: 5,
} as const;

/** Ends what the function names and answers; commands that are aborted get no answer of their own. */
export function manageTasks(session: SessionContext, reader: PduReader): void {
  const request = taskManagement.read(reader.buffer, reader.at);
  const path = session.paths.get(lunOf(reader.buffer, reader.at));
  const answer = act(session, request.function, request.referencedTaskTag, path);
  session.responder.taskManagement(request.initiatorTaskTag, answer);
  if (request.function === fn.targetColdReset) session.host.endAllSessions();
}

function act(session: SessionContext, wanted: number, referenced: number, path: UnitPath | undefined): number {
  switch (wanted) {
    case fn.abortTask: {
      const task = session.tasks.get(referenced);
      if (task === undefined) return response.noSuchTask;
      session.tasks.end(task);
      return response.complete;
    }
    case fn.abortTaskSet:
      if (path === undefined) return response.noSuchLun;
      endTasksOf(session, path);
      return response.complete;
    case fn.clearTaskSet:
      if (path === undefined) return response.noSuchLun;
      // The task set is shared by all nexuses (TST 0): theirs end too, and they are told.
      path.unit.clearTaskSet(session.nexus);
      return response.complete;
    case fn.logicalUnitReset:
      if (path === undefined) return response.noSuchLun;
      path.unit.reset(additionalSense.busDeviceReset);
      return response.complete;
    case fn.targetWarmReset:
    case fn.targetColdReset:
      for (const each of session.paths.values()) each.unit.reset(additionalSense.busDeviceReset);
      return response.complete;
    case fn.taskReassign:
      return response.reassignNotSupported;
    case fn.clearAca:
    default:
      return response.notSupported;
  }
}

function endTasksOf(session: SessionContext, path: UnitPath): void {
  for (const task of session.tasks.all()) if (task.command.path.unit === path.unit) session.tasks.end(task);
}
