// The signature of an entry, explained: who signed, with which certificate, and what was checked, step by step.
import { Badge, Email, When, type Tone } from './parts.tsx';
import { type EntryView, type StepView } from './view.ts';

const outcomes: Readonly<
  Record<StepView['outcome'], { readonly text: string; readonly tone: Tone; readonly sign: string }>
> = {
  passed: { text: 'passed', tone: 'good', sign: '✓' },
  weak: { text: 'holds, but is weak', tone: 'warn', sign: '!' },
  warned: { text: 'does not hold; this site only reports it', tone: 'warn', sign: '!' },
  failed: { text: 'failed', tone: 'bad', sign: '×' },
  skipped: { text: 'not asked for', tone: 'quiet', sign: '–' },
};

/** A fingerprint in groups that can be compared by eye. */
export function Fingerprint({ hex }: { hex: string }) {
  const groups = hex.toUpperCase().match(/.{1,4}/gu) ?? [];
  return (
    <code class="fingerprint">
      {groups.map((group, index) => (
        <span key={index}>{group} </span>
      ))}
    </code>
  );
}

export function Steps({ steps }: { steps: readonly StepView[] }) {
  return (
    <ol class="steps">
      {steps.map(({ code, title, outcome }) => {
        const { text, tone, sign } = outcomes[outcome];
        return (
          <li key={code} class={tone}>
            <span class="sign" aria-hidden="true">
              {sign}
            </span>
            <span>
              {title} <span class={outcome === 'passed' ? 'unseen' : 'outcome'}>{text}</span>
            </span>
          </li>
        );
      })}
    </ol>
  );
}

export function Signature({ entry }: { entry: EntryView }) {
  const { signer, steps, weak, acceptedAt, sha256 } = entry;
  return (
    <section class="panel" aria-labelledby="signature">
      <h2 id="signature">Signature</h2>
      <p>
        Signed by <strong>{signer.email === undefined ? signer.subject : <Email address={signer.email} />}</strong> with{' '}
        {signer.algorithm}.{' '}
        {weak ? (
          <Badge tone="warn" title="It is accepted because this site allows the legacy profile">
            Weak by today’s standards
          </Badge>
        ) : undefined}{' '}
        The registry checked the document when it accepted it on <When time={acceptedAt} />:
      </p>
      <Steps steps={steps} />
      <details>
        <summary>The certificate</summary>
        <dl class="pairs">
          <dt>Subject</dt>
          <dd>{signer.subject}</dd>
          <dt>Issuer</dt>
          <dd>{signer.issuer}</dd>
          <dt>Key</dt>
          <dd>{signer.key}</dd>
          <dt>Valid</dt>
          <dd>
            <When time={signer.notBefore} /> to <When time={signer.notAfter} />
          </dd>
          <dt>Serial number</dt>
          <dd>
            <code>{signer.serialNumber}</code>
          </dd>
          <dt>SHA-256 fingerprint</dt>
          <dd>
            <Fingerprint hex={signer.fingerprint} />
          </dd>
          <dt>SHA-256 of the document</dt>
          <dd>
            <code>{sha256}</code>
          </dd>
        </dl>
      </details>
    </section>
  );
}
