// SPDX-License-Identifier: Apache-2.0
import { encodeAsap } from '@vnfpool/wire/asap';
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import { encodeComponentStatus } from '@vnfpool/wire/csp';
import { encodeEnrp } from '@vnfpool/wire/enrp';
import { messageFromJsonText, messageToJson, WIRE_PROTOCOLS, type WireProtocol } from '@vnfpool/wire/json';
import { encodePfsync } from '@vnfpool/wire/pfsync';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { asapMessage } from '../asap/asap-message.arbitrary.ts';
import { componentStatus } from '../csp/component-status.arbitrary.ts';
import { enrpMessage } from '../enrp/enrp-message.arbitrary.ts';
import { message as pfsyncMessage } from '../pfsync/pfsync.arbitrary.ts';
import { MESSAGES } from './vectors.ts';

const padding = fc.constantFrom('excluded' as const, 'included' as const);
const encoded: fc.Arbitrary<readonly [WireProtocol, Uint8Array]> = fc.oneof(
  fc.tuple(asapMessage, padding).map(([message, form]) => ['asap', encodeAsap(message, form)] as const),
  fc.tuple(enrpMessage, padding).map(([message, form]) => ['enrp', encodeEnrp(message, form)] as const),
  componentStatus.map((status) => ['csp', encodeComponentStatus(status)] as const),
  pfsyncMessage.map((message) => ['pfsync', encodePfsync(message)] as const),
);

test('messages of ours need no octets beside their fields, and give the same octets again', () => {
  fc.assert(
    fc.property(encoded, ([protocol, octets]) => {
      const line = messageToJson(protocol, octets);
      expect(line.octets).toBeUndefined();
      expect(toHex(messageFromJsonText(JSON.stringify(line), protocol))).toBe(toHex(octets));
    }),
    { numRuns: 500 },
  );
});

test('whatever decodes gives the same octets again', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 });
  const capture = fc
    .constantFrom(...WIRE_PROTOCOLS)
    .chain((protocol) => fc.tuple(fc.constant(protocol), fc.constantFrom(...MESSAGES[protocol])));
  let decoded = 0;
  fc.assert(
    fc.property(capture, changes, ([protocol, { hex }], some) => {
      const octets = fromHex(hex);
      for (const [at, octet] of some) octets[at % octets.length] = octet;
      let line: ReturnType<typeof messageToJson>;
      try {
        line = messageToJson(protocol, octets);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        return;
      }
      decoded++;
      expect(toHex(messageFromJsonText(JSON.stringify(line)))).toBe(toHex(octets));
    }),
    { numRuns: 3000 },
  );
  expect(decoded).toBeGreaterThan(100);
});

test('any JSON is octets or a WireError', () => {
  const message = fc.constantFrom(...WIRE_PROTOCOLS).chain((protocol) =>
    fc.record({
      protocol: fc.constant(protocol),
      message: fc
        .constantFrom(...MESSAGES[protocol])
        .chain(({ hex }) => spoilt(messageToJson(protocol, fromHex(hex)).message)),
    }),
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), message), (value) => {
      try {
        messageFromJsonText(JSON.stringify(value));
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
    { numRuns: 2000 },
  );
});

/** The value with one part somewhere in it replaced by another. */
function spoilt(value: unknown): fc.Arbitrary<unknown> {
  const other = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom(-1, 2 ** 53, 0.5, '-1', '\ud800'));
  if (typeof value !== 'object' || value === null) return other;
  const keys = Object.keys(value);
  if (keys.length === 0) return other;
  const inside = fc
    .constantFrom(...keys)
    .chain((key) =>
      spoilt((value as Record<string, unknown>)[key]).map((part) =>
        Array.isArray(value) ? value.with(Number(key), part) : { ...value, [key]: part },
      ),
    );
  return fc.oneof({ weight: 1, arbitrary: other }, { weight: 9, arbitrary: inside });
}
