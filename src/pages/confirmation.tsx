// The pages of a confirmation: what an endorser is asked, that an upload waits for it, and that it was declined.
import { Layout, pageText } from './layout.tsx';
import { Email, When } from './parts.tsx';
import { Fingerprint, Steps } from './signature.tsx';
import { Failures } from './upload.tsx';
import { type FailureView, type SignerView, type SiteView, type StepView } from './view.ts';

export interface ConfirmationProps {
  readonly site: SiteView;
  /** Secret of the link. */
  readonly token: string;
  readonly email: string;
  readonly expiresAt: string;
  readonly report: {
    readonly steps: readonly StepView[];
    readonly failures: readonly FailureView[];
    readonly signer?: SignerView;
    readonly metadata?: { readonly identifier: string; readonly title?: string; readonly deprecated?: string };
  };
}

function Choice(props: {
  readonly token: string;
  readonly decision: 'confirm' | 'decline';
  readonly children: string;
}) {
  return (
    <form action="/confirmations" method="post">
      <input type="hidden" name="token" value={props.token} />
      <input type="hidden" name="decision" value={props.decision} />
      <button type="submit" {...(props.decision === 'decline' ? { class: 'quiet' } : {})}>
        {props.children}
      </button>
    </form>
  );
}

export function confirmationPage({ site, token, email, expiresAt, report }: ConfirmationProps): string {
  const { metadata, signer, failures, steps } = report;
  return pageText(
    <Layout site={site} title="Confirm an endorsement" section="none">
      <div class="top narrow">
        <h1>Is this endorsement yours?</h1>
        <p class="about">
          A document was uploaded that endorses an image in the name of <Email address={email} />. It is published once
          you say that it is yours; <When time={expiresAt} /> is the last day for that.
        </p>
      </div>
      <div class="narrow">
        <section class="panel" aria-labelledby="document">
          <h2 id="document">The document</h2>
          <dl class="pairs">
            {metadata?.title === undefined ? undefined : (
              <div>
                <dt>Title</dt>
                <dd>{metadata.title}</dd>
              </div>
            )}
            {metadata === undefined ? undefined : (
              <div>
                <dt>Image</dt>
                <dd>
                  <code>{metadata.identifier}</code>
                </dd>
              </div>
            )}
            {metadata?.deprecated === undefined ? undefined : (
              <div>
                <dt>Advises against it</dt>
                <dd>{metadata.deprecated}</dd>
              </div>
            )}
            {signer === undefined ? undefined : (
              <>
                <div>
                  <dt>Certificate</dt>
                  <dd>{signer.subject}</dd>
                </div>
                <div>
                  <dt>SHA-256 fingerprint</dt>
                  <dd>
                    <Fingerprint hex={signer.fingerprint} />
                  </dd>
                </div>
              </>
            )}
          </dl>
          {failures.length === 0 ? undefined : <Failures failures={failures} />}
          <Steps steps={steps} />
        </section>
        <div class="choices">
          <Choice token={token} decision="confirm">
            It is mine: publish it
          </Choice>
          <Choice token={token} decision="decline">
            It is not mine: refuse it
          </Choice>
        </div>
      </div>
    </Layout>,
  );
}

export function waitingPage(props: {
  readonly site: SiteView;
  readonly email: string;
  readonly expiresAt: string;
}): string {
  return pageText(
    <Layout site={props.site} title="Waiting for a confirmation" section="upload">
      <div class="top narrow">
        <h1>Waiting for a confirmation</h1>
        <p class="about">
          The document is right, and kept. It is published when <Email address={props.email} /> confirms it: open the
          link that is being mailed there, until <When time={props.expiresAt} />.
        </p>
        <p>
          Nothing has come? Look among the mails that were sorted out as unwanted. From an hour later on, uploading the
          same document again sends another mail.
        </p>
        <p>
          <a href="/metadata">To the list of images</a>
        </p>
      </div>
    </Layout>,
  );
}

export function declinedPage(site: SiteView): string {
  return pageText(
    <Layout site={site} title="Refused" section="none">
      <div class="top narrow">
        <h1>The document is refused</h1>
        <p class="about">
          It is not published, and not kept. If somebody else can sign with your certificate, have it revoked, and take
          your endorsements back with <code>mintmark metadata revoke</code>.
        </p>
        <p>
          <a href="/metadata">To the list of images</a>
        </p>
      </div>
    </Layout>,
  );
}
