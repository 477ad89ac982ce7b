// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { checkHealth } from '../../src/health/health-check.ts';
import { type Call, Phone, random } from './phone.ts';
import {
  askHss,
  missing,
  move,
  optionsFields,
  portOf,
  type Scene,
  startScene,
  type Told,
  WAIT,
} from './scene.ts';

/* Calls through examples/ims, which moves to another node in their middle. */

const EACH = 10;

async function phones(scene: Scene): Promise<readonly [Phone, Phone]> {
  const both: [Phone, Phone] = [
    await Phone.open('alice', scene.proxy.address.port),
    await Phone.open('bob', scene.proxy.address.port),
  ];
  for (const phone of both) {
    await askHss(scene, 'put', phone.user);
    expect(await phone.register()).toMatchObject({ status: 200 });
  }
  return both;
}

async function tell(phone: Phone): Promise<Told> {
  const { status, body } = await phone.ask('OPTIONS', 'sip:example.test', optionsFields());
  expect(status).toBe(200);
  return JSON.parse(new TextDecoder().decode(body)) as Told;
}

const times = <Value>(run: () => Promise<Value>): Promise<Value>[] => Array.from({ length: EACH }, run);

/** Of the called end, by its state. */
const statesOf = (phone: Phone): string[] => [
  ...new Set([...phone.calls.values()].map(({ state }) => state)),
];

describe.skipIf(missing !== null)(`proxy.mjs and hss.mjs${missing === null ? '' : `: ${missing}`}`, () => {
  test('the proxy is well where it runs, and advertises another address', async () => {
    const scene = await startScene();
    const check = { type: 'sip-options', timeoutMs: WAIT.timeout } as const;
    const asked = () => checkHealth(check, '127.0.0.1', portOf(scene, scene.proxy, 10));
    // It may still be starting.
    await expect.poll(asked, WAIT).not.toMatchObject({ reason: 'ECONNREFUSED' });
    expect(await asked()).toMatchObject({ ok: true });
  });

  test('the proxy moves amid calls: what rings is answered, what is open is closed, none is lost', async () => {
    const scene = await startScene();
    const [alice, bob] = await phones(scene);
    const open = await Promise.all(times(() => alice.call('bob')));
    bob.answers = false;
    const ringing = times(() => alice.call('bob'));
    const branch = `z9hG4bK${random()}`;
    const given = alice.call('bob', { branch }).catch((error: Error) => error.message);
    const waiting = (): Call[] => [...bob.calls.values()].filter(({ state }) => state === 'ringing');
    await expect.poll(() => waiting().length, WAIT).toBe(EACH + 1);
    expect(await tell(alice)).toMatchObject({ users: 2, dialogs: 2 * EACH + 1 });

    const moved = move(scene, scene.proxy);
    // While it moves: new ones, and goodbyes.
    const during = times(() => bob.call('alice'));
    const early = open.slice(0, EACH / 2).map((call) => alice.hangUp(call));
    await moved;

    // The invitation that is given up is known to the new place.
    const invited = waiting().at(-1);
    const cancelled = alice.ask(
      'CANCEL',
      'sip:bob@example.test',
      {
        From: invited?.remote ?? '',
        To: '<sip:bob@example.test>',
        'Call-ID': invited?.callId ?? '',
      },
      { branch },
    );
    expect((await cancelled).status).toBe(200);
    expect(await given).toBe('487 Request Terminated');
    for (const call of waiting()) bob.answer(call);
    const answered = await Promise.all(ringing);
    const called = await Promise.all(during);
    expect(await Promise.all(early)).toEqual(Array(EACH / 2).fill(200));
    await expect.poll(() => statesOf(bob).toSorted(), WAIT).toEqual(['cancelled', 'ended', 'established']);
    expect(await tell(alice)).toMatchObject({ users: 2, dialogs: 2.5 * EACH });

    // Half of the rest is ended by each side.
    const [first, ...rest] = [...bob.calls.values()].filter(({ state }) => state === 'established');
    expect(first).toBeDefined();
    const byBob = [...(first ? [first] : []), ...rest].slice(0, EACH / 2);
    const goneIds = new Set(byBob.map(({ callId }) => callId));
    const byAlice = [...open.slice(EACH / 2), ...answered].filter(({ callId }) => !goneIds.has(callId));
    const goodbyes = [
      ...byBob.map((call) => bob.hangUp(call)),
      ...byAlice.map((call) => alice.hangUp(call)),
      ...called.map((call) => bob.hangUp(call)),
    ];
    expect(await Promise.all(goodbyes)).toEqual(Array(2.5 * EACH).fill(200));
    expect(statesOf(bob).toSorted()).toEqual(['cancelled', 'ended']);
    expect(statesOf(alice)).toEqual(['ended']);
    const told = await tell(alice);
    expect(told).toMatchObject({ users: 2, dialogs: 0 });
    expect(told.counters['dialogs.refused'] ?? 0).toBe(0);
  }, 90_000);

  test('a goodbye within a call that nobody knows is refused; within one that is known it is not', async () => {
    const scene = await startScene();
    const [alice] = await phones(scene);
    const call = await alice.call('bob');
    const stranger = { ...call, callId: random() };
    expect(await alice.hangUp(stranger)).toBe(481);
    expect(await alice.hangUp(call)).toBe(200);
  }, 60_000);

  test('the store moves: who may register may, who may not may not', async () => {
    const scene = await startScene();
    const [alice] = await phones(scene);
    const mallory = await Phone.open('mallory', scene.proxy.address.port);
    expect((await mallory.register()).status).toBe(403);
    await move(scene, scene.hss);
    expect(await askHss(scene, 'may', 'alice')).toMatchObject({ may: true });
    expect((await mallory.register()).status).toBe(403);
    // The connection to the place before was cut; a phone tries again.
    await expect.poll(async () => (await alice.register()).status, WAIT).toBe(200);
    await askHss(scene, 'remove', 'alice');
    expect((await alice.register()).status).toBe(403);
  }, 60_000);
});
