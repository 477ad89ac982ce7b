// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ApiError,
  createManagementApi,
  type ManagementApi,
  type ManagementApiOptions,
} from '@vnfpool/daemons/management-api';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { edgeState, event, NOW, traffic } from './edge-state.ts';
import { FakeBackend } from './fake-backend.ts';
import { ask, OpenStream, type Target } from './http.ts';

const TOKEN = 'a-token-that-is-long-enough';
const { updatedAt: _updatedAt, history: _history, ...report } = traffic;
const bearer = { authorization: `Bearer ${TOKEN}` };

let folder: string;
let backend: FakeBackend;
let api: ManagementApi;
let logged: unknown[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vnfpool-api-'));
  backend = new FakeBackend(edgeState());
  logged = [];
  api = make();
});

afterEach(async () => {
  await api.close();
  await rm(folder, { recursive: true, force: true });
});

function make(options: Partial<ManagementApiOptions> = {}): ManagementApi {
  return createManagementApi(backend, { log: { error: (fields) => logged.push(fields) }, ...options });
}

async function overUnix(): Promise<Target> {
  const socketPath = join(folder, 'api.sock');
  await api.listenUnix(socketPath);
  return { socketPath };
}

async function overTcp(): Promise<{ host: string; port: number }> {
  return api.listenTcp('127.0.0.1', 0, TOKEN);
}

function errorCode(answer: { json: unknown }): unknown {
  return (answer.json as { error?: { code?: unknown } } | undefined)?.error?.code;
}

describe('Unix socket', () => {
  test('only its owner may open it', async () => {
    await overUnix();
    expect((await stat(join(folder, 'api.sock'))).mode & 0o777).toBe(0o600);
  });

  test('the socket of a dead server is replaced, that of a live one is not', async () => {
    await writeFile(join(folder, 'api.sock'), '');
    const target = await overUnix();
    const second = make();
    await expect(second.listenUnix(join(folder, 'api.sock'))).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await second.close();
    expect((await ask(target, 'GET', '/healthz')).status).toBe(200);
  });

  test('close takes the socket away and lets go of the backend', async () => {
    await overUnix();
    expect(backend.subscribers).toBe(1);
    await api.close();
    await expect(stat(join(folder, 'api.sock'))).rejects.toMatchObject({ code: 'ENOENT' });
    expect(backend.subscribers).toBe(0);
  });

  test('a path that is too long is refused, and nothing is left behind', async () => {
    const long = join(folder, 'x'.repeat(120));
    await expect(api.listenUnix(long)).rejects.toThrow(RangeError);
  });
});

describe('lists', () => {
  test.each([
    ['/v1/sets', 1],
    ['/v1/sets?pool=web', 1],
    ['/v1/sets?pool=none', 0],
    ['/v1/pools', 2],
    ['/v1/pools?pool=web', 1],
    ['/v1/instances', 3],
    ['/v1/instances?pool=calc', 0],
    ['/v1/nodes', 2],
    ['/v1/nodes?pool=web', 2],
    ['/v1/nodes?pool=calc', 0],
    ['/v1/slots?pool=web', 1],
    ['/v1/failovers?pool=web', 1],
    ['/v1/failovers?pool=calc', 0],
    ['/v1/traffic', 1],
    ['/v1/traffic?pool=calc', 0],
    ['/v1/events', 3],
    ['/v1/events?pool=web', 2],
    ['/v1/events?limit=1', 1],
    ['/v1/tokens', 1],
  ])('GET %s has %i items', async (path, count) => {
    const answer = await ask(await overUnix(), 'GET', path);
    expect(answer.status).toBe(200);
    expect((answer.json as { items: unknown[] }).items).toHaveLength(count);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('events read from old to new; `since` leaves out what is known', async () => {
    const target = await overUnix();
    const ids = async (path: string): Promise<number[]> =>
      ((await ask(target, 'GET', path)).json as { items: { id: number }[] }).items.map(({ id }) => id);
    expect(await ids('/v1/events')).toEqual([1, 2, 3]);
    expect(await ids('/v1/events?limit=2')).toEqual([2, 3]);
    expect(await ids('/v1/events?since=1')).toEqual([2, 3]);
    expect(await ids('/v1/events?since=0&limit=1')).toEqual([1]);
    expect(await ids('/v1/events?since=3')).toEqual([]);
  });

  test('GET /v1/state is everything at once', async () => {
    expect((await ask(await overUnix(), 'GET', '/v1/state')).json).toEqual(edgeState());
  });

  test.each(['?limit=-1', '?limit=1001', '?since=x', '?since=1&since=2', '?pool='])(
    'GET /v1/events%s is refused',
    async (query) => {
      const answer = await ask(await overUnix(), 'GET', `/v1/events${query}`);
      expect([answer.status, errorCode(answer)]).toEqual([400, 'invalid-request']);
    },
  );
});

describe('commands', () => {
  test.each([
    ['POST', '/v1/plan', { text: 'set: edge', file: 'set.yaml' }, 200, 'plan'],
    ['POST', '/v1/apply', { text: 'set: edge', file: 'set.yaml' }, 200, 'apply'],
    ['DELETE', '/v1/sets/edge', undefined, 204, 'remove'],
    ['POST', '/v1/handover', { pool: 'web', slot: 0 }, 202, 'handover'],
    ['POST', '/v1/handover', { pool: 'web', slot: 0, to: 'web#2' }, 202, 'handover'],
    ['POST', '/v1/move', { instance: 'web#1', to: 'node-d' }, 202, 'move'],
    ['POST', '/v1/move', { instance: 'web#1', cancel: true }, 202, 'move'],
    ['POST', '/v1/move-sessions', { from: 'web#1', to: 'web#2', ratio: 0.3 }, 202, 'moveSessions'],
    ['POST', '/v1/drain', { node: 'node-a' }, 202, 'drain'],
    ['POST', '/v1/drain', { node: 'node-a', cancel: true }, 202, 'drain'],
    ['POST', '/v1/council/force', { members: ['node-a'], othersAreDead: true }, 202, 'forceCouncil'],
    ['POST', '/v1/maintenance', { node: 'node-a', forMs: 7_200_000, force: true }, 202, 'maintenance'],
    ['POST', '/v1/upgrade', { pool: 'web', action: 'rollback' }, 202, 'upgrade'],
    ['POST', '/v1/tokens', { role: 'node', name: 'node-c', ttlMs: 60_000 }, 201, 'createToken'],
    ['GET', '/v1/explain/pools/web', undefined, 200, 'explain'],
    ['GET', '/v1/explain/slots/web/0', undefined, 200, 'explainSlot'],
    ['GET', '/v1/metrics', undefined, 200, 'metrics'],
  ])('%s %s', async (method, path, body, status, what) => {
    const answer = await ask(await overUnix(), method, path, { body });
    expect(answer.status).toBe(status);
    expect(backend.asked.map((call) => call.what)).toEqual([what]);
    if (method === 'POST') expect(backend.asked[0]?.with).toEqual(body);
  });

  test('thaw says nothing but that it is meant', async () => {
    const at = await overUnix();
    expect((await ask(at, 'POST', '/v1/thaw', { body: {} })).status).toBe(204);
    expect(backend.asked).toEqual([{ what: 'thaw', with: undefined }]);
    expect((await ask(at, 'POST', '/v1/thaw', { body: { set: 'edge' } })).status).toBe(400);
    backend.refusal = new ApiError(409, 'not-ready', 'Nothing is frozen.');
    expect(errorCode(await ask(at, 'POST', '/v1/thaw', { body: {} }))).toBe('not-ready');
  });

  test.each(['web/x', 'web/-1', 'web/7', 'web/123456'])('there is no slot %s to explain', async (name) => {
    const answer = await ask(await overUnix(), 'GET', `/v1/explain/slots/${name}`);
    expect([answer.status, errorCode(answer)]).toEqual([404, 'not-found']);
  });

  test('a traffic report reaches the backend', async () => {
    const answer = await ask(await overUnix(), 'POST', '/v1/traffic', {
      body: { ...report, failingSince: NOW },
    });
    expect(answer.status).toBe(204);
    expect(backend.asked).toEqual([{ what: 'reportTraffic', with: { ...report, failingSince: NOW } }]);
  });

  test('metrics are Prometheus text', async () => {
    const answer = await ask(await overUnix(), 'GET', '/v1/metrics');
    expect(answer.headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(answer.text).toBe('vnfpool_slots_held 1\n');
  });

  test.each([
    ['/v1/plan', { file: 'a' }, 'text is missing'],
    ['/v1/plan', { text: 1, file: 'a' }, 'text must be string'],
    ['/v1/plan', { text: 'a', file: 'a', colour: 'red' }, 'has an unknown property "colour"'],
    ['/v1/handover', { pool: 'web', slot: '0' }, 'slot must be integer'],
    ['/v1/handover', { pool: 'web', slot: -1 }, 'slot must be >= 0'],
    ['/v1/move', { instance: 'web' }, 'instance must match pattern'],
    ['/v1/move', { to: 'node-d' }, 'instance is missing'],
    ['/v1/move-sessions', { from: 'web#1', to: 'web#2', ratio: 1.5 }, 'ratio must be <= 1'],
    ['/v1/move-sessions', { from: 'web#1', to: 'web#2', count: 0.5 }, 'count must be integer'],
    ['/v1/drain', { node: 'node-a', cancel: 'no' }, 'cancel must be boolean'],
    ['/v1/council/force', { members: ['node-a'] }, 'othersAreDead is missing'],
    [
      '/v1/council/force',
      { members: ['node-a'], othersAreDead: false },
      'othersAreDead must be equal to constant',
    ],
    ['/v1/handover', { pool: '../web', slot: 0 }, 'pool must match pattern'],
    ['/v1/maintenance', { node: 'node-a', forMs: 1 }, 'forMs must be >= 1000'],
    ['/v1/upgrade', { pool: 'web', action: 'undo' }, 'action must be one of pause, resume, rollback'],
    [
      '/v1/tokens',
      { role: 'root', name: 'a', ttlMs: 5_000 },
      'role must be one of node, registrar, element, user',
    ],
    ['/v1/tokens', { role: 'node', name: 'a', ttlMs: 5 }, 'ttlMs must be >= 1000'],
    ['/v1/traffic', { ...traffic }, 'has an unknown property "updatedAt"'],
    ['/v1/traffic', { ...report, series: [{ at: 1, ok: 1.5, failed: 0 }] }, 'series.0.ok must be integer'],
    [
      '/v1/traffic',
      { ...report, outages: Array.from({ length: 101 }, () => ({ lastOkAt: 1, firstOkAt: 2, failed: 0 })) },
      'outages must NOT have more than 100 items',
    ],
  ])('POST %s, bad body %#, is refused with its reason', async (path, body, message) => {
    const answer = await ask(await overUnix(), 'POST', path, { body });
    expect([answer.status, errorCode(answer)]).toEqual([400, 'invalid-request']);
    expect(answer.text).toContain(JSON.stringify(message).slice(1, -1));
    expect(backend.asked).toEqual([]);
  });
});

describe('errors', () => {
  test('a refusal keeps its status, code and faults', async () => {
    const faults = [
      { file: 'set.yaml', line: 3, column: 5, path: 'pools.web.slots', message: 'must be a number' },
    ];
    backend.refusal = new ApiError(422, 'declaration-invalid', 'the declaration has 1 fault', faults);
    const answer = await ask(await overUnix(), 'POST', '/v1/apply', {
      body: { text: 'x', file: 'set.yaml' },
    });
    expect(answer.status).toBe(422);
    expect(answer.json).toEqual({
      error: { code: 'declaration-invalid', message: 'the declaration has 1 fault', faults },
    });
  });

  test('an accident is logged, and its text stays inside', async () => {
    backend.refusal = new Error('secret path /etc/shadow');
    const answer = await ask(await overUnix(), 'POST', '/v1/apply', { body: { text: 'x', file: 'y' } });
    expect([answer.status, errorCode(answer)]).toEqual([500, 'internal']);
    expect(answer.text).not.toContain('shadow');
    expect(logged).toMatchObject([{ err: backend.refusal, method: 'POST', url: '/v1/apply' }]);
  });

  test.each([
    ['GET', '/v1/nothing', {}, 404, 'not-found'],
    ['GET', '/v1', {}, 404, 'not-found'],
    ['PUT', '/v1/state', {}, 404, 'not-found'],
    ['GET', '/v1/explain/pools/none', {}, 404, 'not-found'],
    ['DELETE', '/v1/sets/none', {}, 404, 'not-found'],
    ['POST', '/v1/lab', { body: { action: 'kill', target: 'web#1' } }, 404, 'not-found'],
    ['POST', '/v1/plan', { body: '{"text":' }, 400, 'invalid-request'],
    ['POST', '/v1/plan', { body: '{"__proto__":{"a":1}}' }, 400, 'invalid-request'],
    ['POST', '/v1/plan', { body: 'text', headers: { 'content-type': 'text/plain' } }, 415, 'json-only'],
    [
      'POST',
      '/v1/plan',
      { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'json-only',
    ],
    ['POST', '/v1/plan', { body: { text: 'x'.repeat(1024 * 1024), file: 'a' } }, 413, 'body-too-large'],
    ['GET', '/%zz', {}, 400, 'invalid-request'],
  ])('%s %s → an ErrorView', async (method, path, options, status, code) => {
    const answer = await ask(await overUnix(), method, path, options);
    expect([answer.status, errorCode(answer)]).toEqual([status, code]);
    expect(backend.asked).toEqual([]);
  });
});

describe('TCP', () => {
  test.each([
    ['no token', {}, 401, 'unauthorized'],
    ['a wrong token', { authorization: 'Bearer a-token-that-is-long-enougH' }, 401, 'unauthorized'],
    ['a prefix of the token', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }, 401, 'unauthorized'],
    ['another scheme', { authorization: `Basic ${TOKEN}` }, 401, 'unauthorized'],
    ['an empty token', { authorization: 'Bearer ' }, 401, 'unauthorized'],
    ['the token', bearer, 200, undefined],
    ['a strange Host', { ...bearer, host: 'evil.example' }, 403, 'host-refused'],
    ['a Host that begins like ours', { ...bearer, host: 'localhost.evil.example' }, 403, 'host-refused'],
    ['a Host with a user part', { ...bearer, host: 'localhost@evil.example' }, 403, 'host-refused'],
    ['localhost', { ...bearer, host: 'localhost:1' }, 200, undefined],
    ['a configured name', { ...bearer, host: 'Pool.example:1' }, 200, undefined],
    ['a page of ours', { ...bearer, host: 'localhost:1', origin: 'http://localhost:1' }, 200, undefined],
    [
      'a page of another port',
      { ...bearer, host: 'localhost:1', origin: 'http://localhost:2' },
      403,
      'origin-refused',
    ],
    ['a page of a stranger', { ...bearer, origin: 'https://evil.example' }, 403, 'origin-refused'],
    ['a page of nowhere', { ...bearer, origin: 'null' }, 403, 'origin-refused'],
  ])('with %s', async (_what, headers, status, code) => {
    await api.close();
    api = make({ hostNames: ['pool.example'] });
    const answer = await ask(await overTcp(), 'GET', '/v1/pools', { headers });
    expect([answer.status, errorCode(answer)]).toEqual([status, code]);
  });

  test.each([
    ['GET', '/v1/state'],
    ['GET', '/v1/stream'],
    ['GET', '/v1/metrics'],
    ['GET', '/v1/tokens'],
    ['GET', '/v1/nothing'],
    ['GET', '/%76%31/state'],
    ['GET', '//v1/state'],
    ['GET', '/v1/state?x=1'],
    ['POST', '/v1/apply'],
    ['POST', '/anything'],
    ['DELETE', '/v1/sets/edge'],
  ])('%s %s gives nothing without token', async (method, path) => {
    const answer = await ask(await overTcp(), method, path);
    expect([401, 404]).toContain(answer.status);
    expect(answer.text).not.toContain('web');
    expect(backend.asked).toEqual([]);
    expect(backend.stateCalls).toBe(0);
  });

  test('healthz needs no token; a refusal says what is wanted', async () => {
    const target = await overTcp();
    expect((await ask(target, 'GET', '/healthz')).status).toBe(200);
    expect((await ask(target, 'GET', '/v1/state')).headers['www-authenticate']).toBe('Bearer');
  });

  test.each(['', 'short', 'long enough but with blanks'])('the token %j is refused', async (token) => {
    await expect(api.listenTcp('127.0.0.1', 0, token)).rejects.toThrow(RangeError);
  });
});

describe('page', () => {
  beforeEach(async () => {
    const page = join(folder, 'page');
    await mkdir(join(page, 'assets'), { recursive: true });
    await writeFile(join(page, 'index.html'), '<!doctype html>page');
    await writeFile(join(page, 'assets', 'page-1a2b.js'), 'export {};');
    await writeFile(join(page, '.secret.txt'), 'hidden');
    await writeFile(join(page, 'program.sh'), 'of no known kind');
    await writeFile(join(folder, 'outside.txt'), 'outside');
    await symlink(join(folder, 'outside.txt'), join(page, 'link.txt'));
    await api.close();
    api = make({ pageDirectory: page });
  });

  test('index.html needs no token, is always asked for again, and has a strict policy', async () => {
    const target = await overTcp();
    const answer = await ask(target, 'GET', '/');
    expect([answer.status, answer.text]).toEqual([200, '<!doctype html>page']);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['cache-control']).toBe('no-cache');
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    const again = await ask(target, 'GET', '/index.html', {
      headers: { 'if-none-match': answer.headers.etag ?? '' },
    });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  test('files with a digest in their name are kept', async () => {
    const answer = await ask(await overTcp(), 'GET', '/assets/page-1a2b.js?x');
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/javascript; charset=utf-8']);
    expect(answer.headers['cache-control']).toContain('immutable');
  });

  test.each([
    '/../outside.txt',
    '/%2e%2e/outside.txt',
    '/..%2foutside.txt',
    '/assets/../../outside.txt',
    '/assets/..%5c..%5coutside.txt',
    '/link.txt',
    '/.secret.txt',
    '/program.sh',
    '/assets',
    '/assets/',
    '/index.html%00.txt',
    '/none.js',
    `/${'a'.repeat(300)}.js`,
  ])('GET %s is not found', async (path) => {
    const answer = await ask(await overTcp(), 'GET', path);
    expect([answer.status, errorCode(answer)]).toEqual([404, 'not-found']);
    expect(answer.text).not.toContain('hidden');
  });

  test('without a page the root says so', async () => {
    await api.close();
    api = make();
    const answer = await ask(await overTcp(), 'GET', '/');
    expect(answer.status).toBe(404);
    expect(answer.text).toContain('not part of this installation');
  });
});

test('event() and the state agree', () => {
  expect(edgeState().events[2]).toEqual(event(1));
});

describe('the state of a slot', () => {
  const update = { at: 0.5, key: '1', octets: 64 };
  const end = { updates: 1, elapsedMs: 1_000, why: 'time', reason: '' } as const;

  test('a checkpoint is asked for, and told when the store has it', async () => {
    const target = await overUnix();
    const { status, json } = await ask(target, 'POST', '/v1/checkpoint', {
      body: { pool: 'web', slot: 0, full: true },
    });
    expect([status, json]).toEqual([200, expect.objectContaining({ kind: 'full', number: 9 })]);
    expect(backend.asked).toEqual([{ what: 'checkpoint', with: { pool: 'web', slot: 0, full: true } }]);
    backend.refusal = new ApiError(409, 'not-ready', 'node-a: the store does not take it');
    const refused = await ask(target, 'POST', '/v1/checkpoint', { body: { pool: 'web', slot: 0 } });
    expect([refused.status, errorCode(refused)]).toEqual([409, 'not-ready']);
    const wrong = await ask(target, 'POST', '/v1/checkpoint', { body: { pool: 'web' } });
    expect([wrong.status, errorCode(wrong)]).toEqual([400, 'invalid-request']);
  });

  test('another secret for the cookies of a pool is asked for', async () => {
    const target = await overUnix();
    expect(await ask(target, 'POST', '/v1/rotate-secret', { body: { pool: 'web' } })).toMatchObject({
      status: 202,
    });
    expect(backend.asked).toEqual([{ what: 'rotateSecret', with: { pool: 'web' } }]);
    expect((await ask(target, 'POST', '/v1/rotate-secret', { body: {} })).status).toBe(400);
  });

  test('a slot begins anew with a checkpoint that is named whole', async () => {
    const target = await overUnix();
    const body = { pool: 'web', slot: 0, epoch: 1_099_511_627_783, number: 4 };
    const { status, json } = await ask(target, 'POST', '/v1/restore', { body });
    expect([status, json]).toEqual([200, expect.objectContaining({ node: 'node-a', number: 12 })]);
    expect(backend.asked).toEqual([{ what: 'restore', with: body }]);
    for (const wrong of [
      { ...body, epoch: undefined },
      { ...body, number: 0 },
      { ...body, more: 1 },
      { ...body, from: 'kv/1' },
      { ...body, from: '00000000000000c1', format: 'kv' },
    ])
      expect((await ask(target, 'POST', '/v1/restore', { body: wrong })).status).toBe(400);
  });

  test('what lies in the store is a list', async () => {
    const target = await overUnix();
    const { status, json } = await ask(target, 'GET', '/v1/checkpoints/web/0');
    expect([status, json]).toEqual([200, { items: [] }]);
    expect(backend.asked).toEqual([{ what: 'checkpoints', with: { pool: 'web', slot: 0 } }]);
    expect((await ask(target, 'GET', '/v1/checkpoints/web/x')).status).toBe(404);
  });

  test('what lies in the store of other slots is a list, of all or of one, and is given by its id', async () => {
    const target = await overUnix();
    const id = '00000000000000c1';
    expect((await ask(target, 'GET', '/v1/stored-slots/web/0')).json).toEqual({ items: [] });
    await ask(target, 'GET', `/v1/stored-slots/web/0?id=${id}&format=kv/1`);
    await ask(target, 'GET', `/v1/checkpoints/web/0?from=${id}`);
    const body = { pool: 'web', slot: 0, epoch: 7, number: 4, from: id, format: 'kv/1' };
    expect((await ask(target, 'POST', '/v1/restore', { body })).status).toBe(200);
    const of = { pool: 'web', slot: 0 };
    expect(backend.asked).toEqual([
      { what: 'storedSlots', with: of },
      { what: 'storedSlots', with: { ...of, id, format: 'kv/1' } },
      { what: 'checkpoints', with: { ...of, from: id } },
      { what: 'restore', with: body },
    ]);
    for (const wrong of [
      'stored-slots/web/0?id=kv',
      'stored-slots/web/0?format=kv',
      'checkpoints/web/0?from=',
    ])
      expect((await ask(target, 'GET', `/v1/${wrong}`)).status, wrong).toBe(400);
    expect((await ask(target, 'GET', '/v1/stored-slots/web/x')).status).toBe(404);
  });

  test('what slots that are no more have left is a list, and removed by id and name', async () => {
    const target = await overUnix();
    const left = { id: '00000000000000a1', pool: 'kv', slot: 0, leftAt: 1_000 };
    backend.left = [{ ...left, places: [{ method: 'shared', store: 'main' }] }];
    const { status, json } = await ask(target, 'GET', '/v1/left-states');
    expect([status, json]).toEqual([200, { items: backend.left }]);
    const body = { id: left.id, pool: 'kv', slot: 0 };
    expect((await ask(target, 'POST', '/v1/forget', { body })).status).toBe(204);
    expect(backend.asked).toEqual([{ what: 'forget', with: body }]);
    const wrong = await ask(target, 'POST', '/v1/forget', { body: { ...body, id: 'a1' } });
    expect([wrong.status, errorCode(wrong)]).toEqual([400, 'invalid-request']);
  });

  test('a recording is a stream that ends, bounded as it is asked for', async () => {
    const target = await overUnix();
    backend.recorded = async function* () {
      yield { kind: 'updates', data: [update] };
      yield { kind: 'progress', data: { updates: 1, elapsedMs: 900 } };
      yield { kind: 'end', data: end };
    };
    const { status, headers, text } = await ask(target, 'GET', '/v1/recording/web/0?for=1000&octets=2048');
    expect([status, headers['content-type']]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(text).toBe(
      [
        `event: updates\ndata: ${JSON.stringify([update])}\n\n`,
        'event: progress\ndata: {"updates":1,"elapsedMs":900}\n\n',
        `event: end\ndata: ${JSON.stringify(end)}\n\n`,
      ].join(''),
    );
    await ask(target, 'GET', '/v1/recording/web/0');
    expect(backend.asked.map((call) => call.with)).toEqual([
      { pool: 'web', slot: 0, forMs: 1_000, octetsMax: 2_048 },
      { pool: 'web', slot: 0, forMs: 60_000, octetsMax: 16_777_216 },
    ]);
  });

  test.each(['for=99', 'for=3600001', 'octets=1023', 'octets=67108865', 'for=1s'])(
    'a recording with ?%s is refused before it begins',
    async (query) => {
      const { status, json } = await ask(await overUnix(), 'GET', `/v1/recording/web/0?${query}`);
      expect([status, errorCode({ json })]).toEqual([400, 'invalid-request']);
      expect(backend.asked).toEqual([]);
    },
  );

  test('a recording that cannot begin is refused as everything is', async () => {
    backend.refusal = new ApiError(409, 'not-ready', 'Nobody holds slot 0 of web.');
    const refused = await ask(await overUnix(), 'GET', '/v1/recording/web/0');
    expect([refused.status, errorCode(refused)]).toEqual([409, 'not-ready']);
  });

  test('who stops reading ends the recording', async () => {
    const target = await overUnix();
    let ended: () => void = () => undefined;
    const isEnded = new Promise<void>((resolve) => {
      ended = resolve;
    });
    backend.recorded = async function* (signal) {
      yield { kind: 'updates', data: [update] };
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      ended();
    };
    const stream = await OpenStream.open(target, '/v1/recording/web/0');
    await stream.next();
    stream.response.destroy();
    await isEnded;
  });
});
