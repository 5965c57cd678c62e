// Keeps what a page tells of jobs up to date: figures come with each event; where a job begins or ends, that part of the page is loaded again.

interface JobEvent {
  readonly id: number;
  readonly kind: string;
  readonly key: string;
  readonly state: string;
  readonly shown: { readonly text: string; readonly done?: number; readonly of?: number };
}

/** Jobs that have not ended. */
const active = ['queued', 'running', 'retrying'].map((state) => `[data-job-state="${state}"]`).join();

/** Milliseconds from one reload of the parts to the next. */
const pause = 400;

/** Job and state of what was loaded for already, so that a job that a list leaves out is no reason to load it again and again. */
const known = new Set<string>();

/** The element that tells of the job, as it is now on the page. */
function elementOf(event: JobEvent): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[data-job="${event.id}"]`);
}

function showProgress(element: HTMLElement, { text, done, of }: JobEvent['shown']): void {
  const sentence = element.querySelector<HTMLElement>('[data-job-text]');
  const bar = element.querySelector<HTMLProgressElement>('[data-job-bar]');
  if (sentence !== null && sentence.textContent !== text) sentence.textContent = text;
  if (bar === null) return;
  bar.hidden = done === undefined || of === undefined;
  bar.max = Math.max(1, of ?? 1);
  bar.value = done ?? 0;
}

/** Whether some part of the page would tell of this job, were it loaded again. */
function concerns({ kind, key }: JobEvent): boolean {
  return [...document.querySelectorAll<HTMLElement>('[data-live]')].some(
    ({ dataset }) =>
      dataset['jobKey'] === `${kind} ${key}` || dataset['jobKind'] === kind || dataset['jobKind'] === '*',
  );
}

/** Somebody is typing there: it is loaded when they have left. */
const isBeingFilledIn = (part: Element): boolean =>
  document.activeElement instanceof HTMLInputElement && part.contains(document.activeElement);

/** Puts a loaded part in the place of an old one; the focus stays in it. */
function replacePart(part: HTMLElement, next: HTMLElement): void {
  const held = part.contains(document.activeElement) ? document.activeElement : null;
  part.replaceWith(next);
  if (held === null) return;
  const twin = [...next.querySelectorAll<HTMLElement>(held.localName)].find(
    ({ textContent }) => textContent === held.textContent,
  );
  if (twin === undefined) next.tabIndex = -1;
  (twin ?? next).focus();
}

async function loadParts(): Promise<void> {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!answer.ok || answer.redirected) return;
  const loaded = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll<HTMLElement>('[data-live]')) {
    const next = loaded.getElementById(part.id);
    if (next === null) continue;
    if (isBeingFilledIn(part)) part.addEventListener('focusout', reload, { once: true });
    else replacePart(part, next);
  }
}

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

let loading = false;
let again = false;
async function load(): Promise<void> {
  again = true;
  if (loading) return;
  loading = true;
  while (again) {
    await wait(pause);
    again = false;
    // The next event, or the reader, loads it again where this cannot.
    await loadParts().catch(() => undefined);
  }
  loading = false;
}

function reload(): void {
  void load();
}

/** Changes of state are read out; figures that change five times a second are not. */
const teller = document.createElement('p');
teller.className = 'unseen';
teller.role = 'status';

function hear(event: JobEvent): void {
  const element = elementOf(event);
  if (element?.dataset['jobState'] === event.state) {
    showProgress(element, event.shown);
    return;
  }
  if (element === null) {
    const change = `${event.id} ${event.state}`;
    if (known.has(change) || !concerns(event)) return;
    known.add(change);
  }
  teller.textContent = event.shown.text;
  reload();
}

if (document.querySelector('[data-live]') !== null) {
  document.body.append(teller);
  const events = new EventSource('/events');
  events.addEventListener('job', ({ data }: MessageEvent<string>) => hear(JSON.parse(data) as JobEvent));
  // What happened between the making of the page and the connection, or while that was broken, was not heard.
  let broken = false;
  events.addEventListener('error', () => {
    broken = true;
  });
  events.addEventListener('open', () => {
    if (broken || document.querySelector(active) !== null) reload();
    broken = false;
  });
}
