// The log of decisions: its size and root, its key, and what was decided, newest first.
import { Layout, pageText } from './layout.tsx';
import { entryPath } from './links.ts';
import { Badge, Email, numberText, When } from './parts.tsx';
import { type SiteView } from './view.ts';

const kinds = {
  accepted: { tone: 'good', published: true },
  deprecated: { tone: 'warn', published: true },
  revoked: { tone: 'warn', published: true },
  confirmed: { tone: 'good', published: false },
  refused: { tone: 'bad', published: false },
} as const;

export interface DecisionView {
  /** Index of the leaf, from 0. */
  readonly seq: number;
  readonly decision: {
    readonly at: string;
    readonly decision: keyof typeof kinds;
    readonly sha256: string;
    readonly identifier?: string;
    readonly email?: string;
    readonly created?: string;
    readonly reasons?: readonly string[];
  };
}

export interface LogProps {
  readonly site: SiteView;
  /** `name+hash+key`. */
  readonly verifier: string;
  /** The signed checkpoint. */
  readonly checkpoint: string;
  /** Newest first. */
  readonly decisions: readonly DecisionView[];
}

function Decision({ seq, decision }: DecisionView) {
  const { at, sha256, identifier, email, created, reasons = [] } = decision;
  const key =
    identifier === undefined || email === undefined || created === undefined
      ? undefined
      : { identifier, email, created };
  const { tone, published } = kinds[decision.decision];
  return (
    <li>
      <span class="count">{numberText(seq)}</span>
      <When time={at} />
      <Badge tone={tone}>{decision.decision}</Badge>
      <span class="what">
        {key === undefined ? (
          <code title={sha256}>{sha256.slice(0, 16)}…</code>
        ) : published ? (
          <a href={entryPath(key)}>{identifier}</a>
        ) : (
          <span>{identifier}</span>
        )}
        {email === undefined ? undefined : (
          <span>
            <Email address={email} />
          </span>
        )}
        {reasons.length === 0 ? undefined : <span class="outcome">{reasons.join(', ')}</span>}
      </span>
    </li>
  );
}

export function logPage({ site, verifier, checkpoint, decisions }: LogProps): string {
  const last = decisions.at(-1);
  const older = last === undefined || last.seq === 0 ? undefined : last.seq;
  return pageText(
    <Layout site={site} title="Log" section="log">
      <div class="top">
        <h1>Log of decisions</h1>
        <p class="about">
          Everything that was accepted or refused here, in a log that can only grow: whoever keeps a checkpoint can
          prove that nothing before it was taken out or changed.
        </p>
      </div>
      <div class="panels log">
        <section class="panel" aria-labelledby="decisions">
          <h2 id="decisions">Decisions</h2>
          {decisions.length === 0 ? (
            <p>Nothing has been decided yet.</p>
          ) : (
            <ul class="rows decisions">
              {decisions.map((decision) => (
                <Decision key={decision.seq} {...decision} />
              ))}
            </ul>
          )}
          {older === undefined ? undefined : <a href={`/log?before=${older}`}>Older decisions</a>}
        </section>
        <section class="panel" aria-labelledby="checkpoint">
          <h2 id="checkpoint">Checkpoint</h2>
          <p>Origin, number of decisions, and root, signed by the log:</p>
          <pre class="commands" tabIndex={0} aria-label="Checkpoint">
            <code>{checkpoint}</code>
          </pre>
          <p>The key to check it with:</p>
          <pre class="commands" tabIndex={0} aria-label="Key of the log">
            <code>{verifier}</code>
          </pre>
          <p>
            <a href="/log/checkpoint">Checkpoint as text</a>
          </p>
        </section>
      </div>
    </Layout>,
  );
}
