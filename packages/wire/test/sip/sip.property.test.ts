// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8, WireError } from '@vnfpool/wire/bytes';
import {
  canonicalHeaderName,
  decodeSipMessage,
  encodeSipMessage,
  formatNameAddress,
  formatSipUri,
  formatVia,
  parseNameAddress,
  parseSipUri,
  parseVia,
  readSipEssentials,
  type SipMessage,
} from '@vnfpool/wire/sip';
import fc from 'fast-check';
import { expect, test } from 'vitest';

const tokenCharacters = Array.from("AZaz09-.!%*_+`'~");
const token = fc.string({ unit: fc.constantFrom(...tokenCharacters), minLength: 1, maxLength: 12 });
const text = fc
  .string({ unit: 'binary', maxLength: 40 })
  // oxlint-disable-next-line no-control-regex
  .map((value) => value.replaceAll(/[\u0000-\u0008\u000a-\u001f\u007f]|\p{Cs}/gu, '').trim());
const header = fc.record({ name: token.map(canonicalHeaderName), value: text }).filter(
  // A Content-Length is the codec's.
  ({ name }) => name !== 'Content-Length',
);
const parts = {
  headers: fc.array(header, { maxLength: 10 }),
  body: fc.uint8Array({ maxLength: 60 }),
};
const uriText = fc.string({
  unit: fc.constantFrom(...Array.from('sip:;=?@%é[]<>"')),
  minLength: 1,
  maxLength: 20,
});
const message: fc.Arbitrary<SipMessage> = fc.oneof(
  fc.record({ type: fc.constant('request' as const), method: token, uri: uriText, ...parts }),
  fc.record({
    type: fc.constant('response' as const),
    status: fc.integer({ min: 100, max: 699 }),
    reason: text,
    ...parts,
  }),
);

test('what is written is read again', () => {
  fc.assert(
    fc.property(message, (value) => {
      expect(decodeSipMessage(encodeSipMessage(value))).toEqual(value);
    }),
  );
});

const wellFormed = encodeUtf8(
  [
    'INVITE sip:bob@example.test SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKone, SIP/2.0/UDP b.test',
    'Max-Forwards: 70',
    'From: "A" <sip:alice@example.test>;tag=a1',
    'To: <sip:bob@example.test>',
    'Call-ID: call@192.0.2.1',
    'CSeq: 1 INVITE',
    'Content-Length: 4',
    '',
    'body',
  ].join('\r\n'),
);

/** Runs a reader: null for what it refuses by the one error it may throw. */
function attempt<Value>(run: () => Value): Value | null {
  try {
    return run();
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}

test('any octets are a message or a typed error, and what is read can be written and read again', () => {
  const change = fc.record({
    at: fc.nat(wellFormed.length - 1),
    octet: fc.oneof(fc.nat(255), fc.constantFrom(9, 10, 13, 32, 34, 44, 58, 59, 60, 62, 92)),
  });
  let taken = 0;
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.array(change, { minLength: 1, maxLength: 4 }).map((changes) => {
          const bytes = wellFormed.slice();
          for (const { at, octet } of changes) bytes[at] = octet;
          return bytes;
        }),
      ),
      (bytes) => {
        const read = attempt(() => decodeSipMessage(bytes));
        if (read === null) return;
        taken += 1;
        attempt(() => readSipEssentials(read));
        expect(decodeSipMessage(encodeSipMessage(read))).toEqual(read);
      },
    ),
    { numRuns: 2000 },
  );
  expect(taken).toBeGreaterThan(100);
});

test.each([
  ['URI', 'sip:ab@x.test:5060;lr=1?h=v', (value: string) => formatSipUri(parseSipUri(value))],
  [
    'address',
    '"A \\" b" <sip:ab@x.test>;tag="q;,"',
    (value: string) => formatNameAddress(parseNameAddress(value)),
  ],
  ['Via', 'SIP/2.0/UDP [::1]:5060;rport;branch=z9hG4bK', (value: string) => formatVia(parseVia(value))],
])('a %s that is read and written is the same from then on', (_, example, again) => {
  const characters = fc.constantFrom(...Array.from(example), ...Array.from(' \t<>"\\;,=?@:%[]é\u0000'));
  const cut = fc
    .tuple(fc.nat(example.length), fc.nat(4), fc.string({ unit: characters, maxLength: 4 }))
    .map(([at, gone, put]) => example.slice(0, at) + put + example.slice(at + gone));
  fc.assert(
    fc.property(cut, (value) => {
      const once = attempt(() => again(value));
      if (once !== null) expect(again(once)).toBe(once);
    }),
    { numRuns: 1000 },
  );
});
