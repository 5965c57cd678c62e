// Uploading a signed document by hand, with the verdict of every rule.
import { Layout, pageText } from './layout.tsx';
import { Commands } from './parts.tsx';
import { Steps } from './signature.tsx';
import { type FailureView, type SiteView, type StepView } from './view.ts';

export interface UploadProps {
  readonly site: SiteView;
  /** What became of a document that was just sent, and was not taken. */
  readonly refused?: {
    readonly title: string;
    readonly detail: string;
    readonly failures: readonly FailureView[];
    readonly steps?: readonly StepView[];
  };
}

export function Failures({ failures }: { failures: readonly FailureView[] }) {
  return (
    <ul class="failures">
      {failures.map(({ code, element, line, message }, index) => (
        <li key={index}>
          <p>{message}</p>
          <p class="where">
            <code>{code}</code>
            {element === undefined ? undefined : <code>{`<${element}>`}</code>}
            {line === undefined ? undefined : <span>line {line}</span>}
          </p>
        </li>
      ))}
    </ul>
  );
}

export function uploadPage({ site, refused }: UploadProps): string {
  return pageText(
    <Layout site={site} title="Upload" section="upload" scripts={['upload.js']}>
      <div class="top narrow">
        <h1>Upload an entry</h1>
        <p class="about">
          No account is needed: your signature is the proof. Send the metadata document that you have signed; it is
          checked at once, and either published or refused with every reason.
        </p>
      </div>
      <div class="narrow">
        {refused === undefined ? undefined : (
          <section class="notice deprecated" role="alert" aria-labelledby="refused">
            <h2 id="refused">{refused.title}</h2>
            <p>{refused.detail}</p>
            <Failures failures={refused.failures} />
            {refused.steps === undefined ? undefined : <Steps steps={refused.steps} />}
          </section>
        )}
        <form class="upload" action="/metadata" method="post" encType="multipart/form-data" data-upload>
          <label class="drop" for="document">
            <span class="drop-title">The signed document</span>
            <span class="drop-hint">Choose a file, or drop it here. XML, up to 1 MiB.</span>
            <input id="document" type="file" name="document" accept=".xml,application/xml,text/xml" required />
          </label>
          <button type="submit">Check and publish</button>
          <div class="verdict" role="status" aria-live="polite" data-verdict />
        </form>
        <section class="panel" aria-labelledby="terminal">
          <h2 id="terminal">From a terminal</h2>
          <Commands label="Commands that make, sign and upload an entry">
            {`mintmark metadata build image.qcow2 --title 'My image' -o metadata.xml
mintmark metadata sign metadata.xml --p12 me.p12
mintmark metadata upload metadata.xml`}
          </Commands>
        </section>
      </div>
    </Layout>,
  );
}
