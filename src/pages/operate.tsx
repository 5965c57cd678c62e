// What the pages of operators share: the tabs above them, the forms by which something is done, what came of it, live progress.
import { type ComponentChildren } from 'preact';
import { type Tone } from './parts.tsx';
import { type ProgressView } from './progress.ts';
import { type NoticeView, type OperatorView } from './view.ts';

const tabs = [
  ['images', '/cache', 'Images'],
  ['usage', '/cache/usage', 'Upkeep'],
  ['jobs', '/jobs', 'Jobs'],
] as const;

export type OperatorTab = (typeof tabs)[number][0];

/** The pages of operators, and the way out. */
export function OperatorTabs({ operator, current }: { operator: OperatorView; current?: OperatorTab }) {
  return (
    <div class="tabs-row">
      <nav class="tabs" aria-label="Cache">
        {tabs.map(([name, href, text]) => (
          <a key={name} href={href} {...(name === current ? { 'aria-current': 'page' as const } : {})}>
            {text}
          </a>
        ))}
      </nav>
      <form class="leave" action="/logout" method="post">
        <FormToken operator={operator} />
        <button type="submit" class="plain">
          Sign out
        </button>
      </form>
    </div>
  );
}

/** Says that a form came from a page of this session: what another site makes a browser send has none. */
export function FormToken({ operator }: { operator: OperatorView }) {
  return <input type="hidden" name="form" value={operator.formToken} />;
}

/** One thing that is done to the cache. Fields that people fill in, and the buttons, are its children. */
export function CacheForm(props: {
  readonly operator: OperatorView;
  readonly action: string;
  readonly identifiers?: readonly string[];
  readonly children: ComponentChildren;
}) {
  const { operator, action, identifiers = [], children } = props;
  return (
    <form class="do" action="/cache" method="post">
      <FormToken operator={operator} />
      <input type="hidden" name="action" value={action} />
      {identifiers.map((identifier) => (
        <input key={identifier} type="hidden" name="identifier" value={identifier} />
      ))}
      {children}
    </form>
  );
}

/** The second button of a form: what would be done. */
export function DryRunButton({ children = 'Only say what would happen' }: { children?: string }) {
  return (
    <button type="submit" class="quiet" name="dryRun" value="true">
      {children}
    </button>
  );
}

/** What came of a form that was sent. */
export function Notice({ notice, children }: { notice: NoticeView; children?: ComponentChildren }) {
  return (
    <section
      class={`notice ${notice.tone}`}
      role={notice.tone === 'bad' ? 'alert' : 'status'}
      aria-labelledby="outcome"
    >
      <h2 id="outcome">{notice.title}</h2>
      {notice.lines.map((line, index) => (
        <p key={index}>{line}</p>
      ))}
      {children}
    </section>
  );
}

export const stateTones: Readonly<Record<string, Tone>> = {
  queued: 'quiet',
  running: 'busy',
  retrying: 'warn',
  done: 'good',
  failed: 'bad',
  cancelled: 'quiet',
};

/** A sentence and a bar that a script keeps up to date, for the job of the element that it is in. */
export function Progress({ progress: { text, done, of }, label }: { progress: ProgressView; label: string }) {
  return (
    <div class="progress">
      <p data-job-text>{text}</p>
      <progress
        data-job-bar
        aria-label={label}
        max={of === undefined || of === 0 ? 1 : of}
        value={done ?? 0}
        hidden={done === undefined}
      />
    </div>
  );
}
