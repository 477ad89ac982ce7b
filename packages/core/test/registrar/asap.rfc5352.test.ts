// SPDX-License-Identifier: Apache-2.0
import { causeInfo, writePolicy, writeTransport } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { element, node, REGISTRAR_ID, RegistrarHarness, WEB } from './registrar-harness.ts';

const accepted = (elementId: number) => ({
  type: 'registration-response',
  rejected: false,
  poolHandle: WEB,
  elementId,
  causes: [],
});
const rejected = (elementId: number, code: number, info: Uint8Array = new Uint8Array(0)) => ({
  type: 'registration-response',
  rejected: true,
  poolHandle: WEB,
  elementId,
  causes: [{ code, info }],
});
const ack = (elementId: number) => ({ type: 'endpoint-keep-alive-ack', poolHandle: WEB, elementId }) as const;
const question = (elementId: number) => ({
  type: 'endpoint-keep-alive',
  becomeHome: false,
  registrarId: REGISTRAR_ID,
  poolHandle: WEB,
  elementId,
});

function withElements(...ids: readonly number[]): RegistrarHarness {
  const world = new RegistrarHarness({ keepAlivePeriodMs: 0 });
  for (const id of ids) {
    world.open(id, node(`node-${id}`));
    world.register(id, element(id));
  }
  world.reasons();
  for (const id of ids) world.heard(id);
  return world;
}

describe('§3.1 registration', () => {
  test('the registrar becomes the home, ignores what the element says of its ASAP transport, and answers', () => {
    const world = new RegistrarHarness();
    world.open(1, node('a'));
    const asapTransport = { type: 'tcp', port: 9, address: '10.9.9.9' } as const;
    expect(world.register(1, element(1, { asapTransport }))).toEqual([accepted(1)]);
    expect(world.reasons()).toEqual(['element-registered: new']);
    const [pool] = world.registrar.snapshot(world.now).pools;
    expect(pool).toMatchObject({ name: 'web', policyType: 'round-robin' });
    expect(pool?.elements).toMatchObject([
      { id: 1, homeRegistrar: REGISTRAR_ID, lifeLeftMs: 60_000, owner: 'a' },
    ]);
  });

  test('1. nothing without authentication, and no state is created', () => {
    const world = new RegistrarHarness();
    world.open(1, null);
    expect(world.register(1, element(1))).toEqual([rejected(1, 0xa)]);
    expect(world.registrar.snapshot(world.now).pools).toEqual([]);
    expect(world.registrar.nextDeadline()).toBeUndefined();
    expect(world.reasons()).toEqual(['registration-refused: not-authenticated']);
  });

  test.each(['user', 'manager', 'registrar'] as const)(
    '1. a %s may not register, unless it is told so',
    (role) => {
      const world = new RegistrarHarness();
      world.open(1, { role, name: 'x' });
      expect(world.register(1, element(1))).toEqual([rejected(1, 0xa)]);
      world.open(2, { role, name: 'y', mayRegister: true });
      expect(world.register(2, element(2))).toEqual([accepted(2)]);
    },
  );

  test('1. only what the identity is authorised for', () => {
    const world = new RegistrarHarness({}, (identity, poolHandle, { id }) => {
      expect([identity.name, poolHandle]).toEqual(['a', WEB]);
      return id === 1;
    });
    world.open(1, node('a'));
    expect(world.register(1, element(1))).toEqual([accepted(1)]);
    expect(world.register(1, element(2))).toEqual([rejected(2, 0xa)]);
  });

  test('2. an unauthenticated peer, where allowed, registers only the address it comes from', () => {
    const world = new RegistrarHarness({ openRegistration: true });
    world.open(1, null);
    expect(world.register(1, element(1))).toEqual([accepted(1)]);
    const { userTransport } = element(2);
    const info = causeInfo((writer) => writeTransport(writer, userTransport));
    expect(world.register(1, element(2))).toEqual([rejected(2, 0x3, info)]);
  });

  test('2. over SCTP also an authenticated one', () => {
    const world = new RegistrarHarness();
    world.open(1, node('a'), { transport: 'sctp', addresses: ['10.0.0.1', 'fd00::1'] });
    const userTransport = { type: 'sctp', port: 1, use: 'data', addresses: ['fd00::1', '10.0.0.1'] } as const;
    expect(world.register(1, element(1, { userTransport }))).toEqual([accepted(1)]);
    const foreign = { ...userTransport, addresses: ['10.0.0.1', '10.0.0.2'] };
    expect(world.register(1, element(2, { userTransport: foreign }))).toMatchObject([
      { causes: [{ code: 3 }] },
    ]);
  });

  test('2. over TCP an authenticated node registers a virtual address', () => {
    const world = new RegistrarHarness();
    world.open(1, node('a'));
    const userTransport = { type: 'tcp', port: 80, address: '192.0.2.7' } as const;
    expect(world.register(1, element(1, { userTransport }))).toEqual([accepted(1)]);
  });

  test('4. another policy type is rejected with the policy of the pool, also for a re-registration', () => {
    const world = withElements(1);
    const policy = { type: 'least-used', load: 0 } as const;
    const info = causeInfo((writer) => writePolicy(writer, { type: 'round-robin' }));
    expect(world.register(1, element(2, { policy }))).toEqual([rejected(2, 0x5, info)]);
    expect(world.register(1, element(1, { policy }))).toEqual([rejected(1, 0x5, info)]);
  });

  test('4. another transport type is rejected with a transport of the pool, another use with 0x8', () => {
    const world = withElements(1);
    const info = causeInfo((writer) => writeTransport(writer, element(1).userTransport));
    const udp = element(2, { userTransport: { type: 'udp', port: 80, address: '10.0.0.2' } });
    expect(world.register(1, udp)).toEqual([rejected(2, 0x7, info)]);
    const use = element(2, {
      userTransport: { type: 'tcp', port: 80, address: '10.0.0.2', use: 'data-and-control' },
    });
    expect(world.register(1, use)).toEqual([rejected(2, 0x8)]);
  });

  test('5. the same element registers again: its values are replaced and its life starts anew', () => {
    const world = withElements(1);
    world.advance(50_000);
    const userTransport = { type: 'tcp', port: 81, address: '10.0.0.1' } as const;
    expect(world.register(1, element(1, { userTransport }))).toEqual([accepted(1)]);
    expect(world.reasons()).toEqual(['element-registered: changed']);
    world.register(1, element(1, { userTransport }));
    expect(world.reasons()).toEqual(['element-registered: renewed']);
    const [pool] = world.registrar.snapshot(world.now).pools;
    expect(pool?.elements).toMatchObject([{ userTransport, lifeLeftMs: 60_000 }]);
  });

  test('5. an identifier in use by another element is rejected', () => {
    const world = withElements(1);
    world.open(2, node('node-2'));
    expect(world.register(2, element(1))).toEqual([rejected(1, 0x4)]);
  });

  test('5. the same node from a new association takes its element along', () => {
    const world = withElements(1);
    world.open(2, node('node-1'));
    expect(world.register(2, element(1))).toEqual([accepted(1)]);
    world.close(1);
    world.advance(5000);
    expect(world.resolve(2)).toEqual([1]);
  });

  test.each([
    ['identifier 0', { id: 0 }],
    ['life 0', { registrationLife: 0 }],
    ['life below -1', { registrationLife: -2 }],
    ['a policy that is not known', { policy: { type: 'other' as const, code: 99, data: new Uint8Array(0) } }],
  ])('%s is an invalid value', (_name, change) => {
    const world = new RegistrarHarness();
    world.open(1, node('a'));
    expect(world.register(1, element(1, change))).toMatchObject([{ rejected: true, causes: [{ code: 3 }] }]);
    expect(world.registrar.snapshot(world.now).pools).toEqual([]);
  });

  test('limits are a lack of resources', () => {
    const world = new RegistrarHarness({ elementsPerAssociationMax: 1 });
    world.open(1, node('a'));
    world.register(1, element(1));
    expect(world.register(1, element(2))).toEqual([rejected(2, 0x6)]);
    expect(world.register(1, element(1))).toEqual([accepted(1)]);
  });

  test('the life runs out: removed, and the element is told unasked', () => {
    const world = withElements(1);
    world.advance(59_999);
    expect(world.heard(1)).toEqual([]);
    world.advance(1);
    expect(world.heard(1)).toEqual([
      { type: 'deregistration-response', poolHandle: WEB, elementId: 1, causes: [] },
    ]);
    expect(world.reasons()).toEqual(['element-removed: life-expired']);
  });

  test('life -1 never runs out; among rsplib the unit is milliseconds', () => {
    const world = new RegistrarHarness({ lifeUnit: 'milliseconds', keepAlivePeriodMs: 0 });
    world.open(1, node('a'));
    world.register(1, element(1, { registrationLife: -1 }));
    world.register(1, element(2, { registrationLife: 90_000 }));
    world.advance(90_000);
    expect(world.resolve(1)).toEqual([1]);
    expect(world.registrar.nextDeadline()).toBeUndefined();
  });
});

describe('§3.2 deregistration', () => {
  const deregistration = { type: 'deregistration', poolHandle: WEB, elementId: 1 } as const;
  const response = { type: 'deregistration-response', poolHandle: WEB, elementId: 1 };

  test('removes the element, and the pool with the last one', () => {
    const world = withElements(1);
    expect(world.say(1, deregistration)).toEqual([{ ...response, causes: [] }]);
    expect(world.registrar.snapshot(world.now).pools).toEqual([]);
    expect(world.registrar.nextDeadline()).toBeUndefined();
  });

  test('one that is not there is answered with success', () => {
    const world = withElements(2);
    expect(world.say(2, deregistration)).toEqual([{ ...response, causes: [] }]);
  });

  test('only the element itself may ask', () => {
    const world = withElements(1, 2);
    expect(world.say(2, deregistration)).toEqual([
      { ...response, causes: [{ code: 0xa, info: new Uint8Array(0) }] },
    ]);
    world.open(9, null);
    expect(world.say(9, deregistration)).toMatchObject([{ causes: [{ code: 0xa }] }]);
    expect(world.resolve(9)).toEqual([1, 2]);
    world.open(3, node('node-1'));
    expect(world.say(3, deregistration)).toEqual([{ ...response, causes: [] }]);
  });

  test('one that was overtaken by a registration over a later association changes nothing', () => {
    const world = withElements(1);
    world.open(3, node('node-1'));
    world.say(3, { type: 'registration', poolHandle: WEB, element: element(1) });
    expect(world.say(1, deregistration)).toEqual([{ ...response, causes: [] }]);
    world.open(9, null);
    expect(world.resolve(9)).toEqual([1]);
    expect(world.say(3, deregistration)).toEqual([{ ...response, causes: [] }]);
    expect(world.registrar.snapshot(world.now).pools).toEqual([]);
  });
});

describe('§3.3 handle resolution', () => {
  test('an unknown pool is a negative answer', () => {
    const world = new RegistrarHarness();
    world.open(1, null);
    const asked = world.say(1, { type: 'handle-resolution', sendUpdates: true, poolHandle: WEB });
    expect(asked).toMatchObject([{ updatesAccepted: false, elements: [], causes: [{ code: 9 }] }]);
  });

  test('elements by the pool policy, at most as many as asked for, the default, or the limit', () => {
    const world = withElements(1, 2, 3, 4, 5);
    world.open(9, null);
    expect(world.resolve(9)).toEqual([1, 2, 3]);
    expect(world.resolve(9, 0)).toEqual([2, 3, 4]);
    expect(world.resolve(9, 2)).toEqual([3, 4]);
    expect(world.resolve(9, 0xffffffff)).toEqual([4, 5, 1, 2, 3]);
  });

  test('the policy is always told, the ASAP transport never, and updates are accepted', () => {
    const world = new RegistrarHarness();
    world.open(1, node('a'), { asapTransport: { type: 'tcp', port: 3863, address: '10.0.0.1' } });
    world.register(1, element(1));
    const [answer] = world.say(1, { type: 'handle-resolution', sendUpdates: true, poolHandle: WEB });
    expect(answer).toEqual({
      type: 'handle-resolution-response',
      updatesAccepted: true,
      poolHandle: WEB,
      policy: { type: 'round-robin' },
      elements: [element(1, { homeRegistrar: REGISTRAR_ID })],
      causes: [],
    });
  });

  test('too many questions get a negative answer, until there are tokens again', () => {
    const world = new RegistrarHarness({ resolutionRate: { perSecond: 1, burst: 2 } });
    world.open(1, node('a'));
    world.register(1, element(1));
    expect([world.resolve(1), world.resolve(1), world.resolve(1)]).toEqual([[1], [1], []]);
    world.advance(1000);
    expect(world.resolve(1)).toEqual([1]);
    expect(world.registrar.snapshot(world.now).counters).toMatchObject({
      resolutions: 3,
      resolutionsLimited: 1,
    });
  });
});

describe('§3.4 keep-alive', () => {
  test('asked every period, varied by half; whoever answers stays', () => {
    const world = new RegistrarHarness({
      keepAlivePeriodMs: 1000,
      keepAliveTimeoutMs: 300,
      registrarId: REGISTRAR_ID,
    });
    world.open(1, node('a'));
    world.register(1, element(1, { registrationLife: -1 }));
    world.heard(1);
    const gaps: number[] = [];
    let last = world.now;
    for (let i = 0; i < 20; i++) {
      world.advance((world.registrar.nextDeadline() ?? Number.NaN) - world.now);
      expect(world.heard(1)).toEqual([question(1)]);
      gaps.push(world.now - last);
      last = world.now;
      world.say(1, ack(1));
    }
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1500);
    expect(new Set(gaps).size).toBeGreaterThan(10);
    expect(world.resolve(1)).toEqual([1]);
  });

  test('no answer in time: removed, and the association is closed with its last element', () => {
    const world = new RegistrarHarness({ keepAlivePeriodMs: 1000, keepAliveTimeoutMs: 300 });
    world.open(1, node('a'));
    world.register(1, element(1));
    world.advance(1800);
    expect(world.reasons()).toEqual(['element-registered: new', 'element-removed: keep-alive-timeout']);
    expect(world.closed).toEqual([1]);
  });

  test('nobody answers for another', () => {
    const world = new RegistrarHarness({ keepAlivePeriodMs: 1000, keepAliveTimeoutMs: 300 });
    world.open(1, node('a'));
    world.open(2, node('b'));
    world.register(1, element(1));
    world.advance((world.registrar.nextDeadline() ?? Number.NaN) - world.now);
    world.say(2, ack(1));
    world.advance(300);
    expect(world.reasons()).toContain('element-removed: keep-alive-timeout');
  });
});

describe('§3.5 unreachable elements', () => {
  const report = { type: 'endpoint-unreachable', poolHandle: WEB, elementId: 1 } as const;

  test('a report leads to a keep-alive at once; no answer removes the element', () => {
    const world = withElements(1);
    world.open(9, null);
    expect(world.say(9, report)).toEqual([]);
    expect(world.heard(1)).toEqual([question(1)]);
    world.advance(5000);
    expect(world.reasons().at(-1)).toBe('element-removed: keep-alive-timeout');
  });

  test('an element that answers stays until there are more reports than MAX-BAD-PE-REPORT', () => {
    const world = withElements(1);
    for (let reporter = 11; reporter <= 14; reporter++) {
      expect(world.resolve(1)).toEqual([1]);
      world.open(reporter, { role: 'user', name: `user-${reporter}` });
      expect(world.resolve(reporter)).toEqual([1]);
      world.say(reporter, report);
      world.say(1, ack(1));
      world.advance(1000);
    }
    expect(world.reasons().at(-1)).toBe('element-removed: reported-unreachable');
  });

  test('one reporter counts once in 10 s, and a new registration forgets the reports', () => {
    const world = withElements(1);
    world.open(9, { role: 'user', name: 'user-9' });
    world.resolve(9);
    for (let i = 0; i < 8; i++) {
      world.say(9, report);
      world.say(1, ack(1));
      world.advance(1000);
    }
    expect(world.registrar.snapshot(world.now).pools[0]?.elements[0]?.badReports).toBe(1);
    world.register(1, element(1));
    expect(world.registrar.snapshot(world.now).pools[0]?.elements[0]?.badReports).toBe(0);
  });

  test('whoever was not told of the element by us does not count, but the element is asked', () => {
    const world = withElements(1);
    world.open(9, null);
    world.say(9, report);
    expect(world.heard(1)).toEqual([question(1)]);
    expect(world.registrar.snapshot(world.now).pools[0]?.elements[0]?.badReports).toBe(0);
  });

  test('keep-alives to one element are spaced, reports of one association limited', () => {
    const world = withElements(1);
    world.open(9, null);
    for (let i = 0; i < 30; i++) {
      world.say(9, report);
      world.say(1, ack(1));
    }
    expect(world.registrar.snapshot(world.now).counters).toMatchObject({
      keepAlivesSent: 1,
      reports: 20,
      reportsLimited: 10,
    });
  });

  test('an unknown element is ignored', () => {
    const world = withElements(1);
    expect(world.say(1, { ...report, elementId: 5 })).toEqual([]);
    expect(world.reasons()).toEqual([]);
  });
});

describe('a lost association', () => {
  test('its elements have the grace time to come back, then they are removed', () => {
    const world = withElements(1);
    world.close(1);
    world.open(2, node('node-1'));
    expect(world.resolve(2)).toEqual([1]);
    world.advance(999);
    expect(world.resolve(2)).toEqual([1]);
    world.advance(1);
    expect(world.resolve(2)).toEqual([]);
    expect(world.reasons()).toEqual([
      'element-detached: association-lost',
      'element-removed: association-lost',
    ]);
  });

  test('an element that registers again in time stays', () => {
    const world = withElements(1);
    world.close(1);
    world.advance(500);
    world.open(2, node('node-1'));
    world.register(2, element(1));
    world.advance(5000);
    expect(world.resolve(2)).toEqual([1]);
  });

  test('without grace they are removed at once', () => {
    const world = new RegistrarHarness({ associationGraceMs: 0 });
    world.open(1, node('a'));
    world.register(1, element(1));
    world.close(1);
    expect(world.registrar.snapshot(world.now).pools).toEqual([]);
    expect(world.registrar.nextDeadline()).toBeUndefined();
  });
});

describe('errors, RFC 5354 §3 and §4', () => {
  const report = { code: 3, info: new Uint8Array(5000) };

  test('a malformed message is reported in short, and too many of them end the association', () => {
    const world = new RegistrarHarness({ malformedMax: 2 });
    world.open(1, null);
    expect(world.malformed(1, report)).toEqual([
      { type: 'error', causes: [{ code: 3, info: new Uint8Array(1024) }] },
    ]);
    expect(world.closed).toEqual([]);
    expect(world.malformed(1, null)).toEqual([]);
    expect(world.closed).toEqual([1]);
  });

  test('parameters of the report kind are reported, others not, and an error never', () => {
    const world = new RegistrarHarness();
    world.open(1, null);
    const unrecognized = [
      { type: 0xc0fe, whole: Uint8Array.of(0xc0, 0xfe, 0, 4), report: true },
      { type: 0x80fe, whole: Uint8Array.of(0x80, 0xfe, 0, 4), report: false },
    ];
    const error = { type: 'error', causes: [{ code: 1, info: new Uint8Array(0) }] } as const;
    const outputs = world.registrar.handle(
      { type: 'message', association: 1, message: error, unrecognized },
      1,
    );
    expect(outputs.map(({ type }) => type)).toEqual(['event']);
    const cookie = { type: 'cookie', cookie: new Uint8Array(0) } as const;
    expect(
      world.registrar.handle({ type: 'message', association: 1, message: cookie, unrecognized }, 1),
    ).toEqual([
      {
        type: 'send',
        association: 1,
        message: { type: 'error', causes: [{ code: 1, info: unrecognized[0]?.whole }] },
      },
    ]);
  });

  test('input of an association that is gone is ignored; too many associations are closed', () => {
    const world = new RegistrarHarness({ associationsMax: 1 });
    expect(world.register(5, element(1))).toEqual([]);
    world.open(1, null);
    world.open(2, null);
    expect(world.closed).toEqual([2]);
    expect(world.registrar.snapshot(world.now).associations).toBe(1);
  });
});
