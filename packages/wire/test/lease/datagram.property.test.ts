// SPDX-License-Identifier: Apache-2.0

import { WireError } from '@vnfpool/wire/bytes';
import {
  batchLeaseMessages,
  decodeLeaseDatagram,
  encodeLeaseDatagram,
  LEASE_DATAGRAM_BYTES_MAX,
  LEASE_MAC_BYTES,
  type LeaseMessage,
  RENEWALS_MAX,
} from '@vnfpool/wire/lease';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const hex64 = u64.map((value) => value.toString(16).padStart(16, '0'));
const round = fc.integer({ min: 0, max: 2 ** 40 - 1 });
const time = u32.map((us) => us / 1000);
const holder = fc.record({ node: u32, functionId: u32, functionIncarnation: u64 });
const proposer = fc.record({ node: u32, incarnation: u64 });
const reason = fc.constantFrom(
  'function-exit',
  'function-unhealthy',
  'handover',
  'operator',
  'abandoned',
) as fc.Arbitrary<'handover'>;
const value = fc.record({
  holder,
  candidates: fc.array(holder, { maxLength: 16 }),
  lastResort: fc.oneof(
    fc.constant({ rule: 'never' as const }),
    fc.record({ rule: fc.constant('after' as const), afterMs: u32 }),
  ),
  lossMark: fc.boolean(),
  leaseMs: time,
  randomId: hex64,
});
const accepted = fc.option(fc.record({ round, proposer, value, released: fc.option(reason) }));
const head = { slot: hex64, serial: u32, round };
const answer = { ...head, incarnation: u64 };
const type = <T extends string>(name: T) => fc.constant(name);

const message: fc.Arbitrary<LeaseMessage> = fc.oneof(
  fc.record({ type: type('prepare'), ...head, functionId: u32, functionIncarnation: u64 }),
  fc.record({ type: type('promise'), ...answer, accepted, endedForMs: time }),
  fc.record({ type: type('accept'), ...head, value }),
  fc.record({ type: type('accepted'), ...answer }),
  fc.record({ type: type('renew'), ...head }),
  fc.record({ type: type('renewed'), ...answer }),
  fc.record({
    type: type('refuse'),
    ...answer,
    reason: fc.constantFrom(
      'leased',
      'promised',
      'released',
      'not-accepted',
      'mute',
      'jump',
      'unknown-slot',
      'council',
    ),
    promised: round,
    accepted,
    timeLeftMs: time,
  }),
  fc.record({
    type: type('release'),
    ...head,
    reason,
    successor: fc.option(fc.record({ proposer, round })),
  }),
  fc.record({ type: type('released'), ...answer }),
  fc.record({
    type: type('offer'),
    ...head,
    functionId: u32,
    nonce: hex64,
    purpose: fc.constantFrom('order' as const, 'first' as const, 'heir' as const),
  }),
  fc.record({
    type: type('ready'),
    ...answer,
    nonce: hex64,
    functionId: u32,
    functionIncarnation: u64,
    handOnSerial: u32,
  }),
  fc.record({ type: type('reserve'), ...head, successorIncarnation: u64, value }),
  fc.record({
    type: type('hand-on'),
    ...answer,
    value,
    former: fc.record({ round, proposer, value, released: fc.option(reason) }),
    answeredSerial: fc.option(u32),
  }),
  fc.record({ type: type('entrust'), ...head, heldRound: round, heir: proposer }),
  fc.record({ type: type('entrusted'), ...answer }),
  fc.record({
    type: type('standing'),
    ...head,
    functionId: u32,
    epoch: fc.maxSafeNat(),
    sequence: fc.maxSafeNat(),
  }),
  fc.record({ type: type('fetch'), ...head }),
  fc.record({
    type: type('register'),
    ...answer,
    timeLeftMs: time,
    stored: fc.option(
      fc.record({
        promised: fc.oneof(
          fc.record({ round, proposer, closed: fc.boolean() }),
          fc.record({ round, proposer, closed: fc.constant(false), isHeirs: fc.constant(true as const) }),
        ),
        accepted: fc.record({ round, proposer, value, released: fc.option(reason) }),
        longestLeaseMs: time,
      }),
    ),
  }),
  fc.record({
    type: type('renew-many'),
    serial: u32,
    renewals: fc.array(fc.record({ slot: hex64, round }), { minLength: 1, maxLength: RENEWALS_MAX }),
  }),
  fc.record({ type: type('renew-again'), serial: u32, list: u32 }),
  fc.record({
    type: type('renewed-many'),
    serial: u32,
    incarnation: u64,
    renewed: fc.array(fc.boolean(), { minLength: 1, maxLength: RENEWALS_MAX }),
  }),
);
const header = fc.record({
  sender: u32,
  receiver: u32,
  incarnation: u64,
  sequence: u64,
  councilId: fc.integer({ min: 1, max: 255 }),
  council: fc.record({ generation: fc.nat(0xffffff), number: u32, randomId: hex64 }),
  clockUs: u64,
});

test('what is encoded is decoded; every prefix of it is a typed error', () => {
  fc.assert(
    fc.property(
      header,
      message,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (head, one, part) => {
        const bytes = encodeLeaseDatagram(head, [one]);
        expect(decodeLeaseDatagram(bytes)).toEqual({ header: head, messages: [one] });
        const cut = bytes.subarray(0, Math.floor(bytes.length * part));
        expect(() => decodeLeaseDatagram(cut)).toThrow(WireError);
      },
    ),
  );
});

test('any bytes are a datagram or a typed error', () => {
  fc.assert(
    fc.property(
      header,
      message,
      fc.array(fc.tuple(fc.nat(1199), fc.nat(255)), { maxLength: 8 }),
      (head, one, edits) => {
        const bytes = encodeLeaseDatagram(head, [one]);
        for (const [at, octet] of edits) if (at < bytes.length) bytes[at] = octet;
        try {
          decodeLeaseDatagram(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
        }
      },
    ),
  );
});

test('batches keep all messages in order, and each fits a datagram with its MAC', () => {
  fc.assert(
    fc.property(header, fc.array(message, { maxLength: 40 }), (head, messages) => {
      const batches = batchLeaseMessages(messages);
      expect(batches.flat()).toEqual(messages);
      for (const batch of batches) {
        const { length } = encodeLeaseDatagram(head, batch);
        expect(length + LEASE_MAC_BYTES).toBeLessThanOrEqual(LEASE_DATAGRAM_BYTES_MAX);
      }
    }),
  );
});
