// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type FunctionId, nodeId } from '@vnfpool/core';
import type { RelayStatus } from '@vnfpool/daemons/relay';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../node/function-state/fake-function.ts';
import { ALL, HERE, Scene, THERE, WAIT } from '../node-alone/session-scene.ts';
import { bindUdp, echoServer, HOST, Talk } from './support.ts';

/* `vnfpool relay` as processes that agents run, moved by orders of a manager while clients talk. */

const program = fileURLToPath(new URL('../../../cli/bin/vnfpool.js', import.meta.url));
const missing = existsSync(fileURLToPath(new URL('../../dist/relay/index.js', import.meta.url)))
  ? null
  : 'needs packages that are built';

/** @param port Where it listens; null: any, one for each instance. */
function relay(
  backends: readonly { readonly place: { readonly address: string; readonly port: number } }[],
  folder: string,
  port: number | null,
  ...more: string[]
): FunctionSpecification {
  const protocol = more.includes('tcp') ? 'tcp' : 'udp';
  const to = backends.map(({ place }) => `${place.address}:${place.port}`).join(',');
  const listen = `${protocol}:{address}:${port ?? '{port}'}`;
  const command = [
    process.execPath,
    program,
    'relay',
    '--listen',
    listen,
    '--to',
    to,
    '--forward',
    '{address}',
  ];
  const rest = more.filter((each) => each !== 'tcp');
  return {
    v: 1,
    kind: 'process',
    command: [...command, '--status', `${folder}/{port}`, ...rest],
    state: { via: 'socket', format: `relay-${protocol}/1` },
    port: 0,
  };
}

async function add(
  scene: Scene,
  node: 10 | 11,
  id: FunctionId,
  specification: FunctionSpecification,
): Promise<void> {
  const order = { type: 'add', node: nodeId(node), functionId: id, name: 'relay', specification } as const;
  expect(await scene.manager.order(order)).toMatchObject({ code: 0 });
}

const portOf = (scene: Scene, node: number, id: FunctionId): number =>
  scene.find(node, id)?.report?.port ?? 0;

/** Waits until it serves. */
async function status(scene: Scene, node: number, id: FunctionId, folder: string): Promise<RelayStatus> {
  let told: RelayStatus | null = null;
  await expect
    .poll(async () => {
      told = await ask(`${folder}/${portOf(scene, node, id)}`);
      return told?.listen ?? null;
    }, WAIT)
    .not.toBeNull();
  return told as unknown as RelayStatus;
}

function ask(socketPath: string): Promise<RelayStatus | null> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/status' }, (response) => {
      void text(response).then((body) => resolve(JSON.parse(body) as RelayStatus));
    });
    asked.on('error', () => resolve(null));
    asked.end();
  });
}

async function freePort(): Promise<number> {
  const socket = await bindUdp();
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  return port;
}

async function moveAll(scene: Scene, specification: FunctionSpecification) {
  const token = new Uint8Array(randomBytes(16));
  const prepare = { token, from: nodeId(10) };
  const of = { functionId: HERE, name: 'relay' } as const;
  await scene.manager.order({ type: 'add', node: nodeId(11), ...of, specification, prepare });
  const { addresses = [], statePort = null } = scene.manager.node(11) ?? {};
  const destination = { node: nodeId(11), addresses, port: statePort };
  return await scene.manager.order({ type: 'move', node: nodeId(10), ...of, destination, token });
}

/** On a busy machine a program may not start in the time that agents give it: then it is moved again. */
async function moveAllUntil(
  scene: Scene,
  specification: FunctionSpecification,
  isDone: () => boolean,
): Promise<void> {
  for (let left = 4; left > 0; left -= 1) {
    // What was prepared in vain before; of one that has gone by itself nothing is left to delete.
    await scene.manager.order({ type: 'delete', node: nodeId(11), functionId: HERE });
    await expect.poll(() => scene.find(11, HERE) === undefined, WAIT).toBe(true);
    const told = new Set(scene.reasons());
    const isTold = (): boolean =>
      scene.reasons().some((each) => each.startsWith('10: not transferred') && !told.has(each));
    await moveAll(scene, specification);
    const over = expect.poll(() => isDone() || isTold(), { timeout: 20_000 }).toBe(true);
    await over.catch(() => undefined);
    if (isDone()) return;
  }
  throw new Error(`it does not move: ${scene.reasons().join('; ')}`);
}

describe.skipIf(missing !== null)(`relays of a node${missing === null ? '' : `: ${missing}`}`, () => {
  test('of a thousand sessions a third moves while all talk, none of their packets is lost; then the other relay is killed', async () => {
    const servers = [await echoServer(1), await echoServer(2)];
    const folder = temporaryFolder();
    const scene = await Scene.open();
    await add(scene, 10, HERE, relay(servers, folder, null));
    await add(scene, 11, THERE, relay(servers, folder, null));
    await status(scene, 10, HERE, folder);
    await status(scene, 11, THERE, folder);
    const talk = new Talk(portOf(scene, 10, HERE));
    await talk.open(1_000);
    talk.start();
    await expect.poll(() => talk.heard.every((each) => each > 0), WAIT).toBe(true);
    expect(await scene.move({ type: 'ratio', ratio: 0.3 })).toMatchObject({ code: 0, sessions: 300n });
    const before = talk.total.heard;
    await expect.poll(() => talk.total.heard, WAIT).toBeGreaterThan(before + 3_000);
    expect(await talk.end()).toBe(true);
    expect(talk.total.heard).toBe(talk.total.sent);
    expect([talk.strange, talk.servers.filter(({ size }) => size !== 1).length]).toEqual([0, 0]);
    expect(servers.map(({ peers }) => peers.size)).toEqual([500, 500]);
    const [here, there] = [await status(scene, 10, HERE, folder), await status(scene, 11, THERE, folder)];
    expect(here.sessions).toEqual({ served: 700, fromElsewhere: 0, elsewhere: 300 });
    expect(there.sessions).toEqual({ served: 300, fromElsewhere: 300, elsewhere: 0 });
    // The manager hears the same.
    await expect.poll(() => scene.find(10, HERE)?.report?.sessions, WAIT).toBe(700);
    await expect.poll(() => scene.find(11, THERE)?.report?.sessions, WAIT).toBe(300);

    // Without a word of its holder the sessions come back, where they are served on.
    process.kill(scene.find(11, THERE)?.report?.pid ?? Number.NaN, 'SIGKILL');
    await expect.poll(async () => (await status(scene, 10, HERE, folder)).sessions.served, WAIT).toBe(1_000);
    talk.start();
    const then = talk.total.heard;
    await expect.poll(() => talk.total.heard, WAIT).toBeGreaterThan(then + 2_000);
    expect(await talk.end()).toBe(true);
    expect(talk.total.heard).toBe(talk.total.sent);
    expect(servers.map(({ peers }) => peers.size)).toEqual([500, 500]);
  }, 240_000);

  test('the whole relay moves, its address with it: sessions go on by the same servers and ports', async () => {
    const servers = [await echoServer(1), await echoServer(2)];
    const folder = temporaryFolder();
    const scene = await Scene.open();
    const specification = relay(servers, folder, await freePort(), '--from', HOST);
    await add(scene, 10, HERE, specification);
    const { listen } = await status(scene, 10, HERE, folder);
    const talk = new Talk(Number(listen?.split(':').at(-1)), 16);
    await talk.open(100);
    talk.start();
    await expect.poll(() => talk.heard.every((each) => each > 0), WAIT).toBe(true);
    await moveAllUntil(scene, specification, () => scene.find(10, HERE) === undefined);
    const { sessions, counters } = await status(scene, 11, HERE, folder);
    expect(sessions.served).toBe(100);
    // What was said in the moment of the move is lost, as nobody listened: no more than was under way.
    await talk.end(500);
    expect(talk.giveUp()).toBeLessThanOrEqual(16);
    const before = talk.total.heard;
    talk.start();
    await expect.poll(() => talk.total.heard, WAIT).toBeGreaterThan(before + 500);
    expect(await talk.end()).toBe(true);
    expect(talk.servers.every(({ size }) => size === 1)).toBe(true);
    expect(servers.map(({ peers }) => peers.size)).toEqual([50, 50]);
    expect(counters).toMatchObject({ began: 0, portsChanged: 0 });
  }, 240_000);

  test('TCP that ends in a relay does not move: error 9, and a move that would cut it fails unless it may', async () => {
    const server = createServer((socket) => void socket.pipe(socket));
    await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address !== 'object') throw new Error('no address');
    const place = { address: HOST, port: address.port };
    const folder = temporaryFolder();
    const scene = await Scene.open();
    const specification = relay([{ place }], folder, await freePort(), 'tcp');
    await add(scene, 10, HERE, specification);
    await add(scene, 11, THERE, relay([{ place }], folder, null, 'tcp'));
    const { listen } = await status(scene, 10, HERE, folder);
    await status(scene, 11, THERE, folder);
    const client = connect(Number(listen?.split(':').at(-1)), HOST);
    client.on('error', () => undefined);
    onTestFinished(() => void client.destroy());
    const heard: string[] = [];
    client.on('data', (chunk) => heard.push(chunk.toString()));
    client.write('one ');
    await expect.poll(() => heard.join(''), WAIT).toBe('one ');
    expect(await scene.order(new Uint8Array(randomBytes(16)), [ALL])).toMatchObject({ code: 128, error: 9 });
    const why = 'TCP connections end here, which cannot be moved';
    await moveAllUntil(scene, specification, () => scene.reasons().some((each) => each.includes(why)));
    client.write('two');
    await expect.poll(() => heard.join(''), WAIT).toBe('one two');
    client.destroy();
    await expect.poll(async () => (await status(scene, 10, HERE, folder)).sessions.served, WAIT).toBe(0);
    await moveAllUntil(scene, specification, () => scene.find(10, HERE) === undefined);
    expect((await status(scene, 11, HERE, folder)).listen).toBe(listen);
  }, 240_000);
});
