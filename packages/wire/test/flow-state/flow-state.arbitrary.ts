// SPDX-License-Identifier: Apache-2.0
import type { FlowEntry, FlowExpectation, FlowLayer4, FlowRecord, FlowTuple } from '@vnfpool/wire/flow-state';
import fc from 'fast-check';

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const i32 = fc.integer({ min: -0x80000000, max: 0x7fffffff });
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const scale = fc.integer({ min: 0, max: 14 });

const layer4Of: Record<string, fc.Arbitrary<FlowLayer4>> = {
  none: fc.constant(null),
  ports: fc.record({ kind: fc.constant('ports' as const), source: u16, destination: u16 }),
  icmp: fc.record({ kind: fc.constant('icmp' as const), type: u8, code: u8, id: u16 }),
};

/** Tuples of one family, protocol and kind; the second is often what answers to the first look like. */
const pair = fc
  .record({
    octets: fc.constantFrom(4, 16),
    kind: fc.constantFrom('none', 'ports', 'icmp'),
    protocol: fc.oneof(fc.constantFrom(1, 6, 17, 58), u8),
  })
  .chain(({ octets, kind, protocol }) => {
    const address = fc.uint8Array({ minLength: octets, maxLength: octets });
    const layer4 = layer4Of[kind] ?? fc.constant(null);
    return fc
      .record({ a: address, b: address, c: address, own: layer4, other: layer4, mix: fc.nat(3) })
      .map(({ a, b, c, own, other, mix }) => ({
        original: { source: a, destination: b, protocol, layer4: own } as FlowTuple,
        reply: {
          source: mix % 2 === 0 ? b : c,
          destination: mix < 2 ? a : c,
          protocol,
          layer4: mix === 0 ? own : other,
        } as FlowTuple,
      }));
  });

const zone = fc.oneof(
  fc.constant({ zone: 0, zoneDirection: 'both' as const }),
  fc.record({
    zone: fc.integer({ min: 1, max: 0xffff }),
    zoneDirection: fc.constantFrom('both' as const, 'original' as const, 'reply' as const),
  }),
);
const shift = fc.record({ position: u32, before: i32, after: i32 });

export const flowEntry: fc.Arbitrary<FlowEntry> = fc
  .tuple(
    pair,
    zone,
    fc.record({
      status: u16,
      timeoutSeconds: u32,
      mark: u32,
      tcp: fc.option(
        fc.record({ state: u8, originalScale: scale, replyScale: scale, originalFlags: u8, replyFlags: u8 }),
      ),
      sctp: fc.option(fc.record({ state: u8, originalTag: u32, replyTag: u32 })),
      helper: fc.option(fc.constantFrom('ftp', 'sip', 'a', 'fifteen octets.')),
      labels: fc.option(fc.uint8Array({ minLength: 1, maxLength: 16 })),
      counters: fc.option(
        fc.record({ originalPackets: u64, originalBytes: u64, replyPackets: u64, replyBytes: u64 }),
      ),
      master: fc.option(pair.map(({ original }) => original)),
      shifts: fc.option(fc.record({ original: shift, reply: shift })),
    }),
  )
  .map(([tuples, zones, rest]) => ({ ...tuples, ...zones, ...rest }));

export const flowRecord: fc.Arbitrary<FlowRecord> = fc.oneof(
  flowEntry.map((entry) => ({ kind: 'flow' as const, entry })),
  fc
    .tuple(pair, zone)
    .map(([{ original }, zones]) => ({ kind: 'gone' as const, key: { original, ...zones } })),
  fc
    .tuple(
      fc.tuple(pair, pair, pair).map((pairs) => pairs.map(({ original }) => original)),
      fc.record({
        timeoutSeconds: u32,
        flags: u32,
        class: u32,
        zone: u16,
        helper: fc.option(fc.constantFrom('ftp', 'fifteen octets.')),
        function: fc.option(fc.constantFrom('nat-follow-master', 'Q.931')),
        translation: fc.option(fc.record({ isReply: fc.boolean(), tuple: pair.map(({ reply }) => reply) })),
      }),
    )
    .map(([[tuple, mask, master], rest]) => ({
      kind: 'expectation' as const,
      expectation: { tuple, mask, master, ...rest } as FlowExpectation,
    })),
);
