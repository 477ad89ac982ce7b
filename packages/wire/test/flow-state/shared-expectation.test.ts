// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodeSharedExpectation,
  type FlowExpectation,
  isSharedExpectationKey,
  readSharedFlowKey,
  sharedExpectationBody,
  sharedExpectationKey,
  sharedFlowKey,
  sharedFlowValue,
  sharedKeyInZone,
  sharedKeyWithoutZone,
  zoneOfSharedKey,
} from '@vnfpool/wire/flow-state';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flowRecord } from './flow-state.arbitrary.ts';

const master = {
  source: Uint8Array.of(10, 0, 0, 2),
  destination: Uint8Array.of(192, 0, 2, 80),
  protocol: 6,
  layer4: { kind: 'ports' as const, source: 40_000, destination: 21 },
};
const ones = Uint8Array.of(255, 255, 255, 255);
/** The server will connect to the gateway, and come to the client. */
const data: FlowExpectation = {
  master,
  tuple: {
    source: master.destination,
    destination: Uint8Array.of(198, 51, 100, 1),
    protocol: 6,
    layer4: { kind: 'ports', source: 0, destination: 4021 },
  },
  mask: {
    source: ones,
    destination: ones,
    protocol: 6,
    layer4: { kind: 'ports', source: 0, destination: 0xffff },
  },
  timeoutSeconds: 300,
  flags: 0,
  class: 0,
  zone: 0,
  helper: 'ftp',
  translation: null,
  function: null,
};
const octets = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (hex: string): string => String.fromCharCode(...fromHex(hex));
const key = sharedExpectationKey(data);

test('the data connection of a file transfer by hand', () => {
  expect(toHex(octets(key))).toBe('2206c0000250c633640100000fb5');
  expect(toHex(sharedFlowValue(sharedExpectationBody(data), 300))).toBe(
    // 300 s; both addresses and the second port count; no flags, class 0; the master, and its helper.
    ['ac02', '45', '00', '00', '1006', '0a000002', 'c0000250', '9c400015', '0103667470'].join(''),
  );
});

test('who knows flows only takes the key for one of another kind', () => {
  expect(() => readSharedFlowKey(key)).toThrow(expect.objectContaining({ code: 'unknown' }));
  const flow = sharedFlowKey({ original: master, zone: 0, zoneDirection: 'both' });
  expect([isSharedExpectationKey(key), isSharedExpectationKey(flow)]).toEqual([true, false]);
  expect(() => decodeSharedExpectation(flow, Uint8Array.of(5, 0))).toThrow(
    expect.objectContaining({ code: 'unknown' }),
  );
});

/** As a kernel says them: of one kind are tuple and mask. */
const expectation = flowRecord
  .filter((record) => record.kind === 'expectation')
  .chain((record) => {
    const whole = (record as { readonly expectation: FlowExpectation }).expectation;
    const { tuple } = whole;
    const size = tuple.source.length;
    const part = fc.oneof(
      fc.constantFrom(0, 0xff).map((octet) => new Uint8Array(size).fill(octet)),
      fc.uint8Array({ minLength: size, maxLength: size }),
    );
    const number = fc.oneof(fc.constantFrom(0, 0xffff), fc.nat(0xffff));
    return fc.tuple(part, part, number, number).map(([source, destination, a, b]): FlowExpectation => {
      const { layer4 } = tuple;
      const numbers =
        layer4 === null
          ? null
          : layer4.kind === 'ports'
            ? { kind: 'ports' as const, source: a, destination: b }
            : { kind: 'icmp' as const, type: a >> 8, code: a & 0xff, id: b };
      return { ...whole, mask: { source, destination, protocol: tuple.protocol, layer4: numbers } };
    });
  });

test('key and value give back the whole expectation; equal ones only have equal octets', () => {
  fc.assert(
    fc.property(expectation, (each) => {
      const [name, body] = [sharedExpectationKey(each), sharedExpectationBody(each)];
      expect(decodeSharedExpectation(name, sharedFlowValue(body, each.timeoutSeconds))).toEqual(each);
      expect(sharedExpectationBody({ ...each, timeoutSeconds: 0, zone: 0 })).toBe(body);
      expect(sharedExpectationBody({ ...each, flags: (each.flags ^ 1) >>> 0 })).not.toBe(body);
    }),
  );
});

test('a zone can be taken from a key, and given to one', () => {
  fc.assert(
    fc.property(expectation, (each) => {
      const [name, plain] = [sharedExpectationKey(each), sharedExpectationKey({ ...each, zone: 0 })];
      expect(zoneOfSharedKey(name)).toBe(each.zone);
      expect(sharedKeyWithoutZone(name)).toBe(plain);
      expect(sharedKeyInZone(plain, each.zone)).toBe(name);
    }),
  );
  const flow = { original: master, zone: 7, zoneDirection: 'reply' as const };
  expect(zoneOfSharedKey(sharedFlowKey(flow))).toBe(-1);
  expect(sharedKeyWithoutZone(sharedFlowKey(flow))).toBe(
    sharedFlowKey({ original: master, zone: 0, zoneDirection: 'both' }),
  );
});

test.each([
  ['nothing', ''],
  ['a timeout without a body', '05'],
  ['no flags', '0545'],
  ['a mask of a fourth kind', '05c7000010060a000002c00002509c400015'],
  ['flags of 33 bits', '0545ffffffff1f0010060a000002c00002509c400015'],
  ['a class with a useless octet', '054500800010060a000002c00002509c400015'],
  ['a master that is cut off', '0545000010060a000002c00002509c40'],
  ['a part of a mask that need not follow', '0546000010060a000002c00002509c400015ffffffff'],
  ['a part of a mask that does not follow', '0546000010060a000002c00002509c400015ffff'],
  ['a field that must be understood', '0545000010060a000002c00002509c4000157f00'],
  ['a helper again', '0545000010060a000002c00002509c400015010161010161'],
  ['an octet too many', '0545000010060a000002c00002509c40001500'],
])('no value: %s', (_, hex) => {
  expect(() => decodeSharedExpectation(key, fromHex(hex))).toThrow(WireError);
});

test.each([
  ['nothing', ''],
  ['cut off', '2206c0000250c633640100000f'],
  ['a zone of one direction', '3206c0000250c633640100000fb50007'],
  ['another kind', '4206c0000250c633640100000fb5'],
])('no key: %s', (_, hex) => {
  const value = sharedFlowValue(sharedExpectationBody(data), 1);
  expect(() => decodeSharedExpectation(text(hex), value)).toThrow(WireError);
});

test('what does not fit is refused', () => {
  const wrong = (mask: Partial<FlowExpectation['mask']>): FlowExpectation => ({
    ...data,
    mask: { ...data.mask, ...mask },
  });
  expect(() => sharedExpectationBody(wrong({ layer4: null }))).toThrow(WireError);
  expect(() => sharedExpectationBody(wrong({ protocol: 17 }))).toThrow(WireError);
  expect(() => sharedExpectationBody({ ...data, helper: 'a name that is too long' })).toThrow(WireError);
});
