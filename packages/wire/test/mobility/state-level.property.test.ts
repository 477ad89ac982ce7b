// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8, WireError } from '@vnfpool/wire/bytes';
import {
  DocumentError,
  encodeStateOffers,
  MobilityError,
  type OfferedLevel,
  parseStateOffers,
  type StateOffers,
} from '@vnfpool/wire/mobility';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const from1 = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const version = fc.integer({ min: 1, max: 0xffff });
const standbys = fc.integer({ min: 1, max: 64 });
const tracked = fc.record({ encoding: fc.constantFrom('conntrack' as const, 'pfsync' as const), version });
const schema = fc.stringMatching(/^[\x21-\x2e\x30-\x7e]{1,64}$/);
const format = fc.oneof(
  fc.record({ encoding: fc.constantFrom('opaque' as const, 'json' as const), schema, version }),
  tracked,
);
const lag = fc.oneof(fc.record({ ms: from1 }), fc.record({ updates: from1 }));
const carried = {
  recovery: fc.constantFrom('real-time' as const, 'near' as const, 'relaxed' as const, 'cold' as const),
  protection: fc.record({
    integrity: fc.boolean(),
    encryption: fc.boolean(),
    securityState: fc.constantFrom('excluded' as const, 're-derive' as const, 'sealed' as const),
  }),
};
const granularity = fc.constantFrom(...(['function', 'tenant', 'session', 'flow', 'key'] as const));
const ofState = { ...carried, granularity, format };
const amounts = { updatesPerSecond: from1, windowOctets: from1 };
const flow = {
  ...amounts,
  overload: fc.constantFrom('block' as const, 'shed' as const, 'degrade' as const),
};
const heldFlow = { ...amounts, overload: fc.constantFrom('block' as const, 'shed' as const) };
const is = <const Word extends string>(word: Word) => fc.constant(word);

const level: fc.Arbitrary<OfferedLevel> = fc.oneof(
  fc.record({
    ...carried,
    method: is('cookie'),
    format,
    lossUpdates: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  }),
  fc.record({ ...ofState, ...flow, method: is('checkpoint'), intervalMs: from1 }),
  fc.record({ ...ofState, ...flow, method: is('replicate'), consistency: is('bounded'), lag }),
  fc.record({
    ...ofState,
    ...flow,
    method: is('replicate'),
    consistency: is('acknowledged'),
    acknowledged: standbys,
    lag,
  }),
  fc.record({
    ...ofState,
    ...heldFlow,
    method: is('replicate'),
    consistency: is('held'),
    acknowledged: standbys,
  }),
  fc.record({ ...ofState, ...flow, method: is('gossip') }),
  fc.record({ ...ofState, ...heldFlow, method: is('shared'), writes: is('through') }),
  fc.record({ ...ofState, ...flow, method: is('shared'), writes: is('behind'), lag }),
  fc.record({
    ...carried,
    ...amounts,
    method: is('conntrack'),
    overload: fc.constantFrom('shed' as const, 'degrade' as const),
    format: tracked,
    lagMs: from1,
    defer: fc.boolean(),
  }),
);
const offers: fc.Arbitrary<StateOffers> = fc.record({
  v: fc.constant(1 as const),
  levels: fc.array(level, { maxLength: 16 }),
});

test('offers come back as they were sent, and equal ones are equal octets', () => {
  fc.assert(
    fc.property(offers, (value) => {
      const octets = encodeStateOffers(value);
      expect(parseStateOffers(octets)).toEqual(value);
      expect(encodeStateOffers(parseStateOffers(octets))).toEqual(octets);
    }),
  );
});

test('any JSON is offers, or an error', () => {
  const parse = (value: unknown): unknown => {
    try {
      return parseStateOffers(encodeUtf8(JSON.stringify(value)));
    } catch (error) {
      return error;
    }
  };
  const isEither = (value: unknown): void => {
    const result = parse(value);
    if (!(result instanceof WireError)) expect(result).toHaveProperty('levels');
  };
  fc.assert(fc.property(fc.jsonValue(), isEither));
  // One field of good offers replaced by anything.
  fc.assert(
    fc.property(level, fc.nat(), fc.jsonValue(), (good, which, value) => {
      const names = Object.keys(good);
      isEither({ v: 1, levels: [{ ...good, [names[which % names.length] as string]: value }] });
    }),
  );
});

const held = {
  method: 'replicate',
  granularity: 'session',
  format: { encoding: 'json', schema: 'kv', version: 2 },
  recovery: 'near',
  protection: { integrity: true, encryption: true, securityState: 'excluded' },
  updatesPerSecond: 5_000,
  windowOctets: 65_536,
  overload: 'block',
  consistency: 'held',
  acknowledged: 1,
};
const conntrack = { ...held, method: 'conntrack', format: { encoding: 'pfsync', version: 6 }, lagMs: 100 };

test.each<[string, object, string]>([
  ['none, which takes no offer', { method: 'none' }, 'method must be one of cookie, '],
  ['an unknown method', { method: 'hope' }, 'method must be one of cookie, '],
  ['no method', { granularity: 'session' }, 'method is missing'],
  ['an unknown consistency', { ...held, consistency: 'strict' }, 'consistency must be one of bounded, '],
  ['output held by nobody', { ...held, acknowledged: 0 }, 'acknowledged must be an integer from 1 to 64'],
  [
    'held output that goes on without standbys',
    { ...held, overload: 'degrade' },
    'overload must be one of block, shed',
  ],
  ['a bounded stream without a bound', { ...held, consistency: 'bounded' }, 'lag is missing'],
  [
    'a bound by two measures',
    { ...held, consistency: 'bounded', lag: { ms: 5, updates: 5 } },
    'lag must have either ms or updates',
  ],
  [
    'a bound of nothing without held output',
    { ...held, consistency: 'bounded', lag: { updates: 0 } },
    'lag.updates must be an integer from 1',
  ],
  [
    'a kernel that waits',
    { ...conntrack, defer: true, overload: 'block' },
    'overload must be one of shed, degrade',
  ],
  [
    'connections as JSON',
    { ...conntrack, overload: 'shed', defer: false, format: held.format },
    'format.encoding must be one of conntrack, pfsync',
  ],
  [
    'JSON without a schema',
    { ...held, format: { encoding: 'json', version: 1 } },
    'format.schema is missing',
  ],
  [
    'a schema that says its version',
    { ...held, format: { ...held.format, schema: 'kv/1' } },
    'format.schema must be 1 to 64 printable ASCII characters, not /',
  ],
  ['no word on encryption', { ...held, protection: { integrity: true } }, 'protection.encryption is missing'],
])('refused with its place: %s', (_, offered, message) => {
  const octets = encodeUtf8(JSON.stringify({ v: 1, levels: [held, offered] }));
  expect(() => parseStateOffers(octets)).toThrow(`offers.levels[1].${message}`);
  expect(() => parseStateOffers(octets)).toThrow(DocumentError);
});

test('too many levels, and another version', () => {
  const document = (value: object) => encodeUtf8(JSON.stringify(value));
  expect(() => parseStateOffers(document({ v: 1, levels: Array.from({ length: 17 }, () => held) }))).toThrow(
    'offers.levels must have at most 16 entries',
  );
  expect(() => parseStateOffers(document({ v: 2, levels: [] }))).toThrow(
    expect.objectContaining({ errorNumber: MobilityError.versionNotUnderstood, path: 'offers.v' }),
  );
});
