// SPDX-License-Identifier: Apache-2.0
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { enrpMessage } from '../../../wire/test/enrp/enrp-message.arbitrary.ts';
import { OWN_ID, PeerHarness } from './support/peer-harness.ts';

/** Few identifiers, among them ours and none, and few handles, so that messages meet what messages before them made. */
const IDS = [0, 7, 8, 9, OWN_ID] as const;
const id = fc.constantFrom(...IDS);
const message: fc.Arbitrary<EnrpMessage> = fc
  .record({
    original: enrpMessage,
    sender: id,
    receiver: id,
    target: id,
    home: id,
    handle: fc.nat(2),
    element: fc.nat(3),
  })
  .map(({ original, sender, receiver, target, home, handle, element }) => {
    const few = <E extends object>(of: E): E => ({
      ...of,
      id: element,
      homeRegistrar: home,
      registrationLife: 30,
    });
    const poolHandle = new Uint8Array(handle + 1);
    const changed = { ...original, sender, receiver } as EnrpMessage;
    if (changed.type === 'handle-update') return { ...changed, poolHandle, element: few(changed.element) };
    if (changed.type === 'handle-table-response')
      return {
        ...changed,
        pools: changed.pools.map(({ elements }) => ({ poolHandle, elements: elements.map(few) })),
      };
    return 'target' in changed ? { ...changed, target } : changed;
  });
const association = fc.integer({ min: 1, max: 5 });
const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ association, message }) },
  { weight: 2, arbitrary: fc.record({ association, toggle: fc.constant(true) }) },
  { weight: 2, arbitrary: fc.record({ connect: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ register: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ advanceMs: fc.nat(20_000) }) },
);

test('a registrar stands any ENRP in any order: bounded, in the format, and with its handlespace whole', () => {
  let merged = 0;
  fc.assert(
    fc.property(fc.array(step, { minLength: 10, maxLength: 120 }), (steps) => {
      const world = new PeerHarness({
        peersMax: 3,
        tableElementsMax: 1,
        suggestTakeover: true,
        lifeUnit: 'seconds',
      });
      const open = new Map<number, number>();
      let last = 0;
      for (const action of steps) {
        if ('advanceMs' in action) world.advance(action.advanceMs);
        else if ('register' in action) {
          last += 1;
          const address = `10.2.0.${action.register}`;
          const asapTransport = { type: 'tcp', port: 4000, address } as const;
          world.give({
            type: 'association-opened',
            association: last,
            identity: { role: 'node', name: 'n' },
            peer: { transport: 'tcp', addresses: [address], asapTransport },
          });
          world.asap(last, {
            type: 'registration',
            poolHandle: new Uint8Array(1),
            element: {
              id: action.register,
              homeRegistrar: 0,
              registrationLife: 30,
              userTransport: asapTransport,
              policy: { type: 'random' },
            },
          });
        } else if ('connect' in action) {
          for (const { attempt, protocol } of world.connects.splice(0)) {
            last += 1;
            const peer = { transport: 'tcp', addresses: ['10.2.0.1'] } as const;
            const opened = { association: last, peer, attempt };
            if (!action.connect) world.give({ type: 'connect-failed', attempt, reason: 'refused' });
            else if (protocol === 'enrp') {
              world.give({ type: 'peer-opened', ...opened, identity: { role: 'registrar', name: 'r' } });
              open.set(1 + (last % 5), last);
            } else
              world.give({ type: 'association-opened', ...opened, identity: { role: 'element', name: 'e' } });
          }
        } else if ('toggle' in action) {
          const known = open.get(action.association);
          if (known !== undefined) world.give({ type: 'peer-closed', association: known });
          open.delete(action.association);
          if (known === undefined) {
            last += 1;
            open.set(action.association, last);
            world.open(last, { role: 'registrar', name: `r${action.association}` });
          }
        } else {
          const link = open.get(action.association) ?? 0;
          world.give({ type: 'peer-message', association: link, message: action.message, unrecognized: [] });
        }
        const { registrarId, peers, pools, ownElements, peerAssociations } = world.view();
        const known = new Set([registrarId, ...peers.map((peer) => peer.registrarId)]);
        expect(peers.length).toBeLessThanOrEqual(3);
        expect(peerAssociations).toBeLessThanOrEqual(256);
        const elements = pools.flatMap((pool) => pool.elements);
        expect(elements.filter(({ homeRegistrar }) => homeRegistrar === registrarId)).toHaveLength(
          ownElements,
        );
        for (const element of elements) {
          expect(element.id).not.toBe(0);
          // Whoever owns it is watched, and it goes when nobody renews it.
          expect(known.has(element.homeRegistrar)).toBe(true);
          expect(element.lifeLeftMs).not.toBeNull();
        }
        merged += elements.length;
        expect(world.registrar.nextDeadline() ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(world.now);
      }
    }),
    { numRuns: 300 },
  );
  // Otherwise nothing was taken, and the test says nothing.
  expect(merged).toBeGreaterThan(100);
});
