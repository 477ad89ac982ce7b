// SPDX-License-Identifier: Apache-2.0
import { SessionCore, type SessionInput } from '@vnfpool/core/session';
import type { PoolElement } from '@vnfpool/wire/parameters';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../handlespace/seeded-random.ts';

const poolHandle = Uint8Array.of(1);
const element = (id: number): PoolElement => ({
  id,
  homeRegistrar: 1,
  registrationLife: 60,
  userTransport: { type: 'tcp', port: 7, address: '10.0.0.1' },
  policy: { type: 'round-robin' },
});
/** Small numbers, so that inputs meet what outputs before them began. */
const number = fc.integer({ min: 1, max: 6 });
const ids = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 });
const input: fc.Arbitrary<SessionInput> = fc.oneof(
  fc.record({
    type: fc.constant('candidates' as const),
    request: number,
    elements: ids.map((all) => all.map(element)),
  }),
  fc.record({ type: fc.constant('no-candidates' as const), request: number, reason: fc.constant('unknown') }),
  fc.record({ type: fc.constant('connected' as const), channel: number, control: fc.boolean() }),
  fc.record({
    type: fc.constant('closed' as const),
    channel: number,
    how: fc.constantFrom('ended' as const, 'closed' as const, 'failed' as const),
    reason: fc.constant('gone'),
  }),
  fc.record({
    type: fc.constant('send' as const),
    data: fc.uint8Array({ maxLength: 8 }),
    mayMove: fc.boolean(),
  }),
  fc.record({ type: fc.constant('acknowledge' as const), upTo: number }),
  fc.record({ type: fc.constant('heard' as const), channel: number }),
  fc.record({
    type: fc.constant('control' as const),
    channel: number,
    message: fc.oneof(
      fc.record({ type: fc.constant('cookie' as const), cookie: fc.uint8Array({ maxLength: 6 }) }),
      fc.record({
        type: fc.constant('business-card' as const),
        poolHandle: fc.constant(poolHandle),
        elements: ids.map((all) => all.map(element)),
      }),
    ),
  }),
  fc.record({ type: fc.constant('fail-over' as const), reason: fc.constant('slow'), report: fc.boolean() }),
);
const step = fc.oneof({ weight: 8, arbitrary: input }, fc.record({ advanceMs: fc.nat(6000) }));
const options = fc.record({
  resend: fc.constantFrom('unsent' as const, 'unacknowledged' as const),
  messagesMax: fc.integer({ min: 1, max: 4 }),
  cookieBytesMax: fc.constant(4),
});

test('whatever comes in whatever order: one channel at a time, the cookie first, every message somewhere once', () => {
  fc.assert(
    fc.property(options, fc.array(step, { maxLength: 80 }), (chosen, steps) => {
      const core = new SessionCore({ poolHandle, ...chosen }, seededRandom(1));
      const open = new Set<number>();
      const sent: number[] = [];
      const returned: number[] = [];
      let now = 0;
      let over = false;
      let numbered = 0;
      let fresh: number | undefined;
      const take = (outputs: ReturnType<typeof core.handle>): void => {
        for (const output of outputs) {
          expect(over).toBe(false);
          if (output.type === 'connect') {
            open.add(output.channel);
            expect(open.size).toBe(1);
            fresh = output.channel;
          } else if (output.type === 'disconnect') open.delete(output.channel);
          else if (output.type === 'control' && output.message.type === 'cookie-echo') {
            expect(fresh).toBe(output.channel);
            expect(output.message.cookie.length).toBeLessThanOrEqual(4);
            fresh = undefined;
          } else if (output.type === 'greet') fresh = undefined;
          else if (output.type === 'transmit') {
            expect(open.has(output.channel)).toBe(true);
            fresh = undefined;
            sent.push(output.data.length);
          } else if (output.type === 'event') {
            if ('returned' in output) returned.push(...output.returned.map((each) => each.number));
            over = output.event === 'ended' || output.event === 'failed';
          }
        }
      };
      take(core.handle({ type: 'open' }, now));
      for (const action of steps) {
        if ('advanceMs' in action) {
          now += action.advanceMs;
          take(core.expire(now));
        } else {
          if (action.type === 'closed') open.delete(action.channel);
          if (action.type === 'send' && !over) numbered += 1;
          take(core.handle(action, now));
        }
        expect(core.nextDeadline() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
      }
      // Each message comes back at most once, and only such as were sent.
      expect(new Set(returned).size).toBe(returned.length);
      for (const each of returned) expect(each).toBeLessThanOrEqual(numbered);
      if (chosen.resend === 'unsent') expect(sent.length).toBeLessThanOrEqual(numbered);
    }),
    { numRuns: 500 },
  );
});
