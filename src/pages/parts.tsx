// Small pieces that several pages show: standings, times, sizes, code to copy.
import { type EntryView } from './view.ts';

const standings = {
  valid: { text: 'Valid', tone: 'good', why: 'The newest entry of its endorser, neither expired nor deprecated' },
  expired: { text: 'Expired', tone: 'warn', why: 'Its endorser vouched for it until a date that has passed' },
  deprecated: { text: 'Deprecated', tone: 'bad', why: 'Its endorser advises against it' },
  withdrawn: { text: 'Withdrawn', tone: 'bad', why: 'Its endorser has taken the endorsement back' },
  replaced: { text: 'Replaced', tone: 'quiet', why: 'Its endorser has signed a newer entry for this image' },
} as const;

export type Tone = 'good' | 'warn' | 'bad' | 'busy' | 'quiet' | 'plain';

export function Badge({ tone, children, title }: { tone: Tone; children: string; title?: string }) {
  return (
    <span class={`badge ${tone}`} {...(title === undefined ? {} : { title })}>
      {children}
    </span>
  );
}

export function Standing({ standing }: { standing: EntryView['standing'] }) {
  const { text, tone, why } = standings[standing];
  return (
    <Badge tone={tone} title={why}>
      {text}
    </Badge>
  );
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function dateText(time: string): string {
  const parts = /^(\d{4})-(\d\d)-(\d\d)/u.exec(time);
  const month = months[Number(parts?.[2]) - 1];
  return parts === null || month === undefined ? time : `${Number(parts[3])} ${month} ${parts[1] ?? ''}`;
}

/** `2026-01-31T12:00:00Z` as 31 Jan 2026, with the exact moment for those who want it. */
export function When({ time }: { time: string }) {
  return (
    <time dateTime={time} title={time}>
      {dateText(time)}
    </time>
  );
}

/** `2026-01-31T12:00:07.123Z` as 31 Jan 2026, 12:00:07 UTC: for what happens within a day. */
export function Moment({ time }: { time: string }) {
  const clock = /T(\d\d:\d\d:\d\d)/u.exec(time)?.[1];
  return (
    <time dateTime={time} title={time}>
      {dateText(time)}
      {clock === undefined ? '' : `, ${clock} UTC`}
    </time>
  );
}

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes for people: 700 bytes, 1.4 MiB. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const number = unit === 0 || value >= 100 ? Math.round(value) : Math.round(value * 10) / 10;
  return `${number} ${units[unit] ?? ''}`;
}

/** 12345 as 12,345. */
export function numberText(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+$)/gu, ',');
}

/** An address that breaks where its parts end, before it breaks anywhere. */
export function Email({ address }: { address: string }) {
  return (
    <>{address.split(/(?=[@.])/u).flatMap((part, index) => (index === 0 ? [part] : [<wbr key={index} />, part]))}</>
  );
}

/** A sentence with long digests cut to what can be compared by eye. */
export function withoutDigests(text: string): string {
  return text.replaceAll(/[0-9a-f]{32,}/gu, (digest) => `${digest.slice(0, 8)}…`);
}

/** Why something failed; where that takes long digests, they are a click away. */
export function Reason({ text }: { text: string }) {
  const short = withoutDigests(text);
  return (
    <>
      <p>{short}</p>
      {short === text ? undefined : (
        <details>
          <summary>In full</summary>
          <p class="in-full">{text}</p>
        </details>
      )}
    </>
  );
}

/** What this site's policy says of an entry. */
export function Admission({ admitted }: { admitted: boolean }) {
  return admitted ? (
    <Badge tone="good" title="The policy of this site lets disks be made of it">
      Admitted here
    </Badge>
  ) : (
    <Badge tone="bad" title="The policy of this site makes no disks of it">
      Not admitted here
    </Badge>
  );
}

/** Lines to paste into a terminal. */
export function Commands({ children, label }: { children: string; label: string }) {
  return (
    <pre class="commands" tabIndex={0} aria-label={label}>
      <code>{children}</code>
    </pre>
  );
}
