// The status codes of login responses (RFC 7143 §11.13.5), class in the high byte and detail in the low one.
import { type LoginRefusal } from '../directory.ts';

export const loginStatus = {
  success: 0x0000,
  movedTemporarily: 0x0101,
  movedPermanently: 0x0102,
  initiatorError: 0x0200,
  authenticationFailure: 0x0201,
  authorizationFailure: 0x0202,
  targetNotFound: 0x0203,
  targetRemoved: 0x0204,
  unsupportedVersion: 0x0205,
  tooManyConnections: 0x0206,
  missingParameter: 0x0207,
  unsupportedSessionType: 0x0209,
  sessionDoesNotExist: 0x020a,
  invalidDuringLogin: 0x020b,
  targetError: 0x0300,
  serviceUnavailable: 0x0301,
  outOfResources: 0x0302,
} as const;

export type LoginStatus = (typeof loginStatus)[keyof typeof loginStatus];

export const refusalStatus: Readonly<Record<LoginRefusal, LoginStatus>> = {
  'not-found': loginStatus.targetNotFound,
  'forbidden': loginStatus.authorizationFailure,
  'removed': loginStatus.targetRemoved,
  'unavailable': loginStatus.serviceUnavailable,
  'out-of-resources': loginStatus.outOfResources,
};

/** The login ends here with a status. */
export class LoginFailure extends Error {
  override readonly name = 'LoginFailure';
  readonly status: LoginStatus;
  /** Keys that go with the answer, such as TargetAddress on a redirect. */
  readonly keys: readonly (readonly [string, string])[];

  constructor(status: LoginStatus, message: string, keys: readonly (readonly [string, string])[] = []) {
    super(message);
    this.status = status;
    this.keys = keys;
  }
}
