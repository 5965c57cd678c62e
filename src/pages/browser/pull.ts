// Shows how far the pull of the image on this page is, as it happens.

interface PullEvent {
  readonly identifier: string;
  readonly state: string;
  readonly provenBytes: number;
  readonly signedBytes: number;
  readonly bytesPerSecond: number;
}

const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(1)} MiB`;

function textOf({ state, provenBytes, signedBytes, bytesPerSecond }: PullEvent): string {
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
    bar.hidden = pull.state !== 'running';
    if (cancel) cancel.hidden = ended.has(pull.state);
    bar.max = Math.max(1, pull.signedBytes);
    bar.value = pull.provenBytes;
  });
}
