// Which entries this site's policy admits, as counts per class in memory: judged once, and again only when something changes.
import { type Database } from '../db/database.ts';
import { type ListedStatus } from './classes.ts';
import { type RegistryEntry } from './entry.ts';
import { entriesByIds } from './read.ts';
import { type RegistryState } from './state.ts';

export interface Admission {
  readonly admits: (entry: RegistryEntry) => boolean;
  /** What the verdicts depend on: everything is judged again where a part of it is another value than before. */
  readonly basis: () => readonly unknown[];
}

export interface AdmittedCounts {
  /** Admitted entries of a class. */
  of(classId: number, status: ListedStatus): number;
  /** Whether this entry has been judged, and is admitted. */
  has(id: number): boolean;
  /** False while entries remain to be judged: counts are lower bounds. */
  readonly complete: boolean;
}

/** Entries that are judged before a list that asks is answered; more are judged meanwhile, and are in a later answer. */
const mostAwaited = 5000;
/** Entries that are read at a time. */
const batch = 500;

const statuses = ['valid', 'expired', 'deprecated'] as const;
type StoredStatus = (typeof statuses)[number];

/** What is known of one entry, in eight bits: its status, and these. */
const admittedBit = 4;
const currentBit = 8;

interface EntryRow {
  readonly id: number;
  readonly class_id: number;
  readonly status: StoredStatus;
  readonly replaced_by: number | null;
}

/** Verdicts on one basis, of entries below `upTo`. */
class Verdicts implements AdmittedCounts {
  upTo = 0;
  sweptAt = '0000';
  complete = false;
  #flags = new Uint8Array(1024);
  #classes = new Float64Array(1024);
  readonly #counts = new Map<number, Record<ListedStatus, number>>();

  has(id: number): boolean {
    return ((this.#flags[id] ?? 0) & admittedBit) !== 0;
  }

  of(classId: number, status: ListedStatus): number {
    return this.#counts.get(classId)?.[status] ?? 0;
  }

  set({ id, class_id: classId, status, replaced_by: replacedBy }: EntryRow, admitted: boolean): void {
    if (id >= this.#flags.length) this.#grow(id + 1);
    this.#count(id, -1);
    const flags = statuses.indexOf(status) | (admitted ? admittedBit : 0) | (replacedBy === null ? currentBit : 0);
    this.#flags[id] = flags;
    this.#classes[id] = classId;
    this.#count(id, 1);
  }

  #grow(least: number): void {
    const size = Math.max(least, this.#flags.length * 2);
    const [flags, classes] = [new Uint8Array(size), new Float64Array(size)];
    flags.set(this.#flags);
    classes.set(this.#classes);
    [this.#flags, this.#classes] = [flags, classes];
  }

  #count(id: number, by: number): void {
    const flags = this.#flags[id] ?? 0;
    const status = statuses[flags & 3];
    if ((flags & admittedBit) === 0 || status === undefined) return;
    const classId = this.#classes[id] ?? 0;
    const counts = this.#counts.get(classId) ?? { valid: 0, expired: 0, deprecated: 0, all: 0 };
    counts.all += by;
    if ((flags & currentBit) !== 0) counts[status] += by;
    this.#counts.set(classId, counts);
  }
}

/** Keeps the verdicts of one database as new as the lists that ask for them. */
export class AdmittedIndex {
  readonly #deps: { readonly db: Database; readonly now: () => Date };
  readonly #admission: Admission;
  #basis: readonly unknown[] = [];
  #verdicts = new Verdicts();
  #running: Promise<void> | undefined;

  constructor(deps: { readonly db: Database; readonly now: () => Date }, admission: Admission) {
    this.#deps = deps;
    this.#admission = admission;
  }

  /** The verdict on one entry, as of now. */
  get admits(): Admission['admits'] {
    return this.#admission.admits;
  }

  /** The counts as of `state`, or lower bounds of them while many entries are being judged. */
  async current(state: RegistryState): Promise<AdmittedCounts> {
    const basis = this.#admission.basis();
    if (basis.length !== this.#basis.length || basis.some((part, place) => part !== this.#basis[place])) {
      this.#basis = basis;
      this.#verdicts = new Verdicts();
    }
    const verdicts = this.#verdicts;
    for (;;) {
      if (verdicts.complete && verdicts.upTo >= state.logSize && verdicts.sweptAt === state.sweptAt) return verdicts;
      if (state.logSize - verdicts.upTo > mostAwaited) verdicts.complete = false;
      this.#running ??= this.#update(verdicts, state).finally(() => {
        this.#running = undefined;
      });
      const running = this.#running;
      if (state.logSize - verdicts.upTo > mostAwaited) {
        // Whoever asks next time meets the failure again.
        running.catch(() => undefined);
        return verdicts;
      }
      await running;
      if (this.#verdicts !== verdicts) return await this.current(state);
    }
  }

  async #update(verdicts: Verdicts, { logSize, sweptAt }: RegistryState): Promise<void> {
    // Entries below this were judged before: of these, some were replaced, and the time of some has come.
    const { upTo: before, sweptAt: sweptBefore } = verdicts;
    while (verdicts.upTo < logSize && verdicts === this.#verdicts) {
      const rows = await this.#rows()
        .where('id', '>=', verdicts.upTo)
        .where('id', '<', logSize)
        .orderBy('id')
        .limit(batch)
        .execute();
      await this.#judge(verdicts, rows);
      verdicts.upTo = rows.length < batch ? logSize : (rows.at(-1)?.id ?? logSize) + 1;
    }
    const replaced = await this.#rows().where('replaced_by', '>=', before).where('id', '<', verdicts.upTo).execute();
    for (const row of replaced) verdicts.set(row, verdicts.has(row.id));
    if (sweptBefore !== sweptAt) {
      const [from, to] = [sweptBefore, sweptAt].sort();
      const moved = await this.#rows()
        .where('valid_until', '>', from ?? '')
        .where('valid_until', '<=', to ?? '')
        .where('id', '<', verdicts.upTo)
        .execute();
      for (let first = 0; first < moved.length; first += batch) {
        await this.#judge(verdicts, moved.slice(first, first + batch));
      }
      verdicts.sweptAt = sweptAt;
    }
    verdicts.complete = verdicts.upTo >= logSize;
  }

  #rows() {
    return this.#deps.db.query.selectFrom('entries').select(['id', 'class_id', 'status', 'replaced_by']);
  }

  async #judge(verdicts: Verdicts, rows: readonly EntryRow[]): Promise<void> {
    const entries = await entriesByIds(
      this.#deps,
      rows.map(({ id }) => id),
    );
    const admitted = new Set(entries.filter((entry) => this.#admission.admits(entry)).map(({ id }) => id));
    for (const row of rows) verdicts.set(row, admitted.has(row.id));
  }
}
