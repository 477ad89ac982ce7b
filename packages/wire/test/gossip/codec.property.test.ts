// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import { decodeGossip, encodeGossip, type GossipCell, type GossipMessage } from '@vnfpool/wire/gossip';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VECTORS } from './vectors.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const version = fc.oneof(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 2 ** 53 - 1 }));
const octets = fc.uint8Array({ maxLength: 20 });
const sender = fc.record({ origin: u32, incarnation: u64 });
const REPLICAS = 5;
const knowledge = {
  sender,
  replicas: fc.uniqueArray(
    fc.record({ origin: u32, incarnation: u64, version: fc.oneof(fc.constant(0), version) }),
    {
      minLength: REPLICAS,
      maxLength: REPLICAS,
      selector: ({ origin, incarnation }) => `${origin}.${incarnation}`,
    },
  ),
  floors: fc.array(
    fc.record({
      origin: u32,
      incarnation: u64,
      heir: fc.record({ origin: u32, incarnation: u64, version }),
    }),
    { maxLength: 3 },
  ),
};
const nothing = fc.constant(new Uint8Array(0));
const place = fc.oneof(
  fc.record({ kind: fc.constant('counter' as const), key: octets, element: nothing }),
  fc.record({ kind: fc.constant('register' as const), key: octets, element: nothing }),
  fc.record({ kind: fc.constant('element' as const), key: octets, element: octets }),
);
const placesOfReplicas = fc.subarray([...Array(REPLICAS).keys()]);
const seen = fc
  .tuple(placesOfReplicas, version)
  .map(([replicas, first]) => replicas.map((replica) => ({ replica, version: first })));
const cell: fc.Arbitrary<GossipCell> = fc
  .tuple(
    place,
    seen,
    placesOfReplicas,
    version,
    fc.maxSafeNat(),
    fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    octets,
  )
  .map(([where, dots, replicas, first, number, time, value]) => ({
    ...where,
    seen: dots,
    entries: replicas.map((replica) => ({
      replica,
      version: first,
      value:
        where.kind === 'counter'
          ? { kind: 'counter', plus: number, minus: replica }
          : where.kind === 'register'
            ? { kind: 'register', time, value }
            : { kind: 'element' },
    })),
  }));
const run = fc.record({
  replica: fc.nat(REPLICAS - 1),
  from: fc.nat(2 ** 52),
  steps: fc.array(fc.nat(1), { minLength: 1, maxLength: 9 }),
});
const message: fc.Arbitrary<GossipMessage> = fc.oneof(
  fc.record({
    type: fc.constant('digest' as const),
    ...knowledge,
    digest: fc.option(u64),
    wantsAnswer: fc.boolean(),
  }),
  fc.record({
    type: fc.constant('delta' as const),
    ...knowledge,
    digest: fc.option(u64),
    hasMore: fc.boolean(),
    cells: fc.array(cell, { minLength: 2, maxLength: 6 }),
    runs: fc.array(run, { maxLength: 4 }),
  }),
  fc.record({ type: fc.constant('behind' as const), sender }),
  fc.record({ type: fc.constant('request' as const), sender, after: fc.option(place) }),
  fc.record({
    type: fc.constant('part' as const),
    ...knowledge,
    after: fc.option(place),
    until: fc.option(place),
    cells: fc.array(cell, { maxLength: 6 }),
  }),
);

test('what is written is read', () => {
  fc.assert(
    fc.property(message, (value) => {
      expect(decodeGossip(encodeGossip(value))).toEqual(value);
    }),
  );
});

test('what is read is written with the same octets', () => {
  fc.assert(
    fc.property(message, (value) => {
      const bytes = encodeGossip(value);
      expect(encodeGossip(decodeGossip(bytes))).toEqual(bytes);
    }),
  );
});

const refusedOrRead = (bytes: Uint8Array): void => {
  try {
    const read = decodeGossip(bytes);
    expect(encodeGossip(read)).toEqual(bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    // Where the fault is: within the message.
    expect(error.offset).toBeLessThanOrEqual(bytes.length);
  }
};

test('spoilt messages are read or refused', () => {
  const good = VECTORS.map(({ message: value }) => encodeGossip(value));
  fc.assert(
    fc.property(
      fc.constantFrom(...good),
      fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(3),
      (bytes, changes, cut) => {
        const spoilt = bytes.slice(0, bytes.length - cut);
        for (const [at, octet] of changes) if (at < spoilt.length) spoilt[at] = octet;
        refusedOrRead(spoilt);
      },
    ),
    { numRuns: 2000 },
  );
});

test('octets of any kind are read or refused', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refusedOrRead));
});
