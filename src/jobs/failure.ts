// Failures of jobs, as they are kept and as they are thrown to those who wait.
import { Fault } from '../errors/fault.ts';
import { faults, type FaultCode } from '../errors/table.ts';
import { type Job, type JobFailure } from './model.ts';

/** What is kept of an error; of one that nobody foresaw only its message. */
export function failureOf(error: unknown): JobFailure {
  const fault =
    error instanceof Fault
      ? error
      : new Fault('internal', error instanceof Error ? error.message : String(error), { cause: error });
  const { code, message, action, details } = fault;
  return { code, message, action, details };
}

const isFaultCode = (code: string): code is FaultCode => Object.hasOwn(faults, code);

/** The failure as those who asked for the job have to be told, with the number of the job in `details`. */
export function faultOf({ code, message, action, details }: JobFailure, job: Pick<Job, 'id'>): Fault {
  return new Fault(isFaultCode(code) ? code : 'internal', message, { action, details: { ...details, job: job.id } });
}
