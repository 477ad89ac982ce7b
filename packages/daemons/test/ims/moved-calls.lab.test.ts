// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { nodeId } from '@vnfpool/core';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { describe, expect, test } from 'vitest';
import { ALL, HERE, Scene, THERE, WAIT } from '../node-alone/session-scene.ts';
import { Phone } from './phone.ts';
import { missing, optionsFields, type Told } from './scene.ts';
import { findSipp, freePort, start } from './sipp.ts';

/* Single calls move from one proxy of examples/ims to another, both of which run; phones know the first one only. */

const root = fileURLToPath(new URL('../../../../', import.meta.url));
const CALLS = 100;

type ToldMoved = Told & { readonly away: number; readonly via: number };

const specification: FunctionSpecification = {
  v: 1,
  kind: 'process',
  command: [
    process.execPath,
    `${root}examples/ims/proxy.mjs`,
    '--address',
    '{address}',
    '--port',
    '{port}',
    '--counters',
  ],
  state: { via: 'socket', format: 'kv/1' },
  port: 0,
};

/** The proxies at nodes 10 and 11, and their ports. */
async function open(): Promise<{ readonly scene: Scene; readonly first: number; readonly second: number }> {
  const scene = await Scene.open();
  const ports: number[] = [];
  for (const [node, id] of [
    [10, HERE],
    [11, THERE],
  ] as const) {
    const order = { type: 'add', node: nodeId(node), functionId: id, name: 'p-cscf', specification } as const;
    expect(await scene.manager.order(order)).toMatchObject({ code: 0 });
    await expect.poll(() => scene.find(node, id)?.report?.sessions, WAIT).toBe(0);
    ports.push(scene.find(node, id)?.report?.port ?? 0);
  }
  const [first = 0, second = 0] = ports;
  return { scene, first, second };
}

async function tell(proxyPort: number): Promise<ToldMoved> {
  const phone = await Phone.open('observer', proxyPort);
  const { body } = await phone.ask('OPTIONS', `sip:127.0.0.1:${proxyPort}`, optionsFields());
  return JSON.parse(new TextDecoder().decode(body)) as ToldMoved;
}

describe.skipIf(missing !== null)(`calls of proxy.mjs${missing === null ? '' : `: ${missing}`}`, () => {
  test('by URI, contact and ratio; what rings and what is open goes on and ends, and new calls begin at the first', async () => {
    const { scene, first, second } = await open();
    const phones = [];
    for (const user of ['alice', 'bob', 'carol', 'dave']) {
      const phone = await Phone.open(user, first);
      expect(await phone.register()).toMatchObject({ status: 200 });
      phones.push(phone);
    }
    const [alice, bob, carol, dave] = phones as [Phone, Phone, Phone, Phone];
    const open1 = await alice.call('bob');
    const open2 = await carol.call('dave');
    bob.answers = false;
    const ringing = alice.call('bob');
    await expect.poll(() => [...bob.calls.values()].map(({ state }) => state), WAIT).toContain('ringing');

    expect(await scene.move({ type: 'sip-uri', uri: 'sip:carol@example.test' })).toMatchObject({
      sessions: 1n,
    });
    expect(await tell(first)).toMatchObject({ dialogs: 2, away: 1 });
    expect(await tell(second)).toMatchObject({ dialogs: 1, via: 1, users: 0 });
    // All of these phones have one address: what is left of calls.
    const contact = { type: 'contact', contact: Uint8Array.of(127, 0, 0, 1) } as const;
    expect(await scene.move(contact)).toMatchObject({ sessions: 2n });
    expect(await scene.move(ALL)).toMatchObject({ sessions: 0n });
    expect(await tell(second)).toMatchObject({ dialogs: 3, via: 3 });

    // What rang is answered, and each side can say goodbye: the second has dealt with it.
    for (const call of bob.calls.values()) if (call.state === 'ringing') bob.answer(call);
    const answered = await ringing;
    await expect
      .poll(() => [...bob.calls.values()].map(({ state }) => state), WAIT)
      .not.toContain('answered');
    expect(await alice.hangUp(answered)).toBe(200);
    const [atDave] = dave.calls.values();
    if (!atDave) throw new Error('no call at dave');
    expect(await dave.hangUp(atDave)).toBe(200);
    // The other end may say it at the same time.
    expect(await carol.hangUp(open2)).toBe(200);
    bob.answers = true;
    const fresh = await bob.call('carol');
    expect(await tell(first)).toMatchObject({ dialogs: 1 });
    expect(await alice.hangUp(open1)).toBe(200);
    expect(await bob.hangUp(fresh)).toBe(200);
    const [here, there] = [await tell(first), await tell(second)];
    expect([here.dialogs, there.dialogs]).toEqual([0, 0]);
    expect(here.counters['calls.forwarded']).toBeGreaterThan(5);
    expect([here.counters['dialogs.ended'], there.counters['dialogs.ended']]).toEqual([1, 3]);
    await expect.poll(() => scene.find(11, THERE)?.report?.sessions, WAIT).toBe(0);
  }, 120_000);

  test('the proxy that has calls is killed: the first one has them again; an invitation that is given up meets its call', async () => {
    const { scene, first, second } = await open();
    const alice = await Phone.open('alice', first);
    const bob = await Phone.open('bob', first);
    for (const phone of [alice, bob]) expect(await phone.register()).toMatchObject({ status: 200 });
    const established = await alice.call('bob');
    bob.answers = false;
    const branch = 'z9hG4bKgivenup';
    const given = alice.call('bob', { branch }).catch((error: Error) => error.message);
    await expect.poll(() => [...bob.calls.values()].map(({ state }) => state), WAIT).toContain('ringing');
    expect(await scene.move({ type: 'ratio', ratio: 1 })).toMatchObject({ sessions: 2n });
    const invited = [...bob.calls.values()].find(({ state }) => state === 'ringing');
    const fields = {
      From: invited?.remote ?? '',
      To: '<sip:bob@example.test>',
      'Call-ID': invited?.callId ?? '',
    };
    expect((await alice.ask('CANCEL', 'sip:bob@example.test', fields, { branch })).status).toBe(200);
    expect(await given).toBe('487 Request Terminated');
    expect(await tell(second)).toMatchObject({ dialogs: 1, via: 2 });

    // Kill the second: the first has them again, as they were.
    process.kill(scene.find(11, THERE)?.report?.pid ?? Number.NaN, 'SIGKILL');
    await expect.poll(async () => (await tell(first)).away, WAIT).toBe(0);
    expect((await tell(first)).counters['calls.takenBack']).toBe(2);
    expect(await alice.hangUp(established)).toBe(200);
  }, 120_000);

  test('sipp: of a hundred calls a third moves in their middle, and each ends as it should', async ({
    skip,
  }) => {
    const sipp = await findSipp();
    if ('reason' in sipp) {
      skip(sipp.reason);
      return;
    }
    const { scene, first, second } = await open();
    const proxy = `127.0.0.1:${first}`;
    const port = String(await freePort());
    const callee = start(sipp, 'callee', '-p', port, '-m', String(CALLS), '-rsa', proxy);
    const contact = `127.0.0.1:${port}`;
    const registers = start(sipp, 'register', '-s', 'bob', '-key', 'contact', contact, '-m', '1', proxy);
    expect((await registers.ended).code, (await registers.ended).said).toBe(0);
    // One that is known by its own URI.
    const [carol, dave] = [await Phone.open('carol', first), await Phone.open('dave', first)];
    for (const phone of [carol, dave]) expect(await phone.register()).toMatchObject({ status: 200 });
    const named = await carol.call('dave');

    const caller = start(sipp, 'caller', '-s', 'bob', '-m', String(CALLS), '-r', '25', '-d', '4000', proxy);
    await expect.poll(async () => (await tell(first)).dialogs, WAIT).toBeGreaterThan(CALLS / 2);
    expect(await scene.move({ type: 'sip-uri', uri: 'sip:dave@example.test' })).toMatchObject({
      sessions: 1n,
    });
    const moved = await scene.move({ type: 'ratio', ratio: 0.3 });
    expect(moved.code).toBe(0);
    const many = Number(moved.sessions ?? 0n);
    expect(many).toBeGreaterThan(10);
    const during = await tell(second);
    expect(during.counters['calls.movedIn']).toBe(many + 1);
    expect(await carol.hangUp(named)).toBe(200);
    for (const run of [caller, callee]) {
      const outcome = await run.ended;
      expect(outcome.code, outcome.said).toBe(0);
    }
    const [here, there] = [await tell(first), await tell(second)];
    expect([here.dialogs, there.dialogs]).toEqual([0, 0]);
    // Each call was confirmed once and has ended once, at one of the two.
    const sum = (name: string): number => (here.counters[name] ?? 0) + (there.counters[name] ?? 0);
    expect([sum('dialogs.confirmed'), sum('dialogs.ended')]).toEqual([CALLS + 1, CALLS + 1]);
    expect(there.counters['dialogs.ended']).toBeGreaterThanOrEqual(many / 2);
    expect(here.counters['calls.movedOut']).toBe(many + 1);
  }, 120_000);
});
