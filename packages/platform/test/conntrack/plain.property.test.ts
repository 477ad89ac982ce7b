// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type ConntrackEntry,
  type ConntrackFilter,
  isWanted,
  PLAIN_FLOW_WORDS,
  plainFilter,
} from '../../src/conntrack/index.ts';
import { CT_NEW } from '../../src/conntrack/numbers.ts';
import { PlainWriter } from '../../src/conntrack/plain-writer.ts';
import { familyOf, writeEntry } from '../../src/conntrack/request.ts';
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST } from '../../src/netlink/message.ts';
import { MessageWriter } from '../../src/netlink/message-writer.ts';
import { plainUdp } from './entries.ts';

const u16 = fc.integer({ min: 0, max: 0xffff });
const flags = fc.nat(7);
/** Few addresses, so that some are the same, and lie in the same networks. */
const address = fc
  .tuple(fc.constantFrom(10, 192, 255), fc.nat(1), fc.constantFrom(0, 128, 255))
  .map((octets) => Uint8Array.of(octets[0], octets[1], 0, octets[2]));
const port = fc.oneof(fc.constantFrom(80, 443), u16);
const tuple = fc.record({ source: address, destination: address, a: port, b: port });

const plain = fc
  .record({
    protocol: fc.constantFrom(6, 17, 132, 250),
    original: tuple,
    reply: tuple,
    isTranslated: fc.tuple(fc.boolean(), fc.boolean()),
    status: fc.constantFrom(0, 2, 6, 0x406, 0x400),
    timeoutSeconds: fc.integer({ min: 0, max: 2 ** 28 - 1 }),
    tcp: fc.option(
      fc.record({
        state: fc.nat(15),
        originalScale: fc.nat(14),
        replyScale: fc.nat(14),
        originalFlags: flags,
        replyFlags: flags,
      }),
    ),
  })
  .map(({ protocol, original, reply, isTranslated: [from, to], ...rest }): ConntrackEntry => {
    const { source, destination, a, b } = original;
    return {
      ...plainUdp(1),
      ...rest,
      original: { source, destination, protocol, layer4: { kind: 'ports', source: a, destination: b } },
      reply: {
        source: to ? reply.source : destination,
        destination: from ? reply.destination : source,
        protocol,
        layer4: { kind: 'ports', source: to ? reply.a : b, destination: from ? reply.b : a },
      },
    };
  });

const number = (octets: Uint8Array): number => new DataView(octets.buffer).getInt32(0);
const portsOf = ({ layer4 }: ConntrackEntry['original']): number =>
  layer4?.kind === 'ports' ? (layer4.source << 16) | layer4.destination : 0;

function numbersOf({ original, reply, status, timeoutSeconds, tcp }: ConntrackEntry): number[] {
  const words = [original.protocol];
  for (const each of [original, reply])
    words.push(number(each.source), number(each.destination), portsOf(each));
  const { state = 0, originalScale = 0, replyScale = 0, originalFlags = 0, replyFlags = 0 } = tcp ?? {};
  const scales = (originalScale << 16) | (replyScale << 8);
  return [
    ...words,
    status,
    timeoutSeconds,
    tcp ? (state << 24) | scales | (originalFlags << 4) | replyFlags : -1,
  ];
}

test('plain flows are written octet for octet as their entries are', () => {
  const writer = new PlainWriter(8);
  fc.assert(
    fc.property(
      fc.array(plain, { minLength: 1, maxLength: 8 }),
      fc.boolean(),
      fc.nat(600),
      (entries, isLiberal, timeoutSecondsMin) => {
        const style = { isLiberal, timeoutSecondsMin };
        const whole = new MessageWriter();
        for (const [place, entry] of entries.entries()) {
          const last = place === entries.length - 1 ? NLM_F_ACK : 0;
          const all = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | last;
          const start = whole.beginMessage(CT_NEW, all, 77 + place, familyOf(entry.original));
          writeEntry(whole, entry, style);
          whole.endMessage(start);
        }
        const numbers = new Int32Array([
          ...numbersOf(plainUdp(9) as ConntrackEntry),
          ...entries.flatMap(numbersOf),
        ]);
        expect(numbers.length).toBe((entries.length + 1) * PLAIN_FLOW_WORDS);
        expect([...writer.datagram(numbers, 1, entries.length + 1, 77, style)]).toEqual([...whole.datagram]);
      },
    ),
    { numRuns: 500 },
  );
});

test('a filter says the same of plain flows as of their entries', () => {
  const network = fc
    .tuple(fc.oneof(address, fc.constant(new Uint8Array(16))), fc.constantFrom(0, 1, 8, 16, 25, 32))
    .map(([octets, prefix]) => ({ network: octets, prefix }));
  const filter = fc.record(
    {
      family: fc.constantFrom(4 as const, 6 as const),
      zones: fc.uniqueArray(fc.nat(2)),
      mark: fc.record({ value: fc.nat(3), mask: fc.nat(3) }),
      protocols: fc.uniqueArray(fc.constantFrom(6, 17)),
      addresses: fc.array(network, { maxLength: 2 }),
      except: fc.array(network, { maxLength: 2 }),
    },
    { requiredKeys: [] },
  );
  const seen = new Set<boolean>();
  fc.assert(
    fc.property(plain, filter, (entry, some) => {
      const wanted = isWanted(entry, some as ConntrackFilter);
      seen.add(wanted);
      const numbers = new Int32Array([0, ...numbersOf(entry)]);
      expect(plainFilter(some as ConntrackFilter)(numbers, 1)).toBe(wanted);
    }),
    { numRuns: 1000 },
  );
  expect(seen.size).toBe(2);
});
