// The state of one disk that all its sessions share: attentions, reservations, mode settings, sanitize.
import { createHash } from 'node:crypto';
import { CopyResults } from './copy-results.ts';
import { PersistentReservations } from './persistent-reservations.ts';
import { additionalSense, checkCondition, senseKey } from './status.ts';
import { TaskSet } from './task-set.ts';

/** A sanitize that runs or has failed (SBC-3 §4.11). */
export interface SanitizeState {
  /** 0 to 65,536. */
  progress: number;
  failed: boolean;
}

/** What a session hears of its unit: end the commands that run there, if the session's nexus is meant. */
export type AbortListener = (unit: LogicalUnit, nexuses: readonly string[] | 'all') => void;

interface Orphan {
  readonly start: number;
  readonly end: number;
  readonly settled: Promise<unknown>;
}

/** Unit attentions that are kept for one nexus; more of them say nothing new. */
const mostAttentions = 8;

export class LogicalUnit {
  /** UUID of the disk. */
  readonly identity: string;
  /** Physical block in bytes, as READ CAPACITY(16) reports it. */
  readonly physicalBlockBytes: number;
  /** NAA designator, 16 bytes (SPC-4 §7.8.6.6). */
  readonly naa: Buffer;
  /** Unit serial number, 32 hex digits. */
  readonly serial: string;
  readonly reservations = new PersistentReservations((nexus, sense) => this.#attend(nexus, sense));
  readonly copyResults = new CopyResults();
  readonly taskSet = new TaskSet();
  /** The nexus that holds a RESERVE(6). */
  reservedBy: string | undefined;
  softwareWriteProtect = false;
  descriptorSense = false;
  sanitize: SanitizeState | undefined;
  /** Sessions that use the unit now. */
  users = 0;
  /** Whether a command has to pass the gate before it runs: attentions, reservations, protection, sanitize. */
  gated = false;

  readonly #nexuses = new Map<string, number>();
  readonly #attentions = new Map<string, number[]>();
  readonly #listeners = new Set<AbortListener>();
  #turn: Promise<unknown> = Promise.resolve();
  /** Writes that were given up while the device still worked on them. */
  readonly #orphans = new Set<Orphan>();

  constructor(identity: string, physicalBlockBytes: number) {
    this.identity = identity;
    this.physicalBlockBytes = physicalBlockBytes;
    this.serial = createHash('sha256').update(identity).digest('hex').slice(0, 32);
    this.naa = Buffer.from(this.serial, 'hex');
    // NAA 6 with a locally administered company id (the U/L bit is set): nobody's, and so never another maker's.
    this.naa.writeUInt32BE((0x6024d4d0 | (this.naa.readUInt8(3) & 0x0f)) >>> 0, 0);
  }

  /** A session of the nexus begins. @param listener called when commands have to end. */
  join(nexus: string, listener: AbortListener): void {
    this.users += 1;
    this.#nexuses.set(nexus, (this.#nexuses.get(nexus) ?? 0) + 1);
    this.#listeners.add(listener);
    this.regate();
  }

  /** The session ends: an I_T nexus loss (SAM-5 §6.3.4). Registrations stay, RESERVE(6) does not. */
  leave(nexus: string, listener: AbortListener): void {
    this.users -= 1;
    const left = (this.#nexuses.get(nexus) ?? 1) - 1;
    if (left === 0) this.#nexuses.delete(nexus);
    else this.#nexuses.set(nexus, left);
    this.#listeners.delete(listener);
    if (left === 0) {
      this.#attentions.delete(nexus);
      if (this.reservedBy === nexus) this.reservedBy = undefined;
    }
    this.regate();
  }

  /** Whether anything would be lost if the unit were forgotten while nobody uses it. */
  get worthKeeping(): boolean {
    return this.users > 0 || this.reservations.active || this.sanitize !== undefined || this.softwareWriteProtect;
  }

  /** LOGICAL UNIT RESET (SAM-5 §7.7): every session's commands end, RESERVE(6) and settings are gone, everybody is told. */
  reset(sense: number): void {
    this.reservedBy = undefined;
    this.softwareWriteProtect = false;
    this.descriptorSense = false;
    for (const listener of this.#listeners) listener(this, 'all');
    this.attendAll(sense);
  }

  /** Ends the commands of these nexuses (SPC-4 §5.12.11.5). */
  abortCommandsOf(nexuses: readonly string[]): void {
    for (const listener of this.#listeners) listener(this, nexuses);
  }

  /** CLEAR TASK SET (SAM-5 §7.5): everybody's commands end, and the others hear why. */
  clearTaskSet(byNexus: string): void {
    for (const listener of this.#listeners) listener(this, 'all');
    this.attendAll(additionalSense.commandsCleared, byNexus);
  }

  /** Establishes a unit attention for every nexus, but not for `except`. */
  attendAll(sense: number, except?: string): void {
    for (const nexus of this.#nexuses.keys()) if (nexus !== except) this.#attend(nexus, sense);
    this.regate();
  }

  /** An error of something that was answered before: the next command of everybody says so. */
  failLater(): void {
    this.attendAll(additionalSense.asynchronousFailure);
  }

  /** Takes the oldest unit attention of the nexus away and returns its code, or undefined. */
  takeAttention(nexus: string): number | undefined {
    const pending = this.#attentions.get(nexus);
    const sense = pending?.shift();
    if (pending?.length === 0) this.#attentions.delete(nexus);
    this.regate();
    return sense;
  }

  /** Whether a unit attention waits for the nexus. */
  hasAttention(nexus: string): boolean {
    return this.#attentions.has(nexus);
  }

  /** @throws {ScsiFailure} NOT READY while a sanitize runs, MEDIUM ERROR after one failed. */
  checkSanitize(): void {
    if (this.sanitize === undefined) return;
    if (this.sanitize.failed) throw checkCondition(senseKey.mediumError, additionalSense.sanitizeFailed);
    throw checkCondition(senseKey.notReady, additionalSense.sanitizeInProgress);
  }

  /** Runs `work` after everything that was given to this before, one at a time. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work, work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  /** Whether writes were given up that may still reach the medium. */
  get hasOrphans(): boolean {
    return this.#orphans.size > 0;
  }

  /**
   * A write was aborted or answered BUSY while the device works on it: what is written to [start, end) from now on
   * waits until it is over, so that it cannot undo a later write.
   */
  orphan(start: number, end: number, settled: Promise<unknown>): void {
    const orphan: Orphan = { start, end, settled };
    this.#orphans.add(orphan);
    const forget = (): void => {
      this.#orphans.delete(orphan);
    };
    settled.then(forget, forget);
  }

  /** Resolves once no given-up write can touch [start, end) any more. */
  async orphansSettled(start: number, end: number): Promise<void> {
    const overlapping = [...this.#orphans].filter((orphan) => orphan.start < end && start < orphan.end);
    await Promise.allSettled(overlapping.map((orphan) => orphan.settled));
  }

  /** To be called after each change of what the gate looks at. */
  regate(): void {
    this.gated =
      this.#attentions.size > 0 ||
      this.reservedBy !== undefined ||
      this.reservations.held ||
      this.softwareWriteProtect ||
      this.sanitize !== undefined;
  }

  #attend(nexus: string, sense: number): void {
    if (!this.#nexuses.has(nexus)) return;
    const pending = this.#attentions.get(nexus);
    if (pending === undefined) this.#attentions.set(nexus, [sense]);
    else if (pending.length < mostAttentions && !pending.includes(sense)) pending.push(sense);
    this.gated = true;
  }
}
