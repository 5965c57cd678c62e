// Registrations and the persistent reservation of one logical unit (SPC-4 §5.12), apart from how commands spell them.
import { additionalSense, checkCondition, invalidParameter, ScsiFailure, scsiStatus, senseKey } from './status.ts';

/** Reservation types (SPC-4 §6.15.3.4). */
export const reservationType = {
  writeExclusive: 1,
  exclusiveAccess: 3,
  writeExclusiveRegistrantsOnly: 5,
  exclusiveAccessRegistrantsOnly: 6,
  writeExclusiveAllRegistrants: 7,
  exclusiveAccessAllRegistrants: 8,
} as const;

const types = new Set<number>(Object.values(reservationType));
const isAllRegistrants = (type: number): boolean => type === 7 || type === 8;
const isForRegistrants = (type: number): boolean => type >= 5;
const excludesReads = (type: number): boolean => type === 3 || type === 6 || type === 8;

/** A key: 16 hex digits. */
export type ReservationKey = string;
export const noKey: ReservationKey = '0000000000000000';

/** Registrations that one unit keeps. */
const mostRegistrations = 256;

const conflict = (): ScsiFailure => new ScsiFailure(scsiStatus.reservationConflict);

export class PersistentReservations {
  /** PRGENERATION. */
  generation = 0;
  readonly #registrations = new Map<string, ReservationKey>();
  #reservation: { readonly type: number; readonly holder: string } | undefined;
  readonly #attend: (nexus: string, sense: number) => void;

  /** @param attend establishes a unit attention for a nexus. */
  constructor(attend: (nexus: string, sense: number) => void) {
    this.#attend = attend;
  }

  /** Nexus and key of everyone who is registered. */
  get registrations(): ReadonlyMap<string, ReservationKey> {
    return this.#registrations;
  }

  /** Whether there is a reservation. */
  get held(): boolean {
    return this.#reservation !== undefined;
  }

  /** Whether there are registrations at all. */
  get active(): boolean {
    return this.#registrations.size > 0;
  }

  /** The reservation as PERSISTENT RESERVE IN shows it: no single holder's key where all registrants hold it. */
  get reservation(): { readonly type: number; readonly key: ReservationKey } | undefined {
    const reservation = this.#reservation;
    if (reservation === undefined) return undefined;
    const key = isAllRegistrants(reservation.type) ? noKey : (this.#registrations.get(reservation.holder) ?? noKey);
    return { type: reservation.type, key };
  }

  holds(nexus: string): boolean {
    const reservation = this.#reservation;
    if (reservation === undefined) return false;
    return isAllRegistrants(reservation.type) ? this.#registrations.has(nexus) : reservation.holder === nexus;
  }

  /** Whether the reservation keeps the nexus from a command that reads, or one that does more. */
  refuses(nexus: string, reads: boolean): boolean {
    const reservation = this.#reservation;
    if (reservation === undefined || this.holds(nexus)) return false;
    if (isForRegistrants(reservation.type) && this.#registrations.has(nexus)) return false;
    return reads ? excludesReads(reservation.type) : true;
  }

  /** REGISTER, and with `ignoreExisting` REGISTER AND IGNORE EXISTING KEY (SPC-4 §5.12.7). */
  register(nexus: string, key: ReservationKey, newKey: ReservationKey, ignoreExisting: boolean): void {
    const present = this.#registrations.get(nexus);
    if (!ignoreExisting && key !== (present ?? noKey)) throw conflict();
    if (newKey === noKey) {
      if (present === undefined) return;
      this.#unregister(nexus);
    } else {
      if (present === undefined && this.#registrations.size >= mostRegistrations) {
        const { insufficientRegistrationResources } = additionalSense;
        throw checkCondition(senseKey.illegalRequest, insufficientRegistrationResources);
      }
      this.#registrations.set(nexus, newKey);
    }
    this.#advance();
  }

  /** RESERVE (SPC-4 §5.12.9). */
  reserve(nexus: string, key: ReservationKey, type: number): void {
    this.#checkKey(nexus, key);
    this.#checkType(type);
    const present = this.#reservation;
    if (present === undefined) this.#reservation = { type, holder: nexus };
    else if (!this.holds(nexus) || present.type !== type) throw conflict();
  }

  /** RELEASE (SPC-4 §5.12.11.2). */
  release(nexus: string, key: ReservationKey, type: number): void {
    this.#checkKey(nexus, key);
    const present = this.#reservation;
    if (present === undefined || !this.holds(nexus)) return;
    if (present.type !== type) {
      throw checkCondition(senseKey.illegalRequest, additionalSense.invalidReleaseOfReservation);
    }
    this.#reservation = undefined;
    if (isForRegistrants(type)) this.#tellRegistrants(additionalSense.reservationsReleased, nexus);
  }

  /** CLEAR (SPC-4 §5.12.11.6). */
  clear(nexus: string, key: ReservationKey): void {
    this.#checkKey(nexus, key);
    this.#tellRegistrants(additionalSense.reservationsPreempted, nexus);
    this.#registrations.clear();
    this.#reservation = undefined;
    this.#advance();
  }

  /**
   * PREEMPT, and PREEMPT AND ABORT (SPC-4 §5.12.11.4).
   * @returns the nexuses that lost their registration: theirs are the commands to abort.
   */
  preempt(nexus: string, key: ReservationKey, victims: ReservationKey, type: number): readonly string[] {
    this.#checkKey(nexus, key);
    const present = this.#reservation;
    const everyone = present !== undefined && isAllRegistrants(present.type) && victims === noKey;
    if (victims === noKey && !everyone) throw invalidParameter(8);
    const takesOver =
      present !== undefined &&
      (everyone || (!isAllRegistrants(present.type) && this.#registrations.get(present.holder) === victims));
    if (takesOver) this.#checkType(type);
    const matching = [...this.#registrations].filter(([, registered]) => everyone || registered === victims);
    if (matching.length === 0) throw conflict();
    const removed = matching.map(([name]) => name).filter((name) => name !== nexus || !takesOver);
    const lost = removed.filter((name) => !everyone || name !== nexus);
    for (const name of lost) {
      this.#registrations.delete(name);
      if (name !== nexus) this.#attend(name, additionalSense.registrationsPreempted);
    }
    if (takesOver) {
      const changed = present.type !== type && isForRegistrants(present.type);
      this.#reservation = { type, holder: nexus };
      if (changed) this.#tellRegistrants(additionalSense.reservationsReleased, nexus);
    } else if (this.#registrations.size === 0) {
      this.#reservation = undefined;
    }
    this.#advance();
    return lost;
  }

  #unregister(nexus: string): void {
    const held = this.holds(nexus);
    this.#registrations.delete(nexus);
    const reservation = this.#reservation;
    if (!held || reservation === undefined) return;
    if (isAllRegistrants(reservation.type) && this.#registrations.size > 0) return;
    this.#reservation = undefined;
    // The others that were registered are told (SPC-4 §5.12.11.3); who unregistered itself is not.
    if (isForRegistrants(reservation.type)) this.#tellRegistrants(additionalSense.reservationsReleased, nexus);
  }

  #tellRegistrants(sense: number, except: string): void {
    for (const name of this.#registrations.keys()) if (name !== except) this.#attend(name, sense);
  }

  #checkKey(nexus: string, key: ReservationKey): void {
    if (this.#registrations.get(nexus) !== key) throw conflict();
  }

  #checkType(type: number): void {
    if (!types.has(type)) {
      throw checkCondition(senseKey.illegalRequest, additionalSense.invalidFieldInCdb, {
        field: { inCdb: true, at: 2 },
      });
    }
  }

  #advance(): void {
    this.generation = (this.generation + 1) >>> 0;
  }
}
