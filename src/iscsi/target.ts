// The iSCSI target: listens on its portals, keeps the sessions, and shares the state of disks between them.
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { sectorBytes } from '../block/device.ts';
import { type Clock, systemClock } from './clock.ts';
import { type LoginGrant, type TargetDirectory } from './directory.ts';
import { defaultLimits, type TargetLimits } from './limits.ts';
import { LoginNegotiation, type LoginOutcome } from './login/negotiation.ts';
import { type UnitPath } from './scsi/command.ts';
import { LogicalUnit } from './scsi/logical-unit.ts';
import { Connection, type ConnectionHost } from './session/connection.ts';
import { receiveBytes } from './session/incoming.ts';
import { OpenSessions } from './session/open-sessions.ts';
import { Session } from './session/session.ts';
import { type ByteBudget } from './session/task.ts';
import { BufferPool } from './wire/buffer-pool.ts';

export interface Portal {
  readonly host: string;
  /** 0 asks for any free port. */
  readonly port: number;
}

export type TargetLog = (level: 'info' | 'warn', message: string, details: Readonly<Record<string, unknown>>) => void;

export interface TargetOptions {
  readonly portals: readonly Portal[];
  readonly directory: TargetDirectory;
  readonly log?: TargetLog;
  readonly limits?: Partial<TargetLimits>;
  readonly clock?: Clock;
}

/** A session as an administrator sees it. */
export interface SessionDescription {
  readonly initiator: string;
  /** Undefined for a discovery session. */
  readonly target: string | undefined;
  /** host:port of the initiator. */
  readonly peer: string;
}

export interface Target {
  /** Where it listens, in the order of the options, with the ports in use. */
  readonly portals: readonly Portal[];
  /** How many are connected, logged in or not. */
  readonly connections: number;
  /** Bytes of answers that initiators have not taken yet. */
  readonly outgoingBytes: number;
  sessions(): readonly SessionDescription[];
  /**
   * Ends the sessions of a target name, or of one initiator there: a volume was detached. Their initiators are asked to
   * log out first. Resolves once their grants are released.
   */
  endSessions(target: string, initiator?: string): Promise<void>;
  /** Tells the initiators of the disk that its size has changed. */
  capacityChanged(identity: string): void;
  /** Stops listening, ends all sessions in the same way and waits until their grants are released. */
  close(): Promise<void>;
}

const defaultPhysicalBlock = 512;
const sweepMilliseconds = 1_000;
/** CAPACITY DATA HAS CHANGED. */
const capacityHasChanged = 0x2a09;

class IscsiTarget implements ConnectionHost, Target {
  portals: readonly Portal[] = [];
  readonly limits: TargetLimits;
  readonly pool = new BufferPool(32);
  readonly outgoing = { used: 0 };
  readonly receiveBuffer = Buffer.allocUnsafeSlow(receiveBytes);
  readonly #options: TargetOptions;
  readonly #clock: Clock;
  readonly #budget: ByteBudget;
  readonly #servers: Server[] = [];
  readonly #connections = new Set<Connection>();
  /** Those that have not logged in, the oldest first. */
  readonly #logins = new Set<Connection>();
  readonly #sessions = new OpenSessions();
  readonly #units = new Map<string, LogicalUnit>();
  readonly #endings = new Set<Promise<void>>();
  #stopSweep: () => void = () => undefined;

  constructor(options: TargetOptions) {
    this.#options = options;
    this.limits = { ...defaultLimits, ...options.limits };
    this.#budget = { used: 0, limit: this.limits.totalBytes };
    this.#clock = options.clock ?? systemClock;
  }

  async listen(): Promise<void> {
    const bound: Portal[] = [];
    for (const portal of this.#options.portals) {
      const server = createServer({ pauseOnConnect: true }, (socket) => this.#accept(socket));
      this.#servers.push(server);
      server.listen(portal.port, portal.host);
      await once(server, 'listening');
      server.on('error', (error) => this.log('warn', 'a portal failed', { error: error.message }));
      bound.push({ host: portal.host, port: (server.address() as AddressInfo).port });
    }
    this.portals = bound;
    this.#stopSweep = this.#clock.every(sweepMilliseconds, () => {
      const now = this.#clock.now();
      for (const connection of this.#connections) connection.sweep(now);
    });
  }

  async close(): Promise<void> {
    for (const server of this.#servers) server.close();
    for (const connection of this.#connections) connection.retire('the target stops');
    await Promise.allSettled(this.#endings);
    this.#stopSweep();
    for (const connection of this.#connections) connection.drop('the target stops');
  }

  get connections(): number {
    return this.#connections.size;
  }

  get outgoingBytes(): number {
    return this.outgoing.used;
  }

  sessions(): readonly SessionDescription[] {
    return this.#sessions.all().map(({ outcome, connection }) => ({
      initiator: outcome.initiator,
      target: outcome.target,
      peer: connection.peer,
    }));
  }

  async endSessions(target: string, initiator?: string): Promise<void> {
    const meant = this.#sessions.of(target, initiator);
    for (const { connection } of meant) connection.retire('ended by the administrator');
    await Promise.allSettled(meant.map(({ connection }) => connection.ended));
  }

  capacityChanged(identity: string): void {
    this.#units.get(identity)?.attendAll(capacityHasChanged);
  }

  // What connections ask for:

  now(): number {
    return this.#clock.now();
  }

  log(level: 'info' | 'warn', message: string, details: Readonly<Record<string, unknown>>): void {
    this.#options.log?.(level, message, details);
  }

  newLogin(): LoginNegotiation {
    return new LoginNegotiation(this.#options.directory, this.limits);
  }

  async releaseGrant(grant: LoginGrant): Promise<void> {
    await grant.release();
  }

  closed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#logins.delete(connection);
    const session = this.#sessions.remove(connection);
    for (const { unit } of session?.paths.values() ?? []) {
      if (!unit.worthKeeping) this.#units.delete(unit.identity);
    }
  }

  openSession(
    connection: Connection,
    outcome: LoginOutcome,
    statSn: number,
    expCmdSn: number,
  ): { readonly session: Session; readonly tsih: number } | number {
    const admitted = this.#sessions.admit(outcome);
    if (typeof admitted === 'number') return admitted;
    const { tsih, replaced } = admitted;
    // The old session ends before the new one begins.
    replaced?.connection.drop('the initiator has logged in again');
    const session = this.#makeSession(connection, outcome, statSn, expCmdSn);
    this.#logins.delete(connection);
    this.#sessions.add({ connection, session, outcome, tsih });
    const { initiator, target } = outcome;
    this.log('info', 'an initiator has logged in', { peer: connection.peer, initiator, target });
    return { session, tsih };
  }

  #makeSession(connection: Connection, outcome: LoginOutcome, statSn: number, expCmdSn: number): Session {
    const nexus = `${outcome.initiator},i,0x${outcome.isid}`;
    const paths = new Map<number, UnitPath>();
    const grants = [...(outcome.grant?.luns ?? [])].sort(([left], [right]) => left - right);
    const luns = grants.map(([lun]) => lun);
    for (const [lun, { device, identity, readOnly, physicalBlockBytes }] of grants) {
      paths.set(lun, {
        unit: this.#unit(identity, physicalBlockBytes ?? defaultPhysicalBlock),
        device,
        readOnly: readOnly || device.readOnly,
        maxBlocks: this.limits.transferBytes / sectorBytes,
        nexus,
        luns,
        lun,
        siblings: () => [...paths.values()],
      });
    }
    return new Session(
      {
        writer: connection.writer,
        limits: this.limits,
        budget: this.#budget,
        now: () => this.#clock.now(),
        discovery: outcome.target === undefined,
        listTargets: async () => await this.#options.directory.list(outcome.initiator),
        targetName: outcome.target,
        portalAddress: connection.portalAddress,
        finish: (reason) => connection.finish(reason),
        drop: (reason) => connection.drop(reason),
        room: () => connection.room(),
        suspend: () => connection.suspend(),
        resume: () => connection.resume(),
        endAllSessions: () => this.#endAllOf(outcome.target),
        warn: (message, error) =>
          this.log('warn', message, {
            initiator: outcome.initiator,
            target: outcome.target,
            error: error instanceof Error ? error.message : error,
          }),
      },
      outcome.parameters,
      paths,
      nexus,
      statSn,
      expCmdSn,
    );
  }

  #unit(identity: string, physicalBlockBytes: number): LogicalUnit {
    let unit = this.#units.get(identity);
    if (unit === undefined) {
      unit = new LogicalUnit(identity, physicalBlockBytes);
      this.#units.set(identity, unit);
    }
    return unit;
  }

  #endAllOf(target: string | undefined): void {
    for (const { connection } of this.#sessions.of(target)) connection.finish('target cold reset');
  }

  #remember(ending: Promise<void>): void {
    this.#endings.add(ending);
    ending.then(
      () => this.#endings.delete(ending),
      (error: unknown) => {
        this.#endings.delete(ending);
        this.log('warn', 'a disk was not given back', { error: error instanceof Error ? error.message : error });
      },
    );
  }

  /** Whoever opens connections and does not log in drives out his like, not those who have or who do. */
  #accept(socket: Socket): void {
    const { logins, connections } = this.limits;
    if (this.#logins.size >= logins || this.#connections.size >= connections) {
      const [oldest] = this.#logins;
      oldest?.drop('too many logins at once');
    }
    if (this.#connections.size >= connections) {
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, this);
    this.#connections.add(connection);
    this.#logins.add(connection);
    this.#remember(connection.ended);
  }
}

/** Starts a target (RFC 7143). Rejects where a portal cannot be listened on. */
export async function createTarget(options: TargetOptions): Promise<Target> {
  const target = new IscsiTarget(options);
  try {
    await target.listen();
  } catch (error) {
    await target.close();
    throw error;
  }
  return target;
}
