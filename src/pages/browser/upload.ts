// Upload by drag and drop: a chosen document is checked at once, and the verdict of every rule is shown before it is sent.

interface Verdict {
  readonly accepted: boolean;
  readonly title: string;
  readonly steps: readonly { readonly title: string; readonly outcome: string }[];
  readonly failures: readonly { readonly code: string; readonly message: string; readonly line?: number }[];
}

const tones: Readonly<Record<string, readonly [tone: string, sign: string]>> = {
  passed: ['good', '✓'],
  weak: ['warn', '!'],
  warned: ['warn', '!'],
  failed: ['bad', '×'],
  skipped: ['quiet', '–'],
};

/** An element with text: text is never read as markup. */
function element(name: string, className: string, ...inside: readonly (string | Node)[]): HTMLElement {
  const made = document.createElement(name);
  made.className = className;
  made.append(...inside);
  return made;
}

function verdictNodes({ title, steps, failures }: Verdict): readonly Node[] {
  const rows = steps.map(({ title: step, outcome }) => {
    const [tone, sign] = tones[outcome] ?? ['quiet', '–'];
    const mark = element('span', 'sign', sign);
    mark.ariaHidden = 'true';
    return element(
      'li',
      tone,
      mark,
      element(
        'span',
        '',
        `${step} `,
        element('span', outcome === 'passed' ? 'unseen' : 'outcome', outcome === 'skipped' ? 'not asked for' : outcome),
      ),
    );
  });
  const wrong = failures.map(({ code, message, line }) =>
    element(
      'li',
      '',
      element('p', '', message),
      element('p', 'where', element('code', '', code), line === undefined ? '' : `line ${line}`),
    ),
  );
  return [element('h2', '', title), element('ul', 'failures', ...wrong), element('ol', 'steps', ...rows)];
}

function enhance(place: HTMLElement, input: HTMLInputElement, drop: HTMLElement): void {
  const check = async (file: File): Promise<void> => {
    place.className = 'verdict';
    place.replaceChildren(element('p', '', 'Checking …'));
    try {
      const answer = await fetch('/metadata/check', {
        method: 'POST',
        headers: { 'content-type': 'application/xml', 'accept': 'application/json' },
        body: file,
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const verdict = (await answer.json()) as Verdict;
      place.className = `verdict notice ${verdict.accepted ? 'accepted' : 'deprecated'}`;
      place.replaceChildren(...verdictNodes(verdict));
    } catch {
      // Checked when it is sent, as without this script.
      place.replaceChildren(element('p', '', `${file.name} is ready to be sent.`));
    }
  };
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    if (file !== undefined) void check(file);
  });
  for (const name of ['dragenter', 'dragover'] as const) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add('over');
    });
  }
  for (const name of ['dragleave', 'drop'] as const) {
    drop.addEventListener(name, () => drop.classList.remove('over'));
  }
  drop.addEventListener('drop', (event) => {
    event.preventDefault();
    const [file] = event.dataTransfer?.files ?? [];
    if (file === undefined || event.dataTransfer === null) return;
    input.files = event.dataTransfer.files;
    void check(file);
  });
}

const form = document.querySelector<HTMLFormElement>('form[data-upload]');
const place = form?.querySelector<HTMLElement>('[data-verdict]');
const input = form?.querySelector<HTMLInputElement>('input[type=file]');
const drop = form?.querySelector<HTMLElement>('.drop');
if (place && input && drop) enhance(place, input, drop);
