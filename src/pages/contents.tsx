// Where the contents of an image are kept, and the checksums by which anyone can tell that they are the right ones.
import { linkable } from './links.ts';
import { Badge, When } from './parts.tsx';
import { type EntryView, type LocationView } from './view.ts';

function Location({ location }: { location: string }) {
  const href = linkable(location);
  return href === undefined ? (
    <code>{location}</code>
  ) : (
    <a href={href} rel="noreferrer nofollow">
      {location}
    </a>
  );
}

const words = { good: 'serves it', wrong: 'serves something else', unreachable: 'does not answer' } as const;
const tones = { good: 'good', wrong: 'bad', unreachable: 'warn' } as const;

function Health({ state, reason, checked, since }: LocationView) {
  return (
    <>
      {' '}
      <Badge tone={tones[state]}>{words[state]}</Badge>{' '}
      <span class="asked">
        asked <When time={checked} />
      </span>
      {state === 'good' ? undefined : (
        <p class="reason">
          {reason}; since <When time={since} />
        </p>
      )}
    </>
  );
}

export function Contents({ entry, health }: { entry: EntryView; health: readonly LocationView[] }) {
  const healthOf = new Map(health.map((known) => [known.location, known]));
  const { locations, checksums, identifier, compression } = entry.metadata;
  return (
    <section class="panel" aria-labelledby="contents">
      <h2 id="contents">Contents</h2>
      {locations.length === 0 ? (
        <p>The entry names no place where the contents are kept.</p>
      ) : (
        <ul class="locations">
          {locations.map((location) => (
            <li key={location}>
              <Location location={location} />
              {[healthOf.get(location)].map((known) =>
                known === undefined ? undefined : <Health key={location} {...known} />,
              )}
            </li>
          ))}
        </ul>
      )}
      <p>
        Size and checksums are those of the file
        {compression === undefined ? '' : ` after decompression (${compression})`}. The identifier comes from the SHA-1.
      </p>
      <dl class="pairs sums">
        <div>
          <dt>Identifier</dt>
          <dd>
            <code>{identifier}</code>
          </dd>
        </div>
        {Object.entries(checksums).map(([algorithm, value]) => (
          <div key={algorithm}>
            <dt>{algorithm}</dt>
            <dd>
              <code>{value}</code>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
