// The rows that one accepted document makes in the index: for accepting it, and for making the whole index again.
import { type Tables } from '../db/tables.ts';
import { type ImageMetadata } from '../metadata/model.ts';
import { type DocumentReport } from '../trust/report.ts';
import { titleKey } from './words.ts';

export type ValidReport = Extract<DocumentReport, { readonly valid: true }>;

export interface AcceptedDocument {
  readonly id: number;
  readonly sha256: string;
  readonly acceptedAt: string;
  readonly report: ValidReport;
}

export type StoredStatus = Tables['entries']['status'];

/** The status as the index keeps it: entries whose time comes after `sweptAt` are marked by the next sweep. */
export function storedStatus(metadata: ImageMetadata, sweptAt: string): StoredStatus {
  if (metadata.deprecated !== undefined) return 'deprecated';
  return metadata.valid !== undefined && metadata.valid <= sweptAt ? 'expired' : 'valid';
}

/** An entry that no other has replaced. */
export function entryRow(
  { id, report: { metadata } }: AcceptedDocument,
  { classId, status }: { readonly classId: number; readonly status: StoredStatus },
): Tables['entries'] {
  const { created, endorser } = metadata.endorsement;
  return {
    id,
    identifier: metadata.identifier,
    email: endorser.email,
    created,
    status,
    replaced_by: null,
    valid_until: metadata.deprecated === undefined ? (metadata.valid ?? null) : null,
    class_id: classId,
    tag: metadata.tag ?? null,
    title_key: titleKey(metadata),
  };
}

export function detailsRow(
  { id, sha256, acceptedAt, report }: AcceptedDocument,
  signingId: number,
): Tables['entry_details'] {
  return {
    id,
    sha256,
    accepted_at: acceptedAt,
    weak: report.weak ? 1 : 0,
    metadata: JSON.stringify(report.metadata),
    signing_id: signingId,
  };
}
