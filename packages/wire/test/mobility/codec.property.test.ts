// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import {
  COMMANDS,
  decodeMobility,
  encodeMobility,
  type MobilityMessage,
  mobilityFrameBytes,
  ntpTimestamp,
  ntpToUnixMs,
} from '@vnfpool/wire/mobility';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn });
const sequence = fc.integer({ min: 0, max: 0xffffff });
const load = fc.integer({ min: 0, max: 10 ** 12 }).map((micro) => micro / 10 ** 6);
const words = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
const octets = fc.uint8Array({ minLength: 1, maxLength: 60 });

/** A record with some of its fields and at least one: an absent part and an empty one are the same on the wire. */
function some<T extends object>(
  fields: { [Key in keyof T]-?: fc.Arbitrary<NonNullable<T[Key]>> },
): fc.Arbitrary<T> {
  return fc
    .record(fields as never, { requiredKeys: [] })
    .filter((value) => Object.keys(value as object).length > 0) as fc.Arbitrary<T>;
}
const many = <T>(item: fc.Arbitrary<T>) => fc.array(item, { minLength: 1, maxLength: 3 });

const shared = {
  load,
  loadAverage: load,
  memoryBytes: u64,
  memoryFreeBytes: u64,
  storageBytes: u64,
  storageFreeBytes: u64,
  bandwidthUsedBitsPerSecond: u64,
  bandwidthAverageBitsPerSecond: u64,
  bootTime: u64,
};
const nodeInformation = some({ ...shared, capacityGhz: load, bandwidthBitsPerSecond: u64 });
const functionInformation = some({
  ...shared,
  name: words,
  status: fc.constantFrom('Starting', 'Running', 'Terminating', 'Unknown'),
});
const extensions = some({
  hello: fc.record(
    { version: fc.integer({ min: 0, max: 255 }), instance: u64, term: u64 },
    { requiredKeys: ['version', 'instance'] },
  ),
  transfer: fc.record({
    token: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    role: fc.constantFrom('source', 'destination'),
  }),
  functionGone: u32,
  timing: fc.record({ intervalMs: u32, misses: u32 }),
  error: fc.integer({ min: 0, max: 65535 }),
  specification: octets,
  assignment: octets,
  configuration: octets,
  leaseEndpoint: octets,
  slotReport: octets,
  functionReport: octets,
  stateOrder: octets,
  stateAnswer: octets,
  configurationPart: fc
    .tuple(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 16 }), octets)
    .map(([a, b, piece]) => ({ part: Math.min(a, b), of: Math.max(a, b), octets: piece })),
});
const session = fc.oneof(
  fc.record({ type: fc.constant('sip-uri'), uri: words }),
  fc.record({ type: fc.constant('contact'), contact: octets }),
  fc.record({
    type: fc.constant('ratio'),
    ratio: fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10),
  }),
  fc.record({ type: fc.constant('count'), count: u64 }),
  fc.record({ type: fc.constant('all'), subType: fc.integer({ min: 1, max: 4 }) }),
);
const address = fc.oneof(
  fc.ipV4(),
  fc.constantFrom('2001:db8::1', '::', 'fe80::1:0:0:1', '::ffff:192.0.2.1'),
);
const wanted = many(
  fc.record({ opType: fc.constantFrom(1, 2, 6, 7, 8), subType: fc.integer({ min: 0, max: 255 }) }),
).map((list) => list.map((option) => (option.opType < 3 ? { ...option, subType: 0 } : option)));

const functionPart = fc.record(
  { id: u32, information: functionInformation, text: words, extensions },
  { requiredKeys: ['id'] },
);
const nodePart = fc.record(
  {
    id: u32,
    addresses: many(address),
    ports: many(fc.integer({ min: 0, max: 65535 })),
    information: nodeInformation,
    sessions: many(session),
    text: words,
    extensions,
    functions: many(functionPart),
  },
  { requiredKeys: ['id'] },
);
const askedFunction = fc.record({ id: u32, wanted, text: words, extensions }, { requiredKeys: ['id'] });
const askedNode = fc.record(
  { id: u32, wanted, text: words, extensions, functions: many(askedFunction) },
  { requiredKeys: ['id'] },
);

const told = fc.array(nodePart, { minLength: 1, maxLength: 3 });
const message = fc
  .oneof(
    fc.record({
      type: fc.constantFrom('registration', 'status-update', 'deregistration', 'error'),
      sequence,
      nodes: told,
    }),
    fc.record({
      type: fc.constant('ack'),
      subType: fc.integer({ min: 0, max: 255 }),
      code: fc.integer({ min: 0, max: 255 }),
      sequence,
      nodes: told,
    }),
    fc.record({ type: fc.constant('keep-alive'), sequence, nodes: many(askedNode) }),
    fc.record({
      type: fc.constant('operation'),
      command: fc.constant('get'),
      sequence,
      nodes: many(askedNode),
    }),
    fc.record({
      type: fc.constant('operation'),
      command: fc.constantFrom(...COMMANDS.slice(1)),
      sequence,
      nodes: told,
    }),
  )
  .filter((candidate) => {
    const { nodes } = candidate as unknown as MobilityMessage;
    if (candidate.type !== 'operation') return true;
    const command = (candidate as { command: string }).command;
    const moves = command.startsWith('move') || command === 'copy';
    if (moves && nodes.length < 2) return false;
    return nodes.some((node) => (command === 'move-session' ? node.sessions : node.functions));
  }) as unknown as fc.Arbitrary<MobilityMessage>;

test('what was encoded decodes to what it was', () => {
  fc.assert(
    fc.property(message, (original) => {
      const frame = encodeMobility(original);
      expect(mobilityFrameBytes(frame.subarray(0, 4))).toBe(frame.length);
      expect(decodeMobility(frame)).toEqual(original);
    }),
    { numRuns: 400 },
  );
});

test('any octets are a message or a WireError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      try {
        decodeMobility(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
    { numRuns: 500 },
  );
});

test('a message with some octets changed is a message or a WireError', () => {
  const change = fc.record({ at: fc.nat(4000), octet: fc.nat(255) });
  fc.assert(
    fc.property(message, many(change), (original, changes) => {
      const frame = encodeMobility(original);
      for (const { at, octet } of changes) frame[at % frame.length] = octet;
      try {
        decodeMobility(frame);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
    { numRuns: 400 },
  );
});

test('whatever the chunks, a stream gives the same frames', () => {
  fc.assert(
    fc.property(
      many(message),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (messages, sizes) => {
        const stream = messages.flatMap((one) => [...encodeMobility(one)]);
        const decoded: MobilityMessage[] = [];
        let waiting: number[] = [];
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          waiting = waiting.concat(stream.slice(at, at + size));
          at += size;
          while (waiting.length >= 4) {
            const bytes = mobilityFrameBytes(Uint8Array.from(waiting.slice(0, 4)));
            if (waiting.length < bytes) break;
            decoded.push(decodeMobility(Uint8Array.from(waiting.slice(0, bytes))));
            waiting = waiting.slice(bytes);
          }
        }
        expect(decoded).toEqual(messages);
      },
    ),
    { numRuns: 50 },
  );
});

test('a moment in milliseconds survives the NTP timestamp to a microsecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) }), (unixMs) => {
      expect(ntpToUnixMs(ntpTimestamp(unixMs))).toBeCloseTo(unixMs, 3);
    }),
  );
});
