// Logins step by step, without a socket.
import { describe, expect, test } from 'vitest';
import { type LoginAnswer, type LoginGrant, type TargetDirectory } from '../../../src/iscsi/directory.ts';
import { defaultLimits } from '../../../src/iscsi/limits.ts';
import { chapResponse } from '../../../src/iscsi/login/chap.ts';
import { LoginNegotiation, type LoginReply, type LoginRequest } from '../../../src/iscsi/login/negotiation.ts';
import { loginStatus } from '../../../src/iscsi/login/status.ts';
import { formatText, parseBinary, parseText } from '../../../src/iscsi/login/text.ts';

const target = 'iqn.2026-01.org.mintmark:one';
const initiator = 'iqn.2026-01.org.example:client';
const secret = 'sixteen-bytes-xx';
const open: LoginGrant = { luns: new Map(), release: () => undefined };
const guarded: LoginGrant = {
  ...open,
  chap: { name: 'anna', secret, mutual: { name: 'disk', secret: 'other-secret-yy' } },
};

function directory(answer: LoginAnswer): TargetDirectory {
  return { list: () => [target], login: () => answer };
}

const granted = (grant: LoginGrant): LoginAnswer => ({ outcome: 'granted', grant });
const names = { InitiatorName: initiator, TargetName: target, SessionType: 'Normal' };

class Client {
  readonly login: LoginNegotiation;
  constructor(answer: LoginAnswer) {
    this.login = new LoginNegotiation(directory(answer), defaultLimits);
  }

  async send(
    keys: Readonly<Record<string, string>>,
    header: Partial<LoginRequest> = {},
  ): Promise<LoginReply & { keys: Map<string, string> }> {
    const request: LoginRequest = {
      transit: false,
      continues: false,
      currentStage: 0,
      nextStage: 0,
      versionMin: 0,
      isid: '800000000000',
      tsih: 0,
      cid: 1,
      ...header,
    };
    const reply = await this.login.step(request, formatText(Object.entries(keys)));
    return { ...reply, keys: parseText(reply.text) };
  }
}

const toOperational = { transit: true, currentStage: 0, nextStage: 1 };
const toFullFeature = { transit: true, currentStage: 1, nextStage: 3 };

describe('a login without CHAP', () => {
  test('goes through both stages', async () => {
    const client = new Client(granted(open));
    const first = await client.send({ ...names, AuthMethod: 'CHAP,None' }, toOperational);
    expect(first).toMatchObject({ status: 0, transit: true, nextStage: 1 });
    expect(Object.fromEntries(first.keys)).toEqual({ TargetPortalGroupTag: '1', AuthMethod: 'None' });
    const second = await client.send(
      {
        'HeaderDigest': 'CRC32C,None',
        'DataDigest': 'None',
        'InitialR2T': 'No',
        'ImmediateData': 'Yes',
        'MaxBurstLength': '16776192',
        'FirstBurstLength': '262144',
        'MaxConnections': '8',
        'ErrorRecoveryLevel': '2',
        'MaxRecvDataSegmentLength': '131072',
        'MaxOutstandingR2T': '4',
        'X-org.example': '1',
        'IFMarker': 'No',
      },
      toFullFeature,
    );
    expect(Object.fromEntries(second.keys)).toEqual({
      'HeaderDigest': 'CRC32C',
      'DataDigest': 'None',
      'InitialR2T': 'No',
      'ImmediateData': 'Yes',
      'MaxBurstLength': '1048576',
      'FirstBurstLength': '262144',
      'MaxConnections': '1',
      'ErrorRecoveryLevel': '0',
      'MaxOutstandingR2T': '4',
      'X-org.example': 'NotUnderstood',
      'IFMarker': 'No',
      'MaxRecvDataSegmentLength': '262144',
    });
    expect(client.login.outcome).toMatchObject({
      initiator,
      target,
      parameters: { headerDigest: true, dataDigest: false, initialR2T: false, sendSegment: 131_072 },
    });
  });

  test('text may come in parts', async () => {
    const client = new Client(granted(open));
    const first = await client.send({ InitiatorName: initiator }, { continues: true });
    expect(first).toMatchObject({ status: 0, transit: false });
    const second = await client.send({ TargetName: target }, toOperational);
    expect(second).toMatchObject({ status: 0, transit: true });
  });

  test.each([
    ['no name', {}, {}, loginStatus.missingParameter],
    ['no target', { InitiatorName: initiator }, {}, loginStatus.missingParameter],
    ['another version', names, { versionMin: 1 }, loginStatus.unsupportedVersion],
    ['a strange session', { ...names, SessionType: 'Strange' }, {}, loginStatus.unsupportedSessionType],
    ['a way back', names, { transit: true, currentStage: 1, nextStage: 0 }, loginStatus.initiatorError],
    ['stage 2', names, { currentStage: 2 }, loginStatus.initiatorError],
    ['T and C', names, { ...toOperational, continues: true }, loginStatus.initiatorError],
    ['only Kerberos', { ...names, AuthMethod: 'KRB5' }, {}, loginStatus.authenticationFailure],
    ['a bad number', { ...names, MaxBurstLength: '12' }, { currentStage: 1 }, loginStatus.initiatorError],
    ['no Yes or No', { ...names, InitialR2T: 'maybe' }, { currentStage: 1 }, loginStatus.initiatorError],
  ])('is refused with %s', async (_what, keys, header, status) => {
    const reply = await new Client(granted(open)).send(keys, header);
    expect(reply.status).toBe(status);
  });

  test('is refused or sent elsewhere as the directory says', async () => {
    const refused = await new Client({ outcome: 'refused', reason: 'forbidden' }).send(names, toOperational);
    expect(refused.status).toBe(loginStatus.authorizationFailure);
    const away = { outcome: 'redirected', address: '192.0.2.7:3260', permanent: false } as const;
    const redirected = await new Client(away).send(names, toOperational);
    expect(redirected.status).toBe(loginStatus.movedTemporarily);
    expect(redirected.keys.get('TargetAddress')).toBe('192.0.2.7:3260,1');
  });

  test('a key that comes twice, or an ISID that changes, ends it', async () => {
    const client = new Client(granted(open));
    await client.send({ ...names, AuthMethod: 'None' }, toOperational);
    await client.send({ InitialR2T: 'No' }, { currentStage: 1 });
    const twice = await client.send({ InitialR2T: 'No' }, { currentStage: 1 });
    expect(twice.status).toBe(loginStatus.initiatorError);
    const other = new Client(granted(open));
    await other.send({ ...names, AuthMethod: 'None' }, toOperational);
    const changed = await other.send({}, { currentStage: 1, isid: '800000000001' });
    expect(changed.status).toBe(loginStatus.initiatorError);
  });
});

async function challenge(client: Client, algorithms: string): Promise<Map<string, string>> {
  await client.send({ ...names, AuthMethod: 'CHAP,None' });
  const { keys } = await client.send({ CHAP_A: algorithms });
  return keys;
}

const respond = (keys: ReadonlyMap<string, string>, password: string): Record<string, string> => {
  const bytes = parseBinary(keys.get('CHAP_C') ?? '', 1024);
  const proof = chapResponse(keys.get('CHAP_A') ?? '', Number(keys.get('CHAP_I')), password, bytes);
  return { CHAP_N: 'anna', CHAP_R: `0x${proof.toString('hex')}` };
};

describe('CHAP', () => {
  test.each(['5', '6', '7', '8'])('algorithm %s lets in who knows the secret', async (algorithm) => {
    const client = new Client(granted(guarded));
    const keys = await challenge(client, `99,${algorithm}`);
    expect(keys.get('CHAP_A')).toBe(algorithm);
    const reply = await client.send(respond(keys, secret), toOperational);
    expect(reply).toMatchObject({ status: 0, transit: true });
  });

  test('the response may be base64', async () => {
    const client = new Client(granted(guarded));
    const keys = await challenge(client, '7');
    const { CHAP_R } = respond(keys, secret);
    const base64 = Buffer.from((CHAP_R ?? '').slice(2), 'hex').toString('base64');
    const reply = await client.send({ CHAP_N: 'anna', CHAP_R: `0b${base64}` }, toOperational);
    expect(reply.status).toBe(0);
  });

  test('a wrong secret or name is refused, and so is a way around it', async () => {
    const wrong = new Client(granted(guarded));
    const reply = await wrong.send(respond(await challenge(wrong, '5'), 'not-the-secret'), toOperational);
    expect(reply.status).toBe(loginStatus.authenticationFailure);
    const otherName = new Client(granted(guarded));
    const proof = respond(await challenge(otherName, '5'), secret);
    const named = await otherName.send({ ...proof, CHAP_N: 'otto' }, toOperational);
    expect(named.status).toBe(loginStatus.authenticationFailure);
    const skipped = await new Client(granted(guarded)).send(names, { ...toFullFeature });
    expect(skipped.status).toBe(loginStatus.authenticationFailure);
    const none = await new Client(granted(guarded)).send({ ...names, AuthMethod: 'None' }, toOperational);
    expect(none.status).toBe(loginStatus.authenticationFailure);
    const silent = await new Client(granted(guarded)).send(names, toOperational);
    expect(silent).toMatchObject({ status: 0, transit: false });
  });

  test('the target proves itself, but not against its own challenge', async () => {
    const client = new Client(granted(guarded));
    const keys = await challenge(client, '7');
    const mine = Buffer.alloc(16, 9);
    const proof = { ...respond(keys, secret), CHAP_I: '77', CHAP_C: `0x${mine.toString('hex')}` };
    const reply = await client.send(proof, toOperational);
    expect(reply.status).toBe(0);
    expect(reply.keys.get('CHAP_N')).toBe('disk');
    const expected = chapResponse('7', 77, 'other-secret-yy', mine).toString('hex');
    expect(reply.keys.get('CHAP_R')).toBe(`0x${expected}`);
    const mirror = new Client(granted(guarded));
    const theirs = await challenge(mirror, '7');
    const reflected = { ...respond(theirs, secret), CHAP_I: '1', CHAP_C: theirs.get('CHAP_C') ?? '' };
    expect((await mirror.send(reflected, toOperational)).status).toBe(loginStatus.authenticationFailure);
  });
});
