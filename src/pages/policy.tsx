// What this site admits and why: the rules in plain sentences, and a dry run on one image.
import { Layout, pageText } from './layout.tsx';
import { entryPath } from './links.ts';
import { Admission, Email, type Tone } from './parts.tsx';
import { type JudgementView, type KeyView, type SiteView } from './view.ts';

export interface PolicyProps {
  readonly site: SiteView;
  readonly rules: readonly { readonly rule: string; readonly sentence: string; readonly values?: readonly string[] }[];
  /** Why the file of the policy, as it is now, is not in force. */
  readonly problem?: string;
  /** The image of the dry run. */
  readonly identifier?: string;
  readonly verdicts?: readonly (KeyView & JudgementView)[];
}

/** Values of one rule that are shown; a list may have thousands. */
const mostValues = 50;

function Values({ values }: { values: readonly string[] }) {
  return (
    <ul class="values">
      {values.slice(0, mostValues).map((value, index) => (
        <li key={index}>
          <code>{value}</code>
        </li>
      ))}
      {values.length > mostValues ? <li>and {values.length - mostValues} more</li> : undefined}
    </ul>
  );
}

const verdictSigns: Readonly<
  Record<
    JudgementView['rules'][number]['verdict'],
    { readonly tone: Tone; readonly sign: string; readonly text: string }
  >
> = {
  'deny': { tone: 'bad', sign: '×', text: 'not admitted' },
  'allow': { tone: 'good', sign: '✓', text: 'admitted' },
  'not-applicable': { tone: 'quiet', sign: '–', text: 'does not apply' },
};

/** What speaks against it comes first. */
export function Verdicts({ rules }: Pick<JudgementView, 'rules'>) {
  const against = rules.filter(({ verdict }) => verdict === 'deny');
  const others = rules.filter(({ verdict }) => verdict !== 'deny');
  return (
    <ul class="steps rules">
      {[...against, ...others].map(({ rule, verdict, reason }) => {
        const { tone, sign, text } = verdictSigns[verdict];
        return (
          <li key={rule} class={tone}>
            <span class="sign" aria-hidden="true">
              {sign}
            </span>
            <span>
              {reason} <span class="unseen">{text}</span> <code class="outcome">{rule}</code>
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function DryRun({ identifier, verdicts }: Pick<PolicyProps, 'identifier' | 'verdicts'>) {
  return (
    <section class="panel" aria-labelledby="dry-run">
      <h2 id="dry-run">Would it be admitted?</h2>
      <form class="search" action="/policy" method="get">
        <label class="wide">
          <span>Identifier of an image</span>
          <input
            type="search"
            name="identifier"
            value={identifier ?? ''}
            maxLength={27}
            required
            autocomplete="off"
            spellcheck={false}
          />
        </label>
        <button type="submit">Judge it</button>
      </form>
      {verdicts?.length === 0 ? <p role="status">Nobody endorses such an image here.</p> : undefined}
      {verdicts?.map(({ admitted, rules, ...key }) => (
        <article key={key.email}>
          <h3>
            <a href={entryPath(key)}>
              <Email address={key.email} />
            </a>{' '}
            <Admission admitted={admitted} />
          </h3>
          <Verdicts rules={rules} />
        </article>
      ))}
    </section>
  );
}

export function policyPage({ site, rules, problem, identifier, verdicts }: PolicyProps): string {
  return pageText(
    <Layout site={site} title="Policy" section="policy">
      <div class="top">
        <h1>Policy of this site</h1>
        <p class="about">
          What may run here. Every entry is listed; only what every rule below lets pass is made into disks. What no
          rule speaks of is admitted. <a href="/metadata?admitted=true">Show only what is admitted</a>.
        </p>
        {problem === undefined ? undefined : (
          <div class="notice expired" role="note">
            <p>The policy was changed, but not rightly; the one before is in force: {problem}</p>
          </div>
        )}
      </div>
      <div class="panels">
        <section class="panel" aria-labelledby="rules">
          <h2 id="rules">Rules</h2>
          <ul class="rule-list">
            {rules.map(({ rule, sentence, values }) => (
              <li key={rule}>
                <p>{sentence}</p>
                {values === undefined ? undefined : <Values values={values} />}
              </li>
            ))}
          </ul>
        </section>
        <DryRun
          {...(identifier === undefined ? {} : { identifier })}
          {...(verdicts === undefined ? {} : { verdicts })}
        />
      </div>
    </Layout>,
  );
}
