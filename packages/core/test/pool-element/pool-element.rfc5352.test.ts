// SPDX-License-Identifier: Apache-2.0
import {
  PoolElementCore,
  type PoolElementInput,
  type PoolElementOptions,
  type PoolElementOutput,
} from '@vnfpool/core/pool-element';
import type { AsapMessage } from '@vnfpool/wire/asap';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { Policy } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../handlespace/seeded-random.ts';

const web = encodeUtf8('web');
const name = { poolHandle: web, elementId: 7 } as const;
const userTransport = { type: 'tcp', port: 80, address: '10.0.0.7' } as const;
const registrars = [
  { host: 'pr1', port: 3863 },
  { host: 'pr2', port: 3863 },
];
const load = (value: number): Policy => ({ type: 'least-used', load: value });
const register = (lifeMs: number | null = 300_000) =>
  ({ type: 'register', ...name, userTransport, policy: load(0), lifeMs }) as const;
const response = (rejected = false, causes: { code: number; info: Uint8Array }[] = []): AsapMessage => ({
  type: 'registration-response',
  rejected,
  ...name,
  causes,
});
const security = { code: 0xa, info: new Uint8Array(0) };

/** A core with its clock. */
class Element {
  readonly core: PoolElementCore;
  now = 0;

  constructor(options: Partial<PoolElementOptions> = {}) {
    this.core = new PoolElementCore({ registrars, attemptsAtOnce: 1, ...options }, seededRandom(3));
  }

  do(input: PoolElementInput): string[] {
    return brief(this.core.handle(input, this.now));
  }

  hear(association: number, message: AsapMessage): string[] {
    return this.do({ type: 'message', association, message });
  }

  /** Goes on to the next deadline. */
  next(): string[] {
    this.now = this.core.nextDeadline() ?? Number.NaN;
    return brief(this.core.expire(this.now));
  }

  /** Registered over association 1 at time 0. */
  registered(lifeMs: number | null = 300_000): this {
    this.do(register(lifeMs));
    this.do({ type: 'connected', association: 1 });
    expect(this.hear(1, response())).toEqual(['registered']);
    return this;
  }
}

function brief(outputs: readonly PoolElementOutput[]): string[] {
  return outputs.map((output) => {
    switch (output.type) {
      case 'connect':
        return `connect ${output.association} ${output.registrar.host}`;
      case 'disconnect':
        return `disconnect ${output.association}`;
      case 'send':
        return `${output.association} ${output.message.type}`;
      case 'event':
        return 'reason' in output ? `${output.event}: ${output.reason}` : output.event;
    }
  });
}

describe('§3.1 registration', () => {
  test('idle: hunt; registrar found: register; accepted: registered', () => {
    const element = new Element();
    expect(element.do(register())).toEqual(['connect 1 pr1']);
    expect(element.do({ type: 'connected', association: 1 })).toEqual(['1 registration']);
    expect(element.core.phase(web, 7)).toBe('registering');
    expect(element.hear(1, response())).toEqual(['registered']);
    expect(element.core.phase(web, 7)).toBe('registered');
  });

  test('home registrar 0, no ASAP transport, life in seconds or milliseconds, -1 for ever', () => {
    for (const [lifeUnit, lifeMs, registrationLife] of [
      ['seconds', 1500, 2],
      ['milliseconds', 1500, 1500],
      ['seconds', null, -1],
    ] as const) {
      const element = new Element({ lifeUnit });
      element.do(register(lifeMs));
      expect(element.core.handle({ type: 'connected', association: 1 }, 0)).toEqual([
        {
          type: 'send',
          association: 1,
          message: {
            type: 'registration',
            poolHandle: web,
            element: { id: 7, homeRegistrar: 0, registrationLife, userTransport, policy: load(0) },
          },
        },
      ]);
    }
  });

  test('rejected: not tried again unchanged, the reason goes to the application', () => {
    const element = new Element();
    element.do(register());
    element.do({ type: 'connected', association: 1 });
    const told = element.hear(1, response(true, [security]));
    expect(told).toEqual(['rejected: rejected due to security considerations', 'disconnect 1']);
    expect(element.core.nextDeadline()).toBeUndefined();
  });

  test('accepted with an error: a warning', () => {
    const element = new Element();
    element.do(register());
    element.do({ type: 'connected', association: 1 });
    const outputs = element.core.handle(
      { type: 'message', association: 1, message: response(false, [security]) },
      0,
    );
    expect(outputs).toMatchObject([{ event: 'registered', warnings: [security] }]);
  });

  test('T2: another registrar; more than MAX-REG-ATTEMPT times: given up', () => {
    const element = new Element();
    element.do(register());
    for (const [association, host] of [
      [1, 'pr2'],
      [2, 'pr1'],
    ] as const) {
      expect(element.do({ type: 'connected', association })).toEqual([`${association} registration`]);
      const told = element.next();
      expect(told[0]).toBe(`disconnect ${association}`);
      if (told.length === 1) expect(element.next()).toEqual([`connect ${association + 1} ${host}`]);
      else expect(told[1]).toBe(`connect ${association + 1} ${host}`);
    }
    expect(element.now).toBeGreaterThanOrEqual(60_000);
    element.do({ type: 'connected', association: 3 });
    expect(element.next()[0]).toBe('failed: not answered');
    expect(element.core.phase(web, 7)).toBeUndefined();
  });

  test('a registrar that ends the association has not refused: the hunt goes on, for as long as it takes', () => {
    const element = new Element();
    let outputs = element.do(register());
    for (let round = 0; round < 20; round++) {
      for (let wait = 0; wait < 10 && !outputs.some((output) => output.startsWith('connect')); wait++)
        outputs = element.next();
      const association = Number(
        /\d+/.exec(outputs.find((output) => output.startsWith('connect')) ?? '')?.[0],
      );
      expect(element.do({ type: 'connected', association }).join()).toContain('registration');
      outputs = element.do({ type: 'disconnected', association });
      expect(outputs.join()).not.toContain('failed');
    }
    expect(element.core.phase(web, 7)).toBe('hunting');
  });

  test.each([
    [300_000, 280_000],
    [40_000, 20_000],
    [2000, 1000],
    [100_000_000, 600_000],
    [null, 600_000],
  ])('T4: a life of %s ms is renewed after %s ms', (lifeMs, afterMs) => {
    const element = new Element().registered(lifeMs);
    expect(element.next()).toEqual(['1 registration']);
    expect(element.now).toBe(afterMs);
    expect(element.hear(1, response())).toEqual([]);
  });

  test('a change of values is a re-registration; changes in between are one more', () => {
    const element = new Element().registered();
    element.now = 1000;
    expect(element.do({ type: 'update', ...name, policy: load(1) })).toEqual(['1 registration']);
    expect(element.do({ type: 'update', ...name, policy: load(2) })).toEqual([]);
    expect(element.do({ type: 'update', ...name, policy: load(3) })).toEqual([]);
    expect(element.hear(1, response())).toEqual([]);
    element.now = element.core.nextDeadline() ?? 0;
    expect(element.now).toBe(1100);
    expect(element.core.expire(element.now)).toMatchObject([{ message: { element: { policy: load(3) } } }]);
  });

  test('the association is lost: hunt and register again at once', () => {
    const element = new Element().registered();
    const lost = element.do({ type: 'disconnected', association: 1 });
    expect(lost).toEqual(['detached: association lost', 'connect 2 pr2']);
    expect(element.do({ type: 'connected', association: 2 })).toEqual(['2 registration']);
  });

  test('told unasked that the life ran out: register again', () => {
    const element = new Element().registered();
    const told = element.hear(1, { type: 'deregistration-response', ...name, causes: [] });
    expect(told).toEqual(['detached: life expired', '1 registration']);
  });

  test('messages of an association that was let go are ignored', () => {
    const element = new Element().registered();
    element.do({ type: 'disconnected', association: 1 });
    expect(element.hear(1, response())).toEqual([]);
    expect(element.do({ type: 'disconnected', association: 1 })).toEqual([]);
  });

  test('two elements of one pool share the association', () => {
    const element = new Element().registered();
    expect(element.do({ ...register(), elementId: 8 })).toEqual(['1 registration']);
    const keepAlive = {
      type: 'endpoint-keep-alive',
      becomeHome: false,
      registrarId: 1,
      poolHandle: web,
    } as const;
    expect(element.hear(1, keepAlive)).toEqual(['1 endpoint-keep-alive-ack']);
    element.hear(1, { ...response(), elementId: 8 } as AsapMessage);
    expect(element.hear(1, keepAlive)).toHaveLength(2);
    expect(element.hear(1, { ...keepAlive, elementId: 8 })).toHaveLength(1);
  });

  test('more elements than the limit are refused', () => {
    const element = new Element({ elementsMax: 1 }).registered();
    expect(element.do({ ...register(), elementId: 8 })).toEqual(['failed: too many elements']);
  });
});

describe('§3.2 deregistration', () => {
  const deregister = { type: 'deregister', ...name } as const;
  const confirmed = { type: 'deregistration-response', ...name, causes: [] } as const;

  test('confirmed: gone, and so is the association with the last element', () => {
    const element = new Element().registered();
    expect(element.do(deregister)).toEqual(['1 deregistration']);
    expect(element.hear(1, confirmed)).toEqual(['deregistered: confirmed', 'disconnect 1']);
    expect(element.core.nextDeadline()).toBeUndefined();
  });

  test('refused: told, and registered as before', () => {
    const element = new Element().registered();
    element.do(deregister);
    expect(element.hear(1, { ...confirmed, causes: [security] })[0]).toContain('deregistration-refused');
    expect(element.core.phase(web, 7)).toBe('registered');
  });

  test('T3: repeated at another registrar', () => {
    const element = new Element().registered();
    element.do(deregister);
    expect(element.next()).toEqual(['disconnect 1', 'connect 2 pr2']);
    expect(element.do({ type: 'connected', association: 2 })).toEqual(['2 deregistration']);
  });

  test('without association it is done', () => {
    const element = new Element();
    element.do(register());
    expect(element.do(deregister)).toEqual(['deregistered: was not registered', 'disconnect 1']);
  });
});

describe('§3.4 keep-alive', () => {
  const keepAlive = {
    type: 'endpoint-keep-alive',
    becomeHome: true,
    registrarId: 5,
    poolHandle: web,
  } as const;

  test('answered; H makes the sender the home registrar, once', () => {
    const element = new Element().registered();
    expect(element.hear(1, keepAlive)).toEqual([
      '1 endpoint-keep-alive-ack',
      'adopted: registrar 0x5 took it over',
    ]);
    expect(element.hear(1, keepAlive)).toEqual(['1 endpoint-keep-alive-ack']);
  });

  test('for a pool that is not ours: silence', () => {
    const element = new Element().registered();
    expect(element.hear(1, { ...keepAlive, poolHandle: encodeUtf8('calc') })).toEqual([]);
  });
});

describe('§3.6 hunt', () => {
  test('in turn; after each round a pause that grows up to the limit', () => {
    const element = new Element({ backoffMinMs: 1000, backoffMaxMs: 4000 });
    element.do(register());
    const pauses: number[] = [];
    for (let round = 0; round < 5; round++) {
      const [first, second] = [2 * round + 1, 2 * round + 2];
      expect(element.do({ type: 'disconnected', association: first })).toEqual([`connect ${second} pr2`]);
      expect(element.do({ type: 'disconnected', association: second })).toEqual([]);
      const before = element.now;
      expect(element.next()).toEqual([`connect ${second + 1} pr1`]);
      pauses.push(element.now - before);
    }
    for (const [round, wanted] of [1000, 2000, 4000, 4000, 4000].entries()) {
      expect(pauses[round]).toBeGreaterThanOrEqual(wanted * 0.5);
      expect(pauses[round]).toBeLessThanOrEqual(wanted * 1.5);
    }
  });

  test('T5: an attempt that takes too long is let go', () => {
    const element = new Element();
    element.do(register());
    expect(element.next()).toEqual(['disconnect 1', 'connect 2 pr2']);
    expect(element.now).toBe(10_000);
    expect(element.do({ type: 'connected', association: 1 })).toEqual([]);
  });
});
