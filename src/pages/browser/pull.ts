// Shows how far the pull of the image on this page is, as it happens.

interface PullEvent {
  readonly identifier: string;
  readonly state: string;
  readonly provenBytes: number;
  readonly signedBytes: number;
  readonly bytesPerSecond: number;
  /** The image is here, and has lost something. */
  readonly repairs?: boolean;
  readonly phase: string;
  readonly chunks?: number;
  readonly ofChunks?: number;
}

const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

function repairTextOf({ state, phase, chunks = 0, ofChunks = 0 }: PullEvent): string {
  if (state === 'queued') return 'Waits to be repaired.';
  if (state === 'done') return 'It was read whole, or what it had lost is back.';
  if (state === 'cancelled') return 'The repair was cancelled.';
  if (state !== 'running') return 'The repair failed; load the page again for the reason.';
  const counted = ofChunks === 0 ? '' : `, ${chunks} of ${ofChunks} chunks`;
  return phase === 'checking' ? `It is being read${counted}.` : `What it has lost is being brought back${counted}.`;
}

function textOf(pull: PullEvent): string {
  const { state, provenBytes, signedBytes, bytesPerSecond, repairs = false } = pull;
  if (repairs) return repairTextOf(pull);
  if (state === 'queued') return 'Waits to be fetched.';
  if (state === 'running')
    return `${mebibytes(provenBytes)} of ${mebibytes(signedBytes)} proven, ${mebibytes(bytesPerSecond)}/s.`;
  if (state === 'done') return 'It is here, and every checksum is verified.';
  return state === 'cancelled' ? 'The pull was cancelled.' : 'The attempt failed; load the page again for the reason.';
}

const ended = new Set(['done', 'failed', 'cancelled']);
const panel = document.querySelector<HTMLElement>('[data-pull]');
const cancel = panel?.querySelector<HTMLFormElement>('[data-pull-form=cancel]');
const text = panel?.querySelector<HTMLElement>('[data-pull-text]');
const bar = panel?.querySelector<HTMLProgressElement>('[data-pull-bar]');
if (panel && text && bar) {
  const events = new EventSource('/events');
  events.addEventListener('pull', ({ data }: MessageEvent<string>) => {
    const pull = JSON.parse(data) as PullEvent;
    if (pull.identifier !== panel.dataset['pull']) return;
    text.textContent = textOf(pull);
    bar.hidden = pull.state !== 'running' || pull.repairs === true;
    if (cancel) cancel.hidden = ended.has(pull.state);
    bar.max = Math.max(1, pull.signedBytes);
    bar.value = pull.provenBytes;
  });
}
