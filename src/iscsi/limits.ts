// Every bound of the target in one place.

export interface TargetLimits {
  /** Connections at once, logged in or not. */
  readonly connections: number;
  /** Of these, the ones that have not logged in: the oldest makes room for a new one. */
  readonly logins: number;
  /** Milliseconds from the connection to the end of its login. */
  readonly loginMilliseconds: number;
  /** Milliseconds without a byte from the initiator, after which it is pinged; as long again, and it is gone. */
  readonly idleMilliseconds: number;
  /** Milliseconds that a command waits for the disk before it is answered BUSY. */
  readonly busyMilliseconds: number;
  /** Milliseconds that a command waits for its data from the initiator before the connection is dropped. */
  readonly dataMilliseconds: number;
  /** Milliseconds that an initiator has to log out where a disk is detached or the target stops; 0 does not ask it. */
  readonly logoutMilliseconds: number;
  /** Commands at once in one session. */
  readonly queueDepth: number;
  /** Longest data segment that we take, in bytes: our MaxRecvDataSegmentLength. */
  readonly receiveSegment: number;
  /** Upper bounds of what is negotiated, in bytes. */
  readonly firstBurst: number;
  readonly maxBurst: number;
  /** Bytes that one command may move; reported as MAXIMUM TRANSFER LENGTH (SBC-3 §6.6.4). */
  readonly transferBytes: number;
  /** Bytes of commands in progress in one session, beyond which commands are answered TASK SET FULL. */
  readonly sessionBytes: number;
  /** The same over all sessions. */
  readonly totalBytes: number;
  /** Bytes waiting for one initiator to take them, beyond which nothing more is read from it. */
  readonly sendBacklog: number;
  /** The same for each while all together have more than `totalBacklog` bytes waiting. */
  readonly leastBacklog: number;
  readonly totalBacklog: number;
  /** Bytes of text that a login or text negotiation may come to. */
  readonly textBytes: number;
}

export const defaultLimits: TargetLimits = {
  connections: 4096,
  logins: 512,
  loginMilliseconds: 15_000,
  idleMilliseconds: 30_000,
  busyMilliseconds: 8_000,
  dataMilliseconds: 60_000,
  logoutMilliseconds: 2_000,
  queueDepth: 128,
  receiveSegment: 256 * 1024,
  firstBurst: 256 * 1024,
  maxBurst: 1024 * 1024,
  transferBytes: 32 * 1024 * 1024,
  sessionBytes: 128 * 1024 * 1024,
  totalBytes: 512 * 1024 * 1024,
  sendBacklog: 4 * 1024 * 1024,
  leastBacklog: 64 * 1024,
  totalBacklog: 256 * 1024 * 1024,
  textBytes: 64 * 1024,
};
