// What the target asks of its surroundings: which disks there are, and who may use them.
import { type BlockDevice } from '../block/device.ts';

/** A user and a secret of CHAP (RFC 7143 §12.1.3). */
export interface ChapCredentials {
  readonly name: string;
  readonly secret: string;
}

export interface ChapGrant extends ChapCredentials {
  /** What the target proves itself with, where the initiator asks for that. */
  readonly mutual?: ChapCredentials;
}

export interface LunGrant {
  readonly device: BlockDevice;
  /** UUID of the disk: its NAA name and serial number come from it, and sessions that name the same UUID share reservations. */
  readonly identity: string;
  readonly readOnly: boolean;
  /** What READ CAPACITY(16) reports as physical block: a power of two from 512; 512 where it is left out. */
  readonly physicalBlockBytes?: number;
}

/** What one session may use. */
export interface LoginGrant {
  /** By LUN, 0 to 16,383. */
  readonly luns: ReadonlyMap<number, LunGrant>;
  /** Where it is there, the initiator has to prove that it knows the secret before anything is served. */
  readonly chap?: ChapGrant;
  /** Called once, when the login failed later on or the session has ended and its last command is done. */
  release(): void | Promise<void>;
}

/** Why a login is refused, as RFC 7143 §11.13.5 has it. */
export type LoginRefusal = 'not-found' | 'forbidden' | 'removed' | 'unavailable' | 'out-of-resources';

export type LoginAnswer =
  | { readonly outcome: 'granted'; readonly grant: LoginGrant }
  | { readonly outcome: 'refused'; readonly reason: LoginRefusal }
  /** Log in at this `host:port` instead. */
  | { readonly outcome: 'redirected'; readonly address: string; readonly permanent: boolean };

/** The disks behind a target, and the rules of who may use them. */
export interface TargetDirectory {
  /** The target names that a SendTargets of this initiator shows. */
  list(initiator: string): readonly string[] | Promise<readonly string[]>;
  /** A login that names a target. A grant that was given is released exactly once. */
  login(target: string, initiator: string): LoginAnswer | Promise<LoginAnswer>;
}
