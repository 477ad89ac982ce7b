// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { element, node, RegistrarHarness, WEB } from './registrar-harness.ts';
import { ScopeWorld } from './support/scope-world.ts';

const ack = { type: 'endpoint-keep-alive-ack', poolHandle: WEB, elementId: 1 } as const;
const deregistration = { type: 'deregistration', poolHandle: WEB, elementId: 1 } as const;
const out = { type: 'deregistration-response', poolHandle: WEB, elementId: 1, causes: [] } as const;

/** Element 1 of `a`, registered over association 1 and then over 2. */
function overTwo(): RegistrarHarness {
  const world = new RegistrarHarness({ keepAlivePeriodMs: 0 });
  world.open(1, node('a'));
  world.open(2, node('a'));
  world.register(1, element(1));
  world.register(2, element(1));
  return world;
}
const elements = (world: RegistrarHarness) =>
  (world.registrar.snapshot(world.now).pools[0]?.elements ?? []).map(({ id, attached }) => ({
    id,
    attached,
  }));

describe('an element with two associations', () => {
  test('that loses the older one notices nothing', () => {
    const world = overTwo();
    world.reasons();
    world.close(1);
    expect(elements(world)).toEqual([{ id: 1, attached: true }]);
    expect(world.reasons()).toEqual([]);
  });

  test('a registration that was overtaken on its way does not bring it back to the older one', () => {
    const world = overTwo();
    world.register(1, element(1));
    world.reasons();
    world.close(1);
    expect(elements(world)).toEqual([{ id: 1, attached: true }]);
    expect(world.reasons()).toEqual([]);
  });

  test('that loses the newer one is asked over the older one, and stays if it answers', () => {
    const world = overTwo();
    world.close(2);
    expect(world.heard(1).at(-1)).toMatchObject({ type: 'endpoint-keep-alive', elementId: 1 });
    world.say(1, ack);
    world.advance(10_000);
    expect(elements(world)).toEqual([{ id: 1, attached: true }]);
  });

  test('and is removed if it does not, and that association is ended', () => {
    const world = overTwo();
    world.close(2);
    world.reasons();
    world.advance(10_000);
    expect(world.reasons()).toEqual(['element-removed: keep-alive-timeout']);
    expect(world.closed).toEqual([1]);
  });

  test('that is silent on the newer one is asked over the older one before it is removed', () => {
    const world = overTwo();
    world.open(9, { role: 'user', name: 'u' });
    world.say(9, { type: 'endpoint-unreachable', poolHandle: WEB, elementId: 1 });
    expect(world.heard(2).at(-1)).toMatchObject({ type: 'endpoint-keep-alive' });
    world.heard(1);
    world.advance(5000);
    expect(world.heard(1).at(-1)).toMatchObject({ type: 'endpoint-keep-alive' });
    expect(world.closed).toEqual([2]);
    world.say(1, ack);
    world.advance(10_000);
    expect(elements(world)).toEqual([{ id: 1, attached: true }]);
  });

  test('remembers a few associations only', () => {
    const world = new RegistrarHarness({
      keepAlivePeriodMs: 0,
      registrationRate: { perSecond: 1e6, burst: 1e6 },
    });
    for (let association = 1; association <= 50; association++) {
      world.open(association, node('a'));
      world.register(association, element(1));
    }
    world.reasons();
    // Of all but the latest four nothing is known any more: they end, and nobody is asked.
    for (let association = 1; association <= 46; association++) world.close(association);
    for (let association = 1; association <= 50; association++) world.heard(association);
    for (const association of [50, 49, 48]) world.close(association);
    expect(elements(world)).toEqual([{ id: 1, attached: true }]);
    world.close(47);
    expect(world.reasons()).toEqual(['element-detached: association-lost']);
  });
});

describe('in a closed network, where nobody has an identity', () => {
  function comeBack(address: string): RegistrarHarness {
    const world = new RegistrarHarness({ openRegistration: true, keepAlivePeriodMs: 0 });
    world.open(1, null);
    world.register(1, element(1));
    world.open(2, null, { addresses: [address] });
    return world;
  }

  test('an element that comes back over another association may deregister while the first lies half open', () => {
    const world = comeBack('10.0.0.1');
    expect(world.say(2, deregistration)).toEqual([out]);
    expect(elements(world)).toEqual([]);
  });

  test('another address may not', () => {
    const world = comeBack('10.0.0.2');
    expect(world.say(2, deregistration)).toMatchObject([{ causes: [{ code: 0xa }] }]);
    expect(elements(world)).toEqual([{ id: 1, attached: true }]);
  });
});

describe('RFC 5355 §2.3: a user of the same name is not the element', () => {
  test('it does not answer for it, nor take it out', () => {
    const world = new RegistrarHarness({ keepAlivePeriodMs: 1000, keepAliveTimeoutMs: 300 });
    world.open(1, { role: 'node', name: 'a' });
    world.register(1, element(1));
    world.open(2, { role: 'user', name: 'a' });
    expect(world.say(2, deregistration)).toMatchObject([{ causes: [{ code: 0xa }] }]);
    world.advance((world.registrar.nextDeadline() ?? Number.NaN) - world.now);
    world.say(2, ack);
    world.advance(300);
    expect(world.reasons()).toContain('element-removed: keep-alive-timeout');
  });
});

describe('limits', () => {
  test('whoever may not register makes so many refusals, and no more lines in the log', () => {
    const world = new RegistrarHarness({ registrationRate: { perSecond: 1, burst: 3 } });
    world.open(1, { role: 'user', name: 'u' });
    for (let i = 0; i < 50; i++) world.register(1, element(1));
    expect(world.reasons()).toEqual([
      'registration-refused: not-authorized',
      'registration-refused: not-authorized',
      'registration-refused: not-authorized',
      'limit-reached: registrations of one association',
    ]);
  });

  test('deregistrations count as registrations do', () => {
    const world = new RegistrarHarness({ registrationRate: { perSecond: 1, burst: 3 } });
    world.open(1, node('a'));
    world.register(1, element(1));
    for (let i = 0; i < 5; i++) world.say(1, { ...deregistration, elementId: 5 });
    expect(world.say(1, deregistration)).toMatchObject([{ causes: [{ code: 6 }] }]);
    world.advance(1000);
    expect(world.say(1, deregistration)).toEqual([out]);
  });

  test('errors without end make no lines without end', () => {
    const world = new RegistrarHarness({ reportRate: { perSecond: 1, burst: 3 } });
    world.open(1, null);
    const error = { type: 'error', causes: [{ code: 1, info: new Uint8Array(4) }] } as const;
    for (let i = 0; i < 50; i++) world.say(1, error);
    const reasons = world.reasons();
    expect(reasons).toHaveLength(4);
    expect(reasons.at(-1)).toBe('limit-reached: messages that nobody asked for of one association');
  });
});

describe('room for those who come', () => {
  /** So many from one address, each having asked once; they stay open. */
  function flooded(count: number, address?: string): RegistrarHarness {
    const world = new RegistrarHarness({
      openRegistration: true,
      keepAlivePeriodMs: 0,
      associationsMax: 200,
    });
    for (let association = 1; association <= count; association++) {
      world.open(association, null, { addresses: [address ?? `10.1.0.${association}`] });
      world.resolve(association);
    }
    return world;
  }

  test('connections that ask once and stay give way to an element that comes later', () => {
    const world = flooded(200);
    world.open(1001, null);
    expect(world.closed).toEqual([1001]);
    world.advance(5000);
    world.open(1002, null, { addresses: ['10.0.0.2'] });
    expect(world.closed).not.toContain(1002);
    expect(world.register(1002, element(2))).toMatchObject([{ rejected: false }]);
    expect(world.closed).toContain(1);
    expect(world.registrar.snapshot(world.now).associations).toBeLessThanOrEqual(200);
  });

  test('elements and subscribers do not give way', () => {
    const world = flooded(198);
    world.open(300, null, { addresses: ['10.0.0.3'] });
    world.register(300, element(3, { registrationLife: 600 }));
    world.open(301, null);
    world.say(301, { type: 'handle-resolution', sendUpdates: true, poolHandle: WEB });
    for (let round = 0; round < 30; round++) {
      world.advance(5000);
      world.open(400 + round, null);
    }
    expect(world.closed).not.toContain(300);
    expect(world.closed).not.toContain(301);
    expect(world.resolve(301)).toEqual([3]);
  });

  test('one source may not have them all, whether it talks or not', () => {
    const world = flooded(200, '10.9.9.9');
    const { associations, counters } = world.registrar.snapshot(world.now);
    expect(associations).toBe(64);
    expect(counters.associationsRefused).toBe(136);
    world.open(1001, null);
    expect(world.closed).not.toContain(1001);
    for (let association = 2000; association < 2100; association++) world.open(association, node('a'));
    expect(world.registrar.snapshot(world.now).associations).toBe(129);
  });
});

test('RFC 5355 §2.15: whoever has no identity where others have one leads to a question, and no more', () => {
  const world = new RegistrarHarness({ keepAlivePeriodMs: 0, badReportsMax: 0 });
  world.open(1, node('a'));
  world.register(1, element(1));
  world.open(9, null);
  world.resolve(9);
  world.say(9, { type: 'endpoint-unreachable', poolHandle: WEB, elementId: 1 });
  expect(world.heard(1).at(-1)).toMatchObject({ type: 'endpoint-keep-alive' });
  expect(elements(world)).toEqual([{ id: 1, attached: true }]);
});

test('an element that is removed by reports hears that it is out', () => {
  const world = new RegistrarHarness({ keepAlivePeriodMs: 0, badReportsMax: 0 });
  world.open(1, node('a'));
  world.register(1, element(1));
  world.open(9, { role: 'user', name: 'u' });
  world.resolve(9);
  world.say(9, { type: 'endpoint-unreachable', poolHandle: WEB, elementId: 1 });
  expect(world.heard(1).at(-1)).toEqual(out);
  expect(elements(world)).toEqual([]);
});

test('a renewal that changes nothing is not pushed to subscribers', () => {
  const world = new RegistrarHarness({ keepAlivePeriodMs: 0 });
  world.open(1, node('a'));
  world.register(1, element(1));
  world.open(9, { role: 'user', name: 'u' });
  world.say(9, { type: 'handle-resolution', sendUpdates: true, poolHandle: WEB });
  world.register(1, element(1));
  world.advance(10_000);
  expect(world.heard(9)).toEqual([]);
  world.register(1, element(1, { registrationLife: 30 }));
  world.advance(10_000);
  expect(world.heard(9)).toMatchObject([{ type: 'handle-resolution-response' }]);
});

describe('where an element is asked after a takeover', () => {
  const asapTransport = { type: 'tcp', port: 4000, address: '10.0.0.1' } as const;
  const kept = (world: RegistrarHarness) =>
    world.registrar.snapshot(world.now).pools[0]?.elements[0]?.asapTransport;

  test.each([
    ['at its own address', '10.0.0.1', null, true],
    ['elsewhere', '10.0.0.7', null, false],
    ['elsewhere, by an identity that may', '10.0.0.7', node('a'), true],
  ])('over TCP an ASAP endpoint %s', (_, address, identity, isKept) => {
    const world = new RegistrarHarness({ openRegistration: true });
    world.open(1, identity);
    const told = { ...asapTransport, address };
    world.register(1, element(1, { asapTransport: told }));
    expect(kept(world)).toEqual(isKept ? told : null);
  });

  test('over SCTP the association tells, whatever the element says', () => {
    const world = new RegistrarHarness({ openRegistration: true });
    world.open(1, null, { transport: 'sctp' });
    world.register(1, element(1, { asapTransport }));
    expect(kept(world)).toBeNull();
  });
});

describe('an element that registered elsewhere while its home was paused', () => {
  /** `b` owns it by its own word; `a`, as if it had been paused, says so too. */
  function contested(): ScopeWorld {
    const world = new ScopeWorld();
    world.scope({ a: 1, b: 2, c: 3 });
    world.register(1, 'a');
    world.run(50);
    world.register(1, 'b');
    world.run(50);
    expect(world.pool('c')).toEqual(['1@2']);
    // The paused one takes an old registration from its socket and tells everybody, then hears of the new home.
    const { poolHandle } = world.element(1);
    const claim = {
      type: 'handle-update',
      sender: 1,
      receiver: 0,
      action: 'add',
      takeoverSuggested: false,
      poolHandle,
      element: {
        id: 1,
        homeRegistrar: 1,
        registrationLife: 600,
        userTransport: { type: 'tcp', port: 80, address: '10.2.0.1' },
        policy: { type: 'round-robin' },
      },
    } as const;
    for (const name of ['b', 'c']) {
      const ends = [...world.site(name).ends.values()];
      const association = ends.find(({ peer }) => peer?.site === world.site('a'))?.id ?? Number.NaN;
      world.give(name, { type: 'peer-message', association, message: claim, unrecognized: [] });
    }
    expect(world.pool('b')).toEqual(['1@1']);
    return world;
  }

  test('is asked back by one it registered with, when an audit shows that nobody owns it', () => {
    const world = contested();
    world.run(15_000);
    const { homeRegistrar } = world.element(1);
    expect([1, 2]).toContain(homeRegistrar);
    for (const name of ['a', 'b', 'c']) expect(world.pool(name), name).toEqual([`1@${homeRegistrar}`]);
  });

  test('and is gone when it does not answer', () => {
    const world = contested();
    world.element(1).answers = false;
    world.run(25_000);
    for (const name of ['a', 'b', 'c']) expect(world.pool(name), name).toEqual([]);
  });
});
