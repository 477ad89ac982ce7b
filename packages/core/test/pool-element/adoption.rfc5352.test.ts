// SPDX-License-Identifier: Apache-2.0
import { PoolElementCore, type PoolElementInput, type PoolElementOptions } from '@vnfpool/core/pool-element';
import type { AsapMessage } from '@vnfpool/wire/asap';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { CAUSE, type Policy } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../handlespace/seeded-random.ts';

const web = encodeUtf8('web');
const name = { poolHandle: web, elementId: 7 } as const;
const load = (value: number): Policy => ({ type: 'least-used', load: value });
const accepted: AsapMessage = { type: 'registration-response', rejected: false, ...name, causes: [] };
const keepAlive = (registrarId: number, becomeHome: boolean): AsapMessage => ({
  type: 'endpoint-keep-alive',
  becomeHome,
  registrarId,
  poolHandle: web,
});
const error = (code: number, info = new Uint8Array(0)): AsapMessage => ({
  type: 'error',
  causes: [{ code, info }],
});

/** Registered at registrar 1 over association 1. */
function registered(options: Partial<PoolElementOptions> = {}) {
  const core = new PoolElementCore(
    {
      registrars: [
        { host: 'pr1', port: 1 },
        { host: 'pr2', port: 1 },
      ],
      attemptsAtOnce: 1,
      ...options,
    },
    seededRandom(3),
  );
  const clock = { now: 0 };
  const brief = (outputs: ReturnType<typeof core.handle>) =>
    outputs.map((output) => {
      if (output.type === 'send') return `${output.association} ${output.message.type}`;
      if (output.type === 'event') return output.event;
      return `${output.type} ${output.association}`;
    });
  const act = (input: PoolElementInput) => brief(core.handle(input, clock.now));
  const hear = (association: number, message: AsapMessage) =>
    act({ type: association < 0 ? 'inbound-message' : 'message', association, message });
  const next = () => {
    clock.now = core.nextDeadline() ?? Number.NaN;
    return brief(core.expire(clock.now));
  };
  act({
    type: 'register',
    ...name,
    userTransport: { type: 'tcp', port: 80, address: '10.0.0.7' },
    policy: load(0),
    lifeMs: 300_000,
  });
  act({ type: 'connected', association: 1 });
  expect(hear(1, accepted)).toEqual(['registered']);
  expect(hear(1, keepAlive(1, false))).toEqual(['1 endpoint-keep-alive-ack']);
  return { core, act, hear, next, clock };
}

describe('§3.4 adoption over an association that the registrar opened', () => {
  test('answered there, registered there once, later registrations go there', () => {
    const { act, hear, next } = registered();
    act({ type: 'inbound-opened', association: -1 });
    expect(hear(-1, keepAlive(2, true))).toEqual([
      '-1 endpoint-keep-alive-ack',
      'adopted',
      '-1 registration',
    ]);
    // Only now is the former home let go: it would have removed the element.
    expect(hear(-1, accepted)).toEqual(['disconnect 1']);
    expect(hear(-1, keepAlive(2, true))).toEqual(['-1 endpoint-keep-alive-ack']);
    expect(next()).toEqual(['-1 registration']);
  });

  test('without H it is answered where it came from, and nothing else changes', () => {
    const { act, hear, next } = registered();
    act({ type: 'inbound-opened', association: -1 });
    expect(hear(-1, keepAlive(2, false))).toEqual(['-1 endpoint-keep-alive-ack']);
    expect(next()).toEqual(['1 registration']);
  });

  test('the home registrar died and its successor comes while we hunt', () => {
    const { act, hear } = registered();
    expect(act({ type: 'disconnected', association: 1 })).toEqual(['detached', 'connect 2']);
    act({ type: 'inbound-opened', association: -1 });
    expect(hear(-1, keepAlive(2, true))).toContain('-1 registration');
    expect(hear(-1, accepted)).toEqual(['registered', 'disconnect 2']);
  });

  test('the new home is lost: hunt and register again at once', () => {
    const { act, hear } = registered();
    act({ type: 'inbound-opened', association: -1 });
    hear(-1, keepAlive(2, true));
    hear(-1, accepted);
    expect(act({ type: 'inbound-closed', association: -1 })).toEqual(['detached', 'connect 2']);
    expect(act({ type: 'connected', association: 2 })).toEqual(['2 registration']);
  });

  test('the new home does not answer: T2 lets it go', () => {
    const { act, hear, next } = registered();
    act({ type: 'inbound-opened', association: -1 });
    hear(-1, keepAlive(2, true));
    expect(next()).toEqual(['detached', 'disconnect -1', '1 registration']);
  });

  test('another identifier over the own association: registered anew there', () => {
    const { hear } = registered();
    expect(hear(1, keepAlive(9, true))).toEqual(['1 endpoint-keep-alive-ack', 'adopted', '1 registration']);
  });

  test('the element leaves its new home, and with it goes everything', () => {
    const { act, hear } = registered();
    act({ type: 'inbound-opened', association: -1 });
    hear(-1, keepAlive(2, true));
    hear(-1, accepted);
    expect(act({ type: 'deregister', ...name })).toEqual(['-1 deregistration']);
    expect(hear(-1, { type: 'deregistration-response', ...name, causes: [] })).toEqual([
      'deregistered',
      'disconnect -1',
    ]);
  });

  test('only so many associations are accepted', () => {
    const { act } = registered({ inboundMax: 1 });
    expect(act({ type: 'inbound-opened', association: -1 })).toEqual([]);
    expect(act({ type: 'inbound-opened', association: -2 })).toEqual(['disconnect -2']);
  });
});

describe('ASAP_ERROR while a request is open', () => {
  test('refuses it, in words also for the codes of rsplib', () => {
    const { core, act, clock } = registered();
    clock.now = 1000;
    act({ type: 'update', ...name, policy: load(1) });
    const outputs = core.handle({ type: 'message', association: 1, message: error(0xf007) }, clock.now);
    expect(outputs[0]).toMatchObject({ event: 'rejected', reason: 'no usable ASAP address' });
  });

  test('that only reports a skipped parameter does not, and without request it is nothing', () => {
    const { act, hear, clock } = registered();
    expect(hear(1, error(CAUSE.unspecified))).toEqual([]);
    clock.now = 1000;
    expect(act({ type: 'update', ...name, policy: load(1) })).toEqual(['1 registration']);
    expect(hear(1, error(CAUSE.unrecognizedParameter, Uint8Array.of(0xc0, 0xfe, 0, 4)))).toEqual([]);
    expect(hear(1, accepted)).toEqual([]);
  });
});

test('a load within the hysteresis goes along with the next registration', () => {
  const { core, act, clock } = registered({ loadHysteresis: 0.1 });
  clock.now = 1000;
  expect(act({ type: 'update', ...name, policy: load(0x0fffffff) })).toEqual([]);
  expect(act({ type: 'update', ...name, policy: load(0x2fffffff) })).toEqual(['1 registration']);
  expect(act({ type: 'message', association: 1, message: accepted })).toEqual([]);
  act({ type: 'update', ...name, policy: load(0x30000000) });
  clock.now = core.nextDeadline() ?? 0;
  expect(core.expire(clock.now)).toMatchObject([{ message: { element: { policy: load(0x30000000) } } }]);
});
