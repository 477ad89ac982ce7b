// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { describe, expect, test } from 'vitest';
import { element, node, REGISTRAR_ID, RegistrarHarness, WEB } from './registrar-harness.ts';
import { OWN_ID, PeerHarness } from './support/peer-harness.ts';

const subscribe = (poolHandle: Uint8Array = WEB) =>
  ({ type: 'handle-resolution', sendUpdates: true, poolHandle, items: 1 }) as const;

function withUser(...ids: readonly number[]): RegistrarHarness {
  const world = new RegistrarHarness({ keepAlivePeriodMs: 0 });
  for (const id of ids) {
    world.open(id, node(`node-${id}`));
    world.register(id, element(id));
  }
  world.open(90, null);
  return world;
}

/** The pools that were told unasked: the elements of each, or the cause. */
function pushed(world: RegistrarHarness, association = 90): unknown[] {
  return world.heard(association).map((message) => {
    if (message.type !== 'handle-resolution-response') return message.type;
    const [cause] = message.causes;
    return [
      message.updatesAccepted,
      cause?.code ?? message.elements.map(({ id }) => id).toSorted((a, b) => a - b),
    ];
  });
}

describe('RFC 5352 §2.2.5 updates of a pool', () => {
  test('accepted with A; the full list follows each change, once for changes that come together', () => {
    const world = withUser(1, 2, 3, 4);
    expect(world.say(90, subscribe())).toMatchObject([{ updatesAccepted: true, elements: [{}] }]);
    world.open(5, node('node-5'));
    world.register(5, element(5));
    world.say(1, { type: 'deregistration', poolHandle: WEB, elementId: 1 });
    expect(pushed(world)).toEqual([]);
    world.advance(50);
    expect(pushed(world)).toEqual([[true, [2, 3, 4, 5]]]);
    world.advance(10_000);
    expect(pushed(world)).toEqual([]);
    // A change of values alone.
    world.register(2, element(2, { userTransport: { type: 'tcp', port: 81, address: '10.0.0.2' } }));
    world.advance(50);
    expect(pushed(world)).toEqual([[true, [2, 3, 4, 5]]]);
  });

  test('a pool that goes is told once, and its subscription forgotten; an unknown one sets up nothing', () => {
    const world = withUser(1);
    world.say(90, subscribe());
    world.say(90, subscribe(encodeUtf8('nothing')));
    world.say(1, { type: 'deregistration', poolHandle: WEB, elementId: 1 });
    world.advance(50);
    expect(pushed(world)).toEqual([[false, 9]]);
    world.register(1, element(1));
    world.register(1, element(1), encodeUtf8('nothing'));
    world.advance(1000);
    expect(pushed(world)).toEqual([]);
  });

  test('bounded for one association and for all; those that are not accepted are answered all the same', () => {
    const world = new RegistrarHarness({ subscriptionsPerAssociationMax: 2, subscriptionsMax: 3 });
    world.open(1, node('a'));
    const pools = ['p', 'q', 'r'].map((name) => encodeUtf8(name));
    for (const pool of pools) world.register(1, element(1), pool);
    const accepted = (association: number): unknown[] => {
      world.open(association, null);
      return pools.map(
        (pool) =>
          world
            .say(association, subscribe(pool))
            .map((answer) => 'updatesAccepted' in answer && answer.updatesAccepted)[0],
      );
    };
    expect(accepted(90)).toEqual([true, true, false]);
    expect(accepted(91)).toEqual([true, false, false]);
    world.close(90);
    expect(accepted(92)).toEqual([true, true, false]);
  });

  test('a closed association hears nothing more, and leaves no timer', () => {
    const world = withUser(1);
    world.say(90, subscribe());
    world.register(1, element(1, { registrationLife: -1 }));
    world.close(90);
    world.advance(100);
    expect(world.registrar.nextDeadline()).toBeUndefined();
    expect(pushed(world)).toEqual([]);
  });

  test('changes by other registrars are told too, without ASAP transports', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    const asapTransport = { type: 'tcp', port: 4000, address: '10.2.0.1' } as const;
    const update = (id: number) =>
      ({
        type: 'handle-update',
        takeoverSuggested: false,
        action: 'add',
        poolHandle: WEB,
        element: element(id, { homeRegistrar: 7, asapTransport }),
      }) as const;
    world.say(1, 7, update(1));
    world.give({
      type: 'association-opened',
      association: 90,
      identity: null,
      peer: { transport: 'tcp', addresses: ['10.0.0.90'] },
    });
    world.asap(90, subscribe());
    world.say(1, 7, update(2));
    world.advance(50);
    const heard = world.asapHeard(90);
    expect(JSON.stringify(heard)).not.toContain('asapTransport');
    expect(heard).toMatchObject([
      {
        updatesAccepted: true,
        elements: [element(1, { homeRegistrar: 7 }), element(2, { homeRegistrar: 7 })],
      },
    ]);
    // It renews its registration there, and nothing else: no news.
    world.say(1, 7, update(2));
    world.advance(1000);
    expect(world.asapHeard(90)).toEqual([]);
  });
});

describe('§3.5 reports on elements of other registrars', () => {
  test('nothing is removed; the element is asked where we have an association to it', () => {
    const world = new PeerHarness();
    world.meet(1, 7);
    const asapTransport = { type: 'tcp', port: 4000, address: '10.2.0.1' } as const;
    for (const id of [1, 2]) {
      const told = element(id, { homeRegistrar: 7, ...(id === 1 ? { asapTransport } : {}) });
      world.say(1, 7, {
        type: 'handle-update',
        takeoverSuggested: false,
        action: 'add',
        poolHandle: WEB,
        element: told,
      });
    }
    const peer = { transport: 'tcp', addresses: ['10.2.0.1'], asapTransport } as const;
    world.give({ type: 'association-opened', association: 50, identity: null, peer });
    world.give({
      type: 'association-opened',
      association: 90,
      identity: null,
      peer: { transport: 'tcp', addresses: ['10.0.0.90'] },
    });
    world.heard(1);
    for (const elementId of [1, 2])
      world.asap(90, { type: 'endpoint-unreachable', poolHandle: WEB, elementId });
    expect(world.asapHeard(50)).toMatchObject([
      { type: 'endpoint-keep-alive', becomeHome: false, registrarId: OWN_ID, elementId: 1 },
    ]);
    world.advance(20_000);
    expect(world.view().pools[0]?.elements).toHaveLength(2);
    expect(world.heard(1)).toEqual([]);
  });
});

describe('bounds', () => {
  test('registrations of one association are limited, told once, and possible again later', () => {
    const world = new RegistrarHarness({ registrationRate: { perSecond: 1, burst: 3 } });
    world.open(1, node('a'));
    for (let id = 1; id <= 10; id++) world.register(1, element(id));
    const counters = () => world.registrar.snapshot(world.now).counters;
    expect(counters()).toMatchObject({ registrations: 3, registrationsRefused: 7, registrationsLimited: 7 });
    const reasons = world.reasons();
    expect(reasons.filter((reason) => reason.startsWith('limit-reached'))).toEqual([
      'limit-reached: registrations of one association',
    ]);
    // What is refused then is counted, and no line in any log.
    expect(reasons.filter((reason) => reason.startsWith('registration-refused'))).toEqual([]);
    world.advance(1000);
    world.register(1, element(11));
    expect(counters().registrations).toBe(4);
  });

  test('and those of one source, over however many associations', () => {
    const world = new RegistrarHarness({ registrationRate: { perSecond: 0, burst: 2 } });
    for (let association = 1; association <= 50; association++) {
      world.open(association, node('a'), { addresses: ['10.0.0.1'] });
      for (const id of [1, 2]) world.register(association, element(id));
      world.close(association);
    }
    expect(world.registrar.snapshot(world.now).counters.registrations).toBe(32);
    world.open(99, node('b'), { addresses: ['10.0.0.2'] });
    expect(world.register(99, element(7))).toMatchObject([{ rejected: false }]);
  });

  test('an element that registers ten thousand names fills its association, and no more', () => {
    const world = new RegistrarHarness({ registrationRate: { perSecond: 1e6, burst: 1e6 } });
    world.open(1, node('a'));
    for (let i = 0; i < 10_000; i++) world.register(1, element(1), encodeUtf8(`pool-${i}`));
    const { counters, pools, ownElements } = world.registrar.snapshot(world.now);
    expect([pools.length, ownElements]).toEqual([1024, 1024]);
    expect(counters.registrationsRefused).toBe(10_000 - 1024);
  });

  test('a user that reports everybody dead removes nobody who answers', () => {
    const world = withUser(1, 2, 3);
    world.resolve(90);
    for (let round = 0; round < 100; round++) {
      for (const id of [1, 2, 3]) {
        world.say(90, { type: 'endpoint-unreachable', poolHandle: WEB, elementId: id });
        world.say(id, { type: 'endpoint-keep-alive-ack', poolHandle: WEB, elementId: id });
      }
      world.register(1 + (round % 3), element(1 + (round % 3)));
      world.advance(500);
    }
    const [pool] = world.registrar.snapshot(world.now).pools;
    expect(pool?.elements.map(({ id, homeRegistrar }) => [id, homeRegistrar])).toEqual(
      [1, 2, 3].map((id) => [id, REGISTRAR_ID]),
    );
  });
});
