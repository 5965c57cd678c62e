// One entry in a list: what it is, who vouches for it, and how it stands.
import { endorserPath, entryPath } from './links.ts';
import { Admission, Badge, Email, sizeText, Standing, When } from './parts.tsx';
import { type EntryView } from './view.ts';

export function titleOf({ metadata }: Pick<EntryView, 'metadata'>): string {
  return metadata.title ?? metadata.identifier;
}

/** The operating system with its version. */
export function systemOf({ metadata: { os, osVersion } }: Pick<EntryView, 'metadata'>): string | undefined {
  return os === undefined ? osVersion : [os, osVersion ?? ''].join(' ').trim();
}

/** Operating system, architecture, format and size, as far as they are stated. */
export function summaryOf(entry: Pick<EntryView, 'metadata'>): readonly string[] {
  const { osArch, format, compression, bytes } = entry.metadata;
  const file = [format, compression].filter((part) => part !== undefined).join('.');
  return [systemOf(entry) ?? '', osArch ?? '', file, sizeText(bytes)].filter((part) => part !== '');
}

/** `of`: the endorser whose page it is on, and who need not be named again. */
export function Card({ entry, of }: { entry: EntryView; of?: string }) {
  const { metadata, key, standing, weak, admitted } = entry;
  // Nobody is to take an entry that is out of use for a good one, nor to be told twice that it is not.
  const saysMore = admitted !== undefined && (admitted ? standing !== 'replaced' : standing === 'valid');
  return (
    <article class="card">
      <h3>
        <a href={entryPath(key)}>{titleOf(entry)}</a>
      </h3>
      <p class="badges">
        {standing === 'valid' ? undefined : <Standing standing={standing} />}
        {weak ? (
          <Badge tone="warn" title="Signed with an algorithm that is no longer safe">
            Weak signature
          </Badge>
        ) : undefined}
        {saysMore ? <Admission admitted={admitted} /> : undefined}
        {metadata.tag === undefined ? undefined : <Badge tone="plain">{metadata.tag}</Badge>}
      </p>
      {metadata.description === undefined ? undefined : <p class="about">{metadata.description}</p>}
      <ul class="facts">
        {summaryOf(entry).map((fact) => (
          <li key={fact}>{fact}</li>
        ))}
      </ul>
      <p class="by">
        endorsed{' '}
        {of === key.email ? undefined : (
          <>
            by{' '}
            <a href={endorserPath(key.email)}>
              <Email address={key.email} />
            </a>{' '}
          </>
        )}
        on <When time={key.created} />
      </p>
    </article>
  );
}

export function Cards({ entries, of }: { entries: readonly EntryView[]; of?: string }) {
  return (
    <ul class="cards">
      {entries.map((entry) => (
        <li key={entry.id}>
          <Card entry={entry} {...(of === undefined ? {} : { of })} />
        </li>
      ))}
    </ul>
  );
}
