// Addresses within the site, with every part escaped; and which outside addresses may become links.
import { type ChosenView, type KeyView } from './view.ts';

/** One part of a path. Quotes are escaped too: people paste these addresses into shells, between quotes. */
function part(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*~]/gu,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export function entryPath({ identifier, email, created }: KeyView): string {
  return `/metadata/${[identifier, email, created].map(part).join('/')}`;
}

/** The list of what is known of an entry's key. */
export function narrowedPath({ identifier, email, created }: Partial<KeyView>): string {
  const stated = [identifier, email, created].filter((one) => one !== undefined);
  return ['/metadata', ...stated.map(part)].join('/');
}

export function imagePath(identifier: string): string {
  return `/metadata/${part(identifier)}`;
}

export function endorserPath(email: string): string {
  return `/endorsers/${part(email)}`;
}

/** The list with these parameters; empty ones are left out. */
export function listPath(parameters: Readonly<Record<string, string | undefined>>): string {
  const stated = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, value]],
  );
  const query = new URLSearchParams(stated).toString();
  return query === '' ? '/metadata' : `/metadata?${query}`;
}

/** The list as chosen, with one parameter changed (undefined: taken away). */
export function changedList(chosen: ChosenView, name: string, value: string | undefined): string {
  return listPath({ ...chosen, [name]: value });
}

/** The address where a browser may follow it: http, https and ftp, and nothing that runs. */
export function linkable(location: string): string | undefined {
  if (!URL.canParse(location)) return undefined;
  const url = new URL(location);
  return ['http:', 'https:', 'ftp:'].includes(url.protocol) && url.username === '' ? url.href : undefined;
}
