// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore, ReplicationHolder, ReplicationStandby } from '@vnfpool/core/replication';
import type { ReplicaMessage } from '@vnfpool/wire/replication';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const SLOT = '00000000000000a1';
const small = fc.nat(6);
const position = fc.record({ epoch: fc.nat(4), sequence: small });
const history = fc
  .uniqueArray(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 })
  .chain((epochs) =>
    fc
      .array(small, { minLength: epochs.length, maxLength: epochs.length })
      .map((sequences) =>
        epochs
          .sort((a, b) => a - b)
          .map((epoch, n) => ({ epoch, sequence: sequences.sort((a, b) => a - b)[n] as number })),
      ),
  );
const updates = fc
  .array(
    fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      value: fc.option(fc.uint8Array({ maxLength: 3 }), { nil: null }),
    }),
    { maxLength: 3 },
  )
  .chain((all) => small.map((first) => all.map((each, n) => ({ ...each, sequence: first + n + 1 }))));
const mark = fc.record({ sequence: fc.nat(9), keys: fc.nat(3), digest: fc.constant(0n), clockUs: fc.nat(9) });
const of = <Type extends string>(type: Type): fc.Arbitrary<Type> => fc.constant(type);
const message: fc.Arbitrary<ReplicaMessage> = fc.oneof(
  history.map(
    (all): ReplicaMessage => ({
      type: 'open',
      slot: SLOT,
      epoch: all.at(-1)?.epoch ?? 1,
      history: all,
      everyMs: 100,
    }),
  ),
  position.map((at): ReplicaMessage => ({ type: 'at', ...at, windowBytes: 50 })),
  fc.record({ type: of('resume'), from: fc.oneof(small, of('whole')) }),
  fc.record({ type: of('updates'), updates, mark: fc.option(mark, { nil: null }) }),
  fc.record({ type: of('ack'), sequence: small, bytes: fc.nat(60), clockUs: fc.nat(2_000_000) }),
  fc.record({ type: of('differs'), sequence: small, keys: small, digest: fc.constant(1n) }),
  fc.record({ type: of('end'), sequence: small }),
  fc.record({
    type: of('refuse'),
    reason: fc.constantFrom('old-epoch', 'protocol'),
    epoch: small,
    text: of('no'),
  }),
);

test('a standby stands whatever it is told: it is bounded, and what it says to be whole was told to be', () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 30 }), (messages) => {
      const standby = new ReplicationStandby({ slot: SLOT, bounds: { keysMax: 2 }, asideBytes: 20 }, 0);
      standby.handle({ type: 'attach' }, 0);
      for (const [index, each] of messages.entries()) {
        for (const output of standby.handle({ type: 'message', message: each }, index))
          if (output.type === 'drop') standby.handle({ type: 'attach' }, index);
        standby.expire(index);
        expect(standby.store.keys).toBeLessThanOrEqual(2);
        // No state that was sent has this digest but the empty one.
        if (standby.isWhole) expect(standby.store.keys).toBe(0);
      }
    }),
    { numRuns: 500 },
  );
});

test('a holder stands whatever its standbys say', () => {
  const input = fc.oneof(
    message.map((each) => ({ type: 'message' as const, standby: 1, message: each })),
    updates.map((all) => ({ type: 'update' as const, updates: all })),
    fc.record({ type: of('attach'), standby: fc.nat(1) }),
    fc.record({ type: of('detach'), standby: fc.nat(1) }),
    fc.record({ type: of('list'), standbys: fc.uniqueArray(fc.nat(2), { maxLength: 2 }) }),
    fc.record({ type: of('end') }),
  );
  fc.assert(
    fc.property(fc.array(input, { maxLength: 40 }), (inputs) => {
      const holder = new ReplicationHolder({
        slot: SLOT,
        epoch: 3,
        store: new ReplicaStore({ removedLeast: 1 }),
        history: [],
        bound: { updates: 4, overload: 'degrade' },
        startedAtMs: 0,
      });
      let acknowledged = 0;
      for (const [index, each] of inputs.entries()) {
        for (const output of [...holder.handle(each, index * 50), ...holder.expire(index * 50)]) {
          if (output.type !== 'acknowledged') continue;
          expect(output.sequence).toBeGreaterThan(acknowledged);
          acknowledged = output.sequence;
        }
        expect(acknowledged).toBeLessThanOrEqual(holder.store.sequence);
        expect(holder.room(index * 50)).toBeGreaterThanOrEqual(0);
        for (const { lagUpdates, lagBytes } of holder.views(index * 50))
          expect(Math.min(lagUpdates, lagBytes)).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 500 },
  );
});
