// The target's side of one login, without any I/O: a request goes in, what to answer comes out (RFC 7143 §6.3).
import { type LoginGrant, type TargetDirectory } from '../directory.ts';
import { type TargetLimits } from '../limits.ts';
import { ChapError, ChapExchange } from './chap.ts';
import { defaultParameters, namingKeys, negotiate, type SessionParameters } from './keys.ts';
import { LoginFailure, loginStatus, type LoginStatus, refusalStatus } from './status.ts';
import { formatText, parseText, TextError } from './text.ts';

/** Stages of a login, as CSG and NSG number them (RFC 7143 §11.12.3). */
const stage = { security: 0, operational: 1, fullFeature: 3 } as const;

/** The one portal group that all our portals belong to. */
export const portalGroupTag = 1;

/** What a login request's header says. */
export interface LoginRequest {
  readonly transit: boolean;
  readonly continues: boolean;
  readonly currentStage: number;
  readonly nextStage: number;
  readonly versionMin: number;
  /** Initiator session id, hex. */
  readonly isid: string;
  readonly tsih: number;
  readonly cid: number;
}

export interface LoginReply {
  readonly status: LoginStatus;
  readonly transit: boolean;
  readonly currentStage: number;
  readonly nextStage: number;
  readonly text: Buffer;
  /** Why, where the login failed: for the log. */
  readonly reason?: string;
}

/** Who has logged in, and on what terms. */
export interface LoginOutcome {
  readonly initiator: string;
  /** Undefined in a discovery session. */
  readonly target: string | undefined;
  readonly grant: LoginGrant | undefined;
  readonly isid: string;
  readonly tsih: number;
  readonly cid: number;
  readonly parameters: SessionParameters;
}

const noText = Buffer.alloc(0);
const longestName = 223;

export class LoginNegotiation {
  /** Set once the last reply of a login that succeeded is due. */
  outcome: LoginOutcome | undefined;
  /** The initiator's name, once it is known. */
  initiator = '';
  target: string | undefined;

  readonly #directory: TargetDirectory;
  readonly #limits: TargetLimits;
  readonly #parameters = defaultParameters();
  #first: LoginRequest | undefined;
  #named = false;
  #text: Buffer[] = [];
  #textBytes = 0;
  #stage: number = stage.security;
  #discovery = false;
  #grant: LoginGrant | undefined;
  #chap: ChapExchange | undefined;
  #authenticated = false;
  #segmentDeclared = false;
  #negotiated = new Set<string>();

  constructor(directory: TargetDirectory, limits: TargetLimits) {
    this.#directory = directory;
    this.#limits = limits;
  }

  /** One request; never throws. The connection ends after a reply whose status is not success. */
  async step(request: LoginRequest, data: Buffer): Promise<LoginReply> {
    try {
      return await this.#step(request, data);
    } catch (error) {
      const failure = this.#failureOf(error);
      return {
        status: failure.status,
        transit: false,
        currentStage: request.currentStage,
        nextStage: 0,
        text: formatText(failure.keys),
        reason: failure.message,
      };
    }
  }

  /** Gives the grant back, where the login does not come to a session. */
  abandon(): LoginGrant | undefined {
    const grant = this.#grant;
    this.#grant = undefined;
    return grant;
  }

  #failureOf(error: unknown): LoginFailure {
    if (error instanceof LoginFailure) return error;
    if (error instanceof ChapError) return new LoginFailure(loginStatus.authenticationFailure, error.message);
    if (error instanceof TextError) return new LoginFailure(loginStatus.initiatorError, error.message);
    return new LoginFailure(loginStatus.targetError, error instanceof Error ? error.message : String(error));
  }

  async #step(request: LoginRequest, data: Buffer): Promise<LoginReply> {
    this.#checkHeader(request);
    this.#textBytes += data.length;
    if (this.#textBytes > this.#limits.textBytes) {
      throw new LoginFailure(loginStatus.initiatorError, 'too much text');
    }
    this.#text.push(Buffer.from(data));
    if (request.continues) return this.#reply(request, noText, false);
    const keys = parseText(Buffer.concat(this.#text));
    this.#text = [];
    const answers: [string, string][] = [];
    if (!this.#named) {
      await this.#name(keys);
      this.#named = true;
      if (!this.#discovery) answers.push(['TargetPortalGroupTag', String(portalGroupTag)]);
    }
    if (this.#stage === stage.security) this.#security(keys, answers);
    else this.#operational(keys, answers);
    const transit = request.transit && this.#mayLeave();
    if (transit) this.#enter(request);
    return this.#reply(request, formatText(answers), transit);
  }

  #checkHeader(request: LoginRequest): void {
    const { currentStage, nextStage } = request;
    if (request.versionMin > 0) throw new LoginFailure(loginStatus.unsupportedVersion, 'only version 0 is spoken here');
    const first = this.#first;
    if (first === undefined) {
      this.#first = request;
      this.#stage = currentStage;
    } else if (request.isid !== first.isid || request.tsih !== first.tsih || request.cid !== first.cid) {
      throw new LoginFailure(loginStatus.initiatorError, 'ISID, TSIH or CID changed within the login');
    }
    if (currentStage !== this.#stage || (currentStage !== stage.security && currentStage !== stage.operational)) {
      throw new LoginFailure(loginStatus.initiatorError, `stage ${currentStage} is not the one that is due`);
    }
    if (request.transit) {
      if (request.continues) throw new LoginFailure(loginStatus.initiatorError, 'both the T and the C bit');
      if (nextStage <= currentStage || nextStage === 2) {
        throw new LoginFailure(loginStatus.initiatorError, `no way from stage ${currentStage} to ${nextStage}`);
      }
    }
  }

  async #name(keys: ReadonlyMap<string, string>): Promise<void> {
    const initiator = keys.get('InitiatorName');
    if (initiator === undefined) throw new LoginFailure(loginStatus.missingParameter, 'no InitiatorName');
    this.initiator = normalName(initiator);
    const type = keys.get('SessionType') ?? 'Normal';
    if (type === 'Discovery') {
      this.#discovery = true;
      return;
    }
    if (type !== 'Normal') throw new LoginFailure(loginStatus.unsupportedSessionType, 'an unknown session type');
    const target = keys.get('TargetName');
    if (target === undefined) throw new LoginFailure(loginStatus.missingParameter, 'no TargetName');
    this.target = normalName(target);
    const answer = await this.#directory.login(this.target, this.initiator);
    switch (answer.outcome) {
      case 'granted':
        this.#grant = answer.grant;
        if (answer.grant.chap !== undefined) this.#chap = new ChapExchange(answer.grant.chap);
        return;
      case 'refused':
        throw new LoginFailure(refusalStatus[answer.reason], `the directory refused: ${answer.reason}`);
      case 'redirected':
        throw new LoginFailure(
          answer.permanent ? loginStatus.movedPermanently : loginStatus.movedTemporarily,
          `redirected to ${answer.address}`,
          [['TargetAddress', `${answer.address},${portalGroupTag}`]],
        );
    }
  }

  #security(keys: ReadonlyMap<string, string>, answers: [string, string][]): void {
    const methods = keys.get('AuthMethod')?.split(',');
    if (methods !== undefined) {
      const wanted = this.#chap === undefined ? 'None' : 'CHAP';
      if (!methods.includes(wanted)) {
        throw new LoginFailure(loginStatus.authenticationFailure, `${wanted} is not among ${methods.join(',')}`);
      }
      answers.push(['AuthMethod', wanted]);
      this.#negotiated.add('AuthMethod');
    }
    for (const [key, offer] of keys) {
      if (key.startsWith('CHAP_') || isNaming(key)) continue;
      this.#answer(key, offer, answers);
    }
    if (this.#chap === undefined) {
      this.#authenticated = true;
      return;
    }
    if (!this.#negotiated.has('AuthMethod')) return;
    if (this.#chap.passed && ![...keys.keys()].some((key) => key.startsWith('CHAP_'))) return;
    answers.push(...this.#chap.step(keys));
    this.#authenticated = this.#chap.passed;
  }

  #operational(keys: ReadonlyMap<string, string>, answers: [string, string][]): void {
    if (!this.#mayLeaveSecurity()) {
      throw new LoginFailure(loginStatus.authenticationFailure, 'CHAP was skipped');
    }
    for (const [key, offer] of keys) if (!isNaming(key)) this.#answer(key, offer, answers);
    if (!this.#segmentDeclared) {
      answers.push(['MaxRecvDataSegmentLength', String(this.#limits.receiveSegment)]);
      this.#segmentDeclared = true;
    }
  }

  #answer(key: string, offer: string, answers: [string, string][]): void {
    if (this.#negotiated.has(key)) {
      throw new LoginFailure(loginStatus.initiatorError, `${key} was negotiated before`);
    }
    // Values of keys that we brought up ourselves; we bring up none.
    if (offer === 'Reject' || offer === 'Irrelevant' || offer === 'NotUnderstood') return;
    this.#negotiated.add(key);
    const value = negotiate(key, offer, this.#parameters, this.#limits);
    if (value !== undefined) answers.push([key, value]);
  }

  #mayLeaveSecurity(): boolean {
    return this.#chap === undefined || this.#chap.passed;
  }

  #mayLeave(): boolean {
    return this.#stage === stage.operational || (this.#authenticated && this.#mayLeaveSecurity());
  }

  #enter(request: LoginRequest): void {
    this.#stage = request.nextStage;
    if (request.nextStage !== stage.fullFeature) return;
    const parameters = this.#parameters;
    parameters.firstBurstLength = Math.min(parameters.firstBurstLength, parameters.maxBurstLength);
    this.outcome = {
      initiator: this.initiator,
      target: this.target,
      grant: this.#grant,
      isid: request.isid,
      tsih: request.tsih,
      cid: request.cid,
      parameters,
    };
  }

  #reply(request: LoginRequest, text: Buffer, transit: boolean): LoginReply {
    return {
      status: loginStatus.success,
      transit,
      currentStage: request.currentStage,
      nextStage: transit ? request.nextStage : 0,
      text,
    };
  }
}

function isNaming(key: string): boolean {
  return (namingKeys as readonly string[]).includes(key);
}

/** iSCSI names are compared in lower case (RFC 7143 §4.2.7, RFC 3722). */
function normalName(name: string): string {
  const normal = name.toLowerCase();
  if (normal.length === 0 || normal.length > longestName || !/^[a-z0-9.:-]+$/.test(normal)) {
    throw new LoginFailure(loginStatus.initiatorError, 'not an iSCSI name');
  }
  return normal;
}
