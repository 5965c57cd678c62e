// Search as you type: takes the list from the same page that the form would load, and puts its parts in place.

/** Milliseconds without a key before the list is asked for. */
const pause = 180;

function partsOf(page: Document): Readonly<Record<'results' | 'tabs' | 'chips', Element | null>> {
  return {
    results: page.querySelector('#results'),
    tabs: page.querySelector('.tabs'),
    chips: page.querySelector('.chips'),
  };
}

/** Puts the parts of a loaded page in place, and tells the count to those who listen. */
function show(loaded: Document): void {
  const now = partsOf(document);
  const next = partsOf(loaded);
  const count = loaded.querySelector('#found')?.textContent ?? '';
  const found = document.querySelector('#found');
  if (now.results === null || next.results === null || found === null) return;
  // The heading stays the same element: a screen reader speaks when its text changes.
  next.results.querySelector('#found')?.replaceWith(found);
  now.results.replaceWith(next.results);
  found.textContent = count;
  if (next.tabs !== null) now.tabs?.replaceWith(next.tabs);
  now.chips?.remove();
  if (next.chips !== null) document.querySelector('.tabs')?.after(next.chips);
}

function addressOf(form: HTMLFormElement): URL {
  const address = new URL(form.action);
  for (const [name, value] of new FormData(form)) {
    if (typeof value === 'string' && value !== '') address.searchParams.append(name, value);
  }
  return address;
}

function searchAsYouType(form: HTMLFormElement): void {
  let running: AbortController | undefined;
  let timer: number | undefined;
  const load = async (): Promise<void> => {
    running?.abort();
    running = new AbortController();
    const address = addressOf(form);
    try {
      const answer = await fetch(address, { headers: { accept: 'text/html' }, signal: running.signal });
      if (!answer.ok) return;
      show(new DOMParser().parseFromString(await answer.text(), 'text/html'));
      history.replaceState(null, '', address);
    } catch {
      // Given up for a newer search, or the network is gone: the form still works by itself.
    }
  };
  form.addEventListener('input', (event) => {
    clearTimeout(timer);
    const typed = event.target instanceof HTMLInputElement;
    timer = setTimeout(() => void load(), typed ? pause : 0);
  });
}

const form = document.querySelector<HTMLFormElement>('form[data-search]');
if (form !== null) searchAsYouType(form);
