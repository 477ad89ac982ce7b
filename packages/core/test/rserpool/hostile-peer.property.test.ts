// SPDX-License-Identifier: Apache-2.0
import { PoolElementCore } from '@vnfpool/core/pool-element';
import { PoolUserCore } from '@vnfpool/core/pool-user';
import { Registrar, type RegistrarOutput } from '@vnfpool/core/registrar';
import { type AsapMessage, encodeAsap } from '@vnfpool/wire/asap';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asapMessage } from '../../../wire/test/asap/asap-message.arbitrary.ts';
import { seededRandom } from '../handlespace/seeded-random.ts';

const registrars = [{ host: 'pr', port: 3863 }];
/** Few handles and identifiers, so that messages meet what messages before them made. */
const message: fc.Arbitrary<AsapMessage> = fc
  .tuple(asapMessage, fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 }))
  .map(([original, handle, id]) => {
    const changed = {
      ...original,
      ...('poolHandle' in original ? { poolHandle: new Uint8Array(handle) } : {}),
    };
    if ('elementId' in changed) return { ...changed, elementId: id };
    return 'element' in changed ? { ...changed, element: { ...changed.element, id } } : changed;
  });
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ association: fc.integer({ min: 1, max: 4 }), message }) },
  fc.record({ association: fc.integer({ min: 1, max: 4 }), toggle: fc.constant(true) }),
  { weight: 2, arbitrary: fc.record({ advanceMs: fc.nat(20_000) }) },
);

test('a registrar stands any messages in any order, answers in the format, and keeps its pools whole', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const options = { registrarId: 1, openRegistration: true, lifeUnit: 'milliseconds' } as const;
      const registrar = new Registrar(options, seededRandom(1), (_identity, _handle, { id }) => id !== 2);
      const take = (outputs: readonly RegistrarOutput[]): void => {
        for (const output of outputs) if (output.type === 'send') encodeAsap(output.message);
      };
      const open = new Map<number, number>();
      let lastAssociation = 0;
      let now = 0;
      for (const action of steps) {
        if ('advanceMs' in action) {
          now += action.advanceMs;
          take(registrar.expire(now));
          expect(registrar.nextDeadline() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
        } else if ('toggle' in action) {
          const association = open.get(action.association);
          if (association === undefined) {
            const identity = action.association % 2 === 0 ? ({ role: 'node', name: 'n' } as const) : null;
            open.set(action.association, ++lastAssociation);
            const peer = { transport: 'tcp', addresses: ['0.0.0.0'] } as const;
            take(
              registrar.handle(
                { type: 'association-opened', association: lastAssociation, identity, peer },
                now,
              ),
            );
          } else {
            open.delete(action.association);
            take(registrar.handle({ type: 'association-closed', association }, now));
          }
        } else {
          const association = open.get(action.association) ?? 0;
          take(
            registrar.handle(
              { type: 'message', association, message: action.message, unrecognized: [] },
              now,
            ),
          );
        }
        for (const pool of registrar.snapshot(now).pools) {
          expect(pool.elements.length).toBeGreaterThan(0);
          for (const { id, homeRegistrar } of pool.elements)
            expect([id !== 0, homeRegistrar]).toEqual([true, 1]);
        }
      }
    }),
    { numRuns: 150 },
  );
});

test('elements and users stand any messages of a registrar', () => {
  let answered = 0;
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const element = new PoolElementCore({ registrars }, seededRandom(1));
      const user = new PoolUserCore({ registrars, updates: true }, seededRandom(1));
      const userTransport = { type: 'tcp', port: 80, address: '10.0.0.1' } as const;
      const policy = { type: 'random' } as const;
      for (const handle of [0, 1, 2]) {
        for (const elementId of [0, 1, 2]) {
          const poolHandle = new Uint8Array(handle);
          element.handle(
            { type: 'register', poolHandle, elementId, userTransport, policy, lifeMs: 60_000 },
            0,
          );
        }
      }
      // A registrar that called on us, and may say as much.
      element.handle({ type: 'inbound-opened', association: -1 }, 0);
      let heardByElement = 0;
      for (const [index, heard] of messages.entries()) {
        const now = index * 5000;
        for (const output of element.handle(
          { type: 'inbound-message', association: -1, message: heard },
          now,
        ))
          if (output.type === 'send') encodeAsap(output.message);
        if (index % 7 === 6) {
          element.handle({ type: 'inbound-closed', association: -1 }, now);
          element.handle({ type: 'inbound-opened', association: -1 }, now);
        }
        user.handle({ type: 'resolve', request: index, poolHandle: new Uint8Array(index % 3) }, now);
        for (const core of [element, user]) {
          core.expire(now);
          // Attempts are numbered from 1; of all numbers so far only that of the open attempt does anything.
          for (let association = 1; association <= 2 * messages.length + 2; association++) {
            core.handle({ type: 'connected', association }, now);
            const outputs = core.handle({ type: 'message', association, message: heard }, now);
            if (core === element) heardByElement += outputs.length;
            for (const output of outputs) if (output.type === 'send') encodeAsap(output.message);
          }
          expect(core.nextDeadline() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(now);
        }
      }
      answered += heardByElement;
    }),
    { numRuns: 150 },
  );
  // Otherwise nothing was delivered, and the test says nothing.
  expect(answered).toBeGreaterThan(10);
});
