// SPDX-License-Identifier: Apache-2.0
import {
  PoolUserCore,
  type PoolUserInput,
  type PoolUserOptions,
  type PoolUserOutput,
} from '@vnfpool/core/pool-user';
import type { AsapMessage } from '@vnfpool/wire/asap';
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { Policy } from '@vnfpool/wire/parameters';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../handlespace/seeded-random.ts';

const web = encodeUtf8('web');
const registrars = [{ host: 'pr1', port: 3863 }];

function answer(
  policy: Policy | undefined,
  ...elements: readonly (readonly [number, Policy])[]
): AsapMessage {
  return {
    type: 'handle-resolution-response',
    updatesAccepted: false,
    poolHandle: web,
    ...(policy === undefined ? {} : { policy }),
    elements: elements.map(([id, own]) => ({
      id,
      homeRegistrar: 1,
      registrationLife: 60,
      userTransport: { type: 'tcp', port: 80, address: `10.0.0.${id}` },
      policy: own,
    })),
    causes: [],
  };
}
const negative = (code: number): AsapMessage => ({
  type: 'handle-resolution-response',
  updatesAccepted: false,
  poolHandle: web,
  elements: [],
  causes: [{ code, info: new Uint8Array(0) }],
});
const rr: Policy = { type: 'round-robin' };
const lu = (load: number): Policy => ({ type: 'least-used', load });
const three = answer(rr, [1, rr], [2, rr], [3, rr]);

/** A core with its clock; associated with a registrar by association 1 unless told otherwise. */
class User {
  readonly core: PoolUserCore;
  now = 0;
  #request = 0;

  constructor(options: Partial<PoolUserOptions> = {}) {
    this.core = new PoolUserCore({ registrars, attemptsAtOnce: 1, ...options }, seededRandom(3));
  }

  do(input: PoolUserInput): string[] {
    return brief(this.core.handle(input, this.now));
  }
  resolve(): string[] {
    return this.do({ type: 'resolve', request: ++this.#request, poolHandle: web });
  }
  hear(message: AsapMessage, association = 1): string[] {
    return this.do({ type: 'message', association, message });
  }
  unreachable(elementId: number): string[] {
    return this.do({ type: 'unreachable', poolHandle: web, elementId });
  }
  next(): string[] {
    this.now = this.core.nextDeadline() ?? Number.NaN;
    return brief(this.core.expire(this.now));
  }

  /** Asked request 1 and got this answer. */
  answered(message: AsapMessage): this {
    this.resolve();
    this.do({ type: 'connected', association: 1 });
    this.hear(message);
    return this;
  }
}

function brief(outputs: readonly PoolUserOutput[]): string[] {
  return outputs.map((output) => {
    switch (output.type) {
      case 'connect':
        return `connect ${output.association} ${output.registrar.host}`;
      case 'disconnect':
        return `disconnect ${output.association}`;
      case 'send':
        return `${output.association} ${output.message.type}`;
      case 'resolved':
        return `${output.request}: ${[output.element, ...output.alternatives].map(({ id }) => id).join(' ')}`;
      case 'unresolved':
        return `${output.request}: ${output.reason}`;
      case 'pool-changed':
        return `now ${output.elements.map(({ id }) => id).join(' ')}`;
    }
  });
}

describe('§3.3 handle resolution', () => {
  test('a miss hunts, asks once for all who wait, and answers them', () => {
    const user = new User({ items: 5 });
    expect(user.resolve()).toEqual(['connect 1 pr1']);
    expect(user.resolve()).toEqual([]);
    expect(user.core.handle({ type: 'connected', association: 1 }, 0)).toEqual([
      {
        type: 'send',
        association: 1,
        message: { type: 'handle-resolution', sendUpdates: false, poolHandle: web, items: 5 },
      },
    ]);
    expect(user.hear(three)).toEqual(['1: 1 2 3', '2: 2 3 1']);
  });

  test('a fresh answer is used without asking, a stale one while the new one is fetched', () => {
    const user = new User().answered(three);
    user.now = 29_999;
    expect(user.resolve()).toEqual(['2: 2 3 1']);
    user.now = 30_000;
    expect(user.resolve()).toEqual(['3: 3 1 2', '1 handle-resolution']);
    expect(user.resolve()).toEqual(['4: 1 2 3']);
    expect(user.hear(answer(rr, [9, rr]))).toEqual([]);
    expect(user.resolve()).toEqual(['5: 9']);
  });

  test('or waits for the new one, if it is told so', () => {
    const user = new User({ answerStale: false }).answered(three);
    user.now = 30_000;
    expect(user.resolve()).toEqual(['1 handle-resolution']);
    expect(user.hear(answer(rr, [9, rr]))).toEqual(['2: 9']);
  });

  test('a negative answer is told and forgets the pool; a refusal keeps what is known', () => {
    const user = new User().answered(three);
    user.now = 30_000;
    user.resolve();
    expect(user.hear(negative(6))).toEqual([]);
    expect(user.core.cachedCount(web)).toBe(3);
    user.resolve();
    user.hear(negative(9));
    expect(user.core.cachedCount(web)).toBe(0);
    user.resolve();
    expect(user.hear(negative(9))).toEqual(['4: unknown pool']);
  });

  test('T1: asked again, MAX-REQUEST-RETRANSMIT times, then told and a new association tried', () => {
    const user = new User();
    user.resolve();
    user.do({ type: 'connected', association: 1 });
    expect(user.next()).toEqual(['1 handle-resolution']);
    expect(user.next()).toEqual(['1 handle-resolution']);
    expect(user.next()).toEqual(['1: not answered', 'disconnect 1', 'connect 2 pr1']);
    expect(user.now).toBe(45_000);
  });

  test('T1: with several registrars the next one is asked', () => {
    const user = new User({ registrars: [...registrars, { host: 'pr2', port: 3863 }] });
    user.resolve();
    user.do({ type: 'connected', association: 1 });
    expect(user.next()).toEqual(['1 handle-resolution', 'connect 2 pr2']);
    expect(user.do({ type: 'connected', association: 2 })).toEqual(['disconnect 1', '2 handle-resolution']);
    expect(user.hear(three, 1)).toEqual([]);
    expect(user.hear(three, 2)).toEqual(['1: 1 2 3']);
  });

  test('without any registrar the request still ends', () => {
    const user = new User({ requestTimeoutMs: 1000 });
    user.resolve();
    expect([...user.next(), ...user.next(), ...user.next()]).toEqual(['1: not answered']);
  });

  test('an association that breaks repeats the question', () => {
    const user = new User();
    user.resolve();
    user.do({ type: 'connected', association: 1 });
    expect(user.do({ type: 'disconnected', association: 1 })).toEqual(['connect 2 pr1']);
    expect(user.do({ type: 'connected', association: 2 })).toEqual(['2 handle-resolution']);
  });

  test('answers nobody asked for are ignored', () => {
    const user = new User().answered(three);
    expect(user.hear(answer(rr, [66, rr]))).toEqual([]);
    expect(user.resolve()).toEqual(['2: 2 3 1']);
  });

  test('limits: waiting requests are refused, the oldest pool without question goes', () => {
    const user = new User({ waitingMax: 1, poolsMax: 1 });
    user.resolve();
    expect(user.resolve()).toEqual(['2: too many requests']);
    const other = { type: 'resolve', request: 3, poolHandle: encodeUtf8('calc') } as const;
    expect(user.do(other)).toEqual(['3: too many requests']);
    user.do({ type: 'connected', association: 1 });
    user.hear(three);
    expect(user.do(other)).toEqual(['1 handle-resolution']);
    expect(user.core.cachedCount(web)).toBe(0);
  });
});

describe('choice, RFC 5356', () => {
  test('least used: the lowest load first, ties by turns', () => {
    const user = new User().answered(answer(lu(0), [1, lu(9)], [2, lu(5)], [3, lu(5)]));
    expect([user.resolve(), user.resolve(), user.resolve()]).toEqual([
      ['2: 3 2 1'],
      ['3: 2 3 1'],
      ['4: 3 2 1'],
    ]);
  });
  test('no policy means round robin', () => {
    const user = new User().answered(answer(undefined, [1, rr], [2, rr]));
    expect([user.resolve(), user.resolve()]).toEqual([['2: 2 1'], ['3: 1 2']]);
  });
  test('a policy that we do not know: the order of the registrar', () => {
    const other: Policy = { type: 'other', code: 99, data: new Uint8Array(0) };
    const user = new User().answered(answer(other, [2, other], [1, other]));
    expect([user.resolve(), user.resolve()]).toEqual([['2: 2 1'], ['3: 2 1']]);
  });
  test('elements that do not fit the policy: the order of the registrar', () => {
    const user = new User().answered(answer(lu(0), [2, rr], [1, lu(0)]));
    expect(user.resolve()).toEqual(['2: 2 1']);
  });
});

describe('§3.5 unreachable elements', () => {
  test('out of the cache at once, reported once per event', () => {
    const user = new User().answered(three);
    expect(user.unreachable(2)).toEqual(['1 endpoint-unreachable']);
    expect(user.unreachable(2)).toEqual([]);
    expect(user.resolve()).toEqual(['2: 3 1']);
    user.now = 1000;
    expect(user.unreachable(2)).toEqual(['1 endpoint-unreachable']);
  });

  test('when the last one is gone the registrar is asked again', () => {
    const user = new User().answered(answer(rr, [1, rr]));
    user.unreachable(1);
    expect(user.resolve()).toEqual(['1 handle-resolution']);
  });

  test('without association the report waits, and only so many do', () => {
    const user = new User();
    expect(user.unreachable(1)).toEqual(['connect 1 pr1']);
    for (let id = 2; id <= 80; id++) user.unreachable(id);
    expect(user.do({ type: 'connected', association: 1 })).toHaveLength(64);
  });
});

describe('§3.3 updates', () => {
  test('S is set; what comes unasked replaces what was known; the end of the pool too', () => {
    const user = new User({ updates: true });
    user.resolve();
    expect(user.core.handle({ type: 'connected', association: 1 }, 0)).toMatchObject([
      { message: { type: 'handle-resolution', sendUpdates: true } },
    ]);
    expect(user.hear({ ...three, updatesAccepted: true } as AsapMessage)).toEqual(['now 1 2 3', '1: 1 2 3']);
    expect(user.hear({ ...answer(rr, [9, rr]), updatesAccepted: true } as AsapMessage)).toEqual(['now 9']);
    expect(user.resolve()).toEqual(['2: 9']);
    expect(user.hear(negative(9))).toEqual(['now ']);
    expect(user.resolve()).toEqual(['1 handle-resolution']);
  });

  test('another registrar is asked for them again', () => {
    const user = new User({ updates: true });
    user.answered({ ...three, updatesAccepted: true } as AsapMessage);
    user.do({ type: 'disconnected', association: 1 });
    expect(user.do({ type: 'connected', association: 2 })).toEqual(['2 handle-resolution']);
    expect(user.hear({ ...answer(rr, [4, rr]), updatesAccepted: true } as AsapMessage, 2)).toEqual(['now 4']);
  });
});

describe('one request its own way', () => {
  test('staleMs 0 asks and waits whatever is known', () => {
    const user = new User().answered(three);
    expect(user.do({ type: 'resolve', request: 2, poolHandle: web, staleMs: 0 })).toEqual([
      '1 handle-resolution',
    ]);
    expect(user.hear(answer(rr, [5, rr]))).toEqual(['2: 5']);
  });

  test('an ASAP_ERROR is the refusal of the oldest question', () => {
    const user = new User();
    user.resolve();
    user.do({ type: 'connected', association: 1 });
    expect(user.hear({ type: 'error', causes: [{ code: 0x10, info: new Uint8Array(0) }] })).toEqual([
      '1: refused',
    ]);
  });

  test('an element to which no data was sent leaves the cache without a report', () => {
    const user = new User().answered(three);
    expect(user.do({ type: 'unreachable', poolHandle: web, elementId: 2, report: false })).toEqual([]);
    expect(user.resolve()).toEqual(['2: 3 1']);
  });
});
