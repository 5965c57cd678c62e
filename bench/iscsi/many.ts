// Many connections: eight that all read, each measured, and a thousand that do nothing.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { formatText } from '../../src/iscsi/login/text.ts';
import { basicHeader, initiatorOpcode, loginRequest, loginResponse } from '../../src/iscsi/wire/pdu.ts';
import { median } from './compare.ts';
import { randomReads } from './loads.ts';
import { type RunningTarget } from './targets.ts';

const connections = 8;
const idle = 1_000;
const rounds = 5;

/** What eight connections at once come to, beside one alone, and how the least served of them fares. */
export async function printShares(targets: readonly RunningTarget[], seconds: number, depth: number): Promise<void> {
  const load = randomReads('', 0, 8, depth, seconds);
  const results = new Map(targets.map((target) => [target, { growth: [] as number[], share: [] as number[] }]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [{ url }, { growth, share }] of results) {
      const alone = await load.measure(url);
      const each = await Promise.all(Array.from({ length: connections }, () => load.measure(url)));
      growth.push(each.reduce((sum, value) => sum + value, 0) / alone);
      share.push(Math.min(...each) / Math.max(...each));
    }
  }
  for (const [{ name }, { growth, share }] of results) {
    process.stdout.write(
      `eight connections, 4 KiB random read, depth ${depth}, ${name}: ` +
        `${median(growth).toFixed(2)} times one connection; least / most served ${median(share).toFixed(2)}\n`,
    );
  }
}

/** Logs in and leaves it at that. */
async function logIn(target: RunningTarget, number: number): Promise<Socket> {
  const { hostname, port, pathname } = new URL(target.url.replace('iscsi:', 'http:'));
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  const isid = Buffer.from('800000000000', 'hex');
  isid.writeUInt32BE(number, 2);
  const text = formatText([
    ['InitiatorName', 'iqn.2026-01.org.mintmark:idle'],
    ['TargetName', pathname.split('/')[1] ?? ''],
    ['AuthMethod', 'None'],
  ]);
  const opcode = initiatorOpcode.login;
  const header = loginRequest.build({ opcode, immediate: true, transit: true, currentStage: 1, nextStage: 3, isid });
  basicHeader.fields.dataSegmentLength.write(header, 0, text.length);
  socket.write(Buffer.concat([header, text, Buffer.alloc((4 - (text.length % 4)) % 4)]));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  const { statusClass } = loginResponse.read(answer);
  if (statusClass !== 0) throw new Error(`${target.name} refused the login of an idle session`);
  socket.resume();
  return socket;
}

/** Memory that a thousand idle sessions cost. */
export async function printIdle(targets: readonly RunningTarget[]): Promise<void> {
  for (const target of targets) {
    const before = target.residentBytes();
    const sockets: Socket[] = [];
    for (let number = 0; number < idle; number += 1) sockets.push(await logIn(target, number));
    const kibibytes = (target.residentBytes() - before) / 1024 / idle;
    process.stdout.write(`${idle} idle sessions, ${target.name}: ${kibibytes.toFixed(1)} KiB of memory each\n`);
    for (const socket of sockets) socket.destroy();
  }
}
