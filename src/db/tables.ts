// The rows of every table, typed once for both databases. Times are `YYYY-MM-DDThh:mm:ssZ`; truth values are 0 or 1.
import { type Generated } from 'kysely';

interface RegistryStateRow {
  id: number;
  version: number;
  log_size: number;
  swept_at: string;
}

interface DocumentRow {
  id: number;
  sha256: string;
  identifier: string;
  email: string;
  created: string;
  accepted_at: string;
  bytes: Buffer;
}

interface LogLeafRow {
  seq: number;
  leaf: Buffer;
  address: string | null;
  detail: string | null;
}

interface LogNodeRow {
  height: number;
  position: number;
  hash: Buffer;
}

interface EntryClassRow {
  id: number;
  facets: string;
  valid_count: number;
  expired_count: number;
  deprecated_count: number;
  all_count: number;
  version: number;
}

interface EntryRow {
  id: number;
  identifier: string;
  email: string;
  created: string;
  status: 'valid' | 'expired' | 'deprecated';
  replaced_by: number | null;
  valid_until: string | null;
  class_id: number;
  tag: string | null;
  title_key: string;
}

interface EntryDetailRow {
  id: number;
  sha256: string;
  accepted_at: string;
  weak: number;
  metadata: string;
  signing_id: number;
}

interface SigningRow {
  id: number;
  digest: string;
  signer: string;
  steps: string;
}

interface EndorserRow {
  email: string;
  subject: string;
  issuer: string;
  fingerprint: string;
  first_created: string;
  last_created: string;
  entries: number;
  images: number;
}

interface PendingDocumentRow {
  sha256: string;
  identifier: string;
  email: string;
  created: string;
  received_at: string;
  expires_at: string;
  address: string | null;
  bytes: Buffer;
}

interface ConfirmationTokenRow {
  hash: string;
  sha256: string;
  made_at: string;
}

interface OutboxRow {
  sha256: string;
  due_at: string;
  attempts: number;
}

interface ConfirmedSignerRow {
  email: string;
  fingerprint: string;
  confirmed_at: string;
}

interface EndorserUploadsRow {
  email: string;
  hour: string;
  uploads: number;
}

interface LogIdentityRow {
  id: number;
  name: string;
  verifier: string | null;
}

interface MirrorRow {
  verifier: string;
  size: number;
  followed: number;
}

interface MirrorLeafRow {
  verifier: string;
  seq: number;
  leaf: Buffer;
}

interface MirrorNodeRow {
  verifier: string;
  height: number;
  position: number;
  hash: Buffer;
}

/** Times with ms: `YYYY-MM-DDThh:mm:ss.sssZ`. */
interface JobRow {
  id: Generated<number>;
  place: string;
  kind: string;
  job_key: string;
  data: string;
  priority: number;
  state: 'queued' | 'running' | 'retrying' | 'done' | 'failed' | 'cancelled';
  created_at: string;
  run_at: string;
  started_at: string | null;
  finished_at: string | null;
  cancelling: number;
  worker: string | null;
  lease_until: string | null;
  failures: number;
  losses: number;
  attempts: string;
  progress: string | null;
  result: string | null;
  failure: string | null;
  version: number;
}

interface JobSiteRow {
  id: number;
  name: string;
}

export interface Tables {
  pending_documents: PendingDocumentRow;
  confirmation_tokens: ConfirmationTokenRow;
  outbox: OutboxRow;
  confirmed_signers: ConfirmedSignerRow;
  endorser_uploads: EndorserUploadsRow;
  jobs: JobRow;
  job_site: JobSiteRow;
  log_identity: LogIdentityRow;
  mirrors: MirrorRow;
  mirror_leaves: MirrorLeafRow;
  mirror_nodes: MirrorNodeRow;
  registry_state: RegistryStateRow;
  documents: DocumentRow;
  log_leaves: LogLeafRow;
  log_nodes: LogNodeRow;
  entry_classes: EntryClassRow;
  entries: EntryRow;
  entry_details: EntryDetailRow;
  signings: SigningRow;
  endorsers: EndorserRow;
}
