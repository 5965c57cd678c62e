// How far a job is, as pages and events tell it: one sentence, and the share that is done where it can be told.
import { sizeText } from './parts.tsx';

export interface ProgressView {
  readonly text: string;
  /** `done` of `of`, in any unit; both or neither. */
  readonly done?: number;
  readonly of?: number;
}

export interface ProgressingJob {
  readonly kind: string;
  readonly state: string;
  readonly cancelling?: boolean;
  /** A pull of an image that is here. */
  readonly repairs?: boolean;
  readonly progress?: Readonly<Record<string, unknown>> | undefined;
}

function numberOf(progress: ProgressingJob['progress'], name: string): number {
  const value = progress?.[name];
  return typeof value === 'number' ? value : 0;
}

/** Seconds for people: 40 s, 3 min, 2 h 5 min. */
export function durationText(seconds: number): string {
  if (seconds < 1) return 'under 1 s';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest === 0 ? '' : ` ${rest} min`}`;
}

function pullProgress(progress: ProgressingJob['progress']): ProgressView {
  const [done, of] = [numberOf(progress, 'provenBytes'), numberOf(progress, 'signedBytes')];
  const phase = progress?.['phase'];
  if (phase === 'converting') return { text: 'Every byte is proven; it is made into a raw disk.', done: of, of };
  if (phase === 'storing') return { text: 'Every byte is proven; it is stored.', done: of, of };
  if (phase !== 'fetching' || of === 0) return { text: 'Is about to be fetched.' };
  // What is proven grows by large blocks, and a slow location would seem to stand still: the share is that of what was fetched, where it is known.
  const [fetched, total] = [numberOf(progress, 'fetchedBytes'), numberOf(progress, 'totalBytes')];
  const left = numberOf(progress, 'secondsLeft');
  const rate = `${sizeText(numberOf(progress, 'bytesPerSecond'))}/s${left === 0 ? '' : `, ${durationText(left)} left`}`;
  if (total === 0)
    return { text: `${sizeText(fetched)} fetched, ${sizeText(done)} of ${sizeText(of)} proven, ${rate}.`, done, of };
  const text = `${sizeText(fetched)} of ${sizeText(total)} fetched, ${sizeText(done)} proven, ${rate}.`;
  return { text, done: fetched, of: total };
}

function repairProgress(progress: ProgressingJob['progress']): ProgressView {
  const [done, of] = [numberOf(progress, 'chunks'), numberOf(progress, 'ofChunks')];
  // Once all is read, what comes next has not told of itself yet.
  const reads = progress?.['phase'] === 'checking' && done < of;
  const doing = reads ? 'It is being read' : 'What it has lost is being brought back';
  return of === 0 || done === of ? { text: `${doing}.` } : { text: `${doing}, ${done} of ${of} chunks.`, done, of };
}

/** What counts steps of a phase. */
function stepProgress(progress: ProgressingJob['progress'], doing: string): ProgressView {
  const [done, of] = [numberOf(progress, 'done'), numberOf(progress, 'of')];
  return of === 0 ? { text: `${doing}.` } : { text: `${doing}, ${done} of ${of}.`, done, of };
}

function scrubProgress(progress: ProgressingJob['progress']): ProgressView {
  if (progress?.['phase'] === 'repairing') return stepProgress(progress, 'Images are repaired');
  const [done, of] = [numberOf(progress, 'packs'), numberOf(progress, 'ofPacks')];
  if (of === 0) return { text: 'Is about to begin.' };
  return { text: `${done} of ${of} packs read back, ${sizeText(numberOf(progress, 'bytes'))}.`, done, of };
}

const collecting: Readonly<Record<string, string>> = {
  marking: 'Looks for what is in use',
  removing: 'Removes packs',
  copying: 'Copies what is left of packs together',
};

function probeProgress(progress: ProgressingJob['progress']): ProgressView {
  const [locations, bad] = [numberOf(progress, 'locations'), numberOf(progress, 'bad')];
  return { text: `${locations} locations asked; ${bad === 0 ? 'all' : `all but ${bad}`} serve what was signed.` };
}

function runningProgress({ kind, repairs = false, progress }: ProgressingJob): ProgressView {
  switch (kind) {
    case 'pull':
      return repairs ? repairProgress(progress) : pullProgress(progress);
    case 'scrub':
      return scrubProgress(progress);
    case 'collection':
      return stepProgress(progress, collecting[String(progress?.['phase'])] ?? 'Is about to begin');
    case 'eviction':
      return stepProgress(progress, 'Takes images out');
    case 'probe':
      return progress === undefined ? { text: 'Is about to begin.' } : probeProgress(progress);
    default:
      return { text: 'Is at work.' };
  }
}

const texts: Readonly<Record<string, string>> = {
  queued: 'Waits for its turn.',
  retrying: 'Is tried again by itself.',
  done: 'Has ended well.',
  failed: 'Has failed.',
  cancelled: 'Was cancelled.',
};

export function progressOf(job: ProgressingJob): ProgressView {
  if (job.cancelling === true && job.state === 'running') return { text: 'Is being cancelled.' };
  return job.state === 'running' ? runningProgress(job) : { text: texts[job.state] ?? job.state };
}
