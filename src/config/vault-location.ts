// Where the vault is, as people write it: a folder, or a bucket of an S3.
import { z } from 'zod';

export type VaultLocation =
  | { readonly kind: 'folder'; readonly path: string }
  | {
      readonly kind: 's3';
      readonly host: string;
      readonly port: number | undefined;
      readonly tls: boolean;
      readonly bucket: string;
      readonly region: string | undefined;
    };

/** `s3://HOST[:PORT]/BUCKET[?region=REGION]`, `s3+http://…` without TLS, else a folder; undefined where the text is neither. */
export function parseVaultLocation(text: string): VaultLocation | undefined {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//iu.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return text === '' ? undefined : { kind: 'folder', path: text };
  if (scheme !== 's3' && scheme !== 's3+http') return undefined;
  const address = text.replace(/^[^:]*:/u, 'http:');
  if (!URL.canParse(address)) return undefined;
  const { hostname, port, pathname, searchParams, username, password, hash } = new URL(address);
  const [, bucket] = /^\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\/?$/u.exec(pathname) ?? [];
  const [region, ...others] = [...searchParams].filter(([name, value]) => name === 'region' && value !== '');
  const strange = searchParams.size > (region === undefined ? 0 : 1) || others.length > 0;
  if (bucket === undefined || strange || username !== '' || password !== '' || hash !== '') return undefined;
  return {
    kind: 's3',
    host: hostname,
    // The scheme that stands in for theirs has 80 as its port, which URL leaves out.
    port: port === '' ? (/:80(?:[/?]|$)/u.test(text.slice(scheme.length + 3)) ? 80 : undefined) : Number(port),
    tls: scheme === 's3',
    bucket,
    region: region?.[1],
  };
}

/** A setting that {@link parseVaultLocation} reads. What is wrong is not repeated: it may hold a key. */
export const vaultLocationSchema = z.string().refine((text) => parseVaultLocation(text) !== undefined, {
  error: 'is neither a folder nor s3://HOST[:PORT]/BUCKET[?region=REGION], with keys in settings of their own',
});
