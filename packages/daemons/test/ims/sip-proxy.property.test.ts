// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { decodeSipMessage } from '@vnfpool/wire/sip';
import fc from 'fast-check';
import { expect, test } from 'vitest';

/* The proxy of examples/ims among strangers: whatever they say, it goes on, within its bounds. */

interface ProxyOfExample {
  readonly tables: {
    readonly transactions: { readonly size: number };
    readonly dialogs: { readonly size: number };
  };
  take(): { readonly bytes?: Uint8Array; readonly ask?: string }[];
  takeOver(now: number): void;
  tick(now: number): void;
  probe(bytes: Uint8Array, source: object): boolean;
  handle(bytes: Uint8Array, source: object, now: number): void;
  admit(id: string, verdict: object | null, now: number): void;
}
const { SipProxy } = (await import('../../../../examples/ims/sip-proxy.mjs' as string)) as {
  SipProxy: new (options: object) => ProxyOfExample;
};

const SOURCE = { address: '192.0.2.1', port: 5060 };
const message = (line: string, method: string, fields: string): string =>
  `${line}\r\nVia: SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bKx\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.test>;tag=a\r\n` +
  `To: <sip:b@example.test>\r\nCall-ID: c\r\nCSeq: 1 ${method}\r\n${fields}Content-Length: 0\r\n\r\n`;
const said = [
  message(
    'REGISTER sip:example.test SIP/2.0',
    'REGISTER',
    'Contact: <sip:192.0.2.1>;q=0.5;expires=90\r\nExpires: 90\r\n',
  ),
  message('INVITE sip:b@example.test SIP/2.0', 'INVITE', 'Contact: <sip:192.0.2.1>\r\n'),
  message('CANCEL sip:b@example.test SIP/2.0', 'CANCEL', ''),
  message('ACK sip:b@example.test SIP/2.0', 'ACK', ''),
  message('BYE sip:192.0.2.1 SIP/2.0', 'BYE', 'Route: <sip:192.0.2.9;lr>\r\n').replace(
    '<sip:b@example.test>',
    '<sip:b@example.test>;tag=t',
  ),
  message('OPTIONS sip:192.0.2.9 SIP/2.0', 'OPTIONS', 'Accept: application/json\r\n'),
];

/** What may be done: say something, a bit changed, or answer the last that was sent on, or let time pass. */
const step = fc.record({
  what: fc.constantFrom('say', 'say', 'answer', 'pass'),
  which: fc.nat(said.length - 1),
  status: fc.constantFrom(100, 180, 200, 200, 302, 486, 503),
  tag: fc.constantFrom('', ';tag=t', ';tag=u'),
  changes: fc.oneof(
    fc.constant([]),
    fc.array(
      fc.record({
        at: fc.nat(400),
        octet: fc.oneof(fc.nat(255), fc.constantFrom(...encodeUtf8('0;,<>":='))),
      }),
      {
        maxLength: 3,
      },
    ),
  ),
  ms: fc.constantFrom(50, 600, 40_000, 200_000),
});

function answerTo(bytes: Uint8Array, status: number, tag: string): Uint8Array {
  const { headers } = decodeSipMessage(bytes);
  const lines = headers
    .filter(({ name }) => ['Via', 'From', 'To', 'Call-ID', 'CSeq'].includes(name))
    .map(({ name, value }) => `${name}: ${value}${name === 'To' && !value.includes('tag=') ? tag : ''}\r\n`);
  return encodeUtf8(`SIP/2.0 ${status} Well\r\n${lines.join('')}\r\n`);
}

test('whatever is said in whatever order, nothing is thrown, and what is sent can be read', () => {
  let answered = 0;
  fc.assert(
    fc.property(fc.boolean(), fc.array(step, { maxLength: 25 }), (asks, steps) => {
      const proxy = new SipProxy({
        domain: 'example.test',
        advertised: { host: '192.0.2.9', port: 5060 },
        asks,
        tells: true,
        timers: {},
        bounds: { usersMax: 2, transactionsMax: 4, dialogsMax: 2 },
      });
      let now = 1_000_000;
      let last: Uint8Array | undefined;
      proxy.takeOver(now);
      const drain = (): void => {
        for (const { bytes, ask } of proxy.take()) {
          if (ask !== undefined) proxy.admit(ask, { may: true }, now);
          if (bytes !== undefined && decodeSipMessage(bytes).type === 'request') last = bytes;
        }
      };
      const [register = '', invite = ''] = said;
      for (const first of [register.replace('sip:b@', 'sip:a@'), register, invite]) {
        proxy.handle(encodeUtf8(first.replace('z9hG4bKx', `z9hG4bK${first.length}${now}`)), SOURCE, now);
        drain();
        now += 40_000;
      }
      for (const { what, which, status, tag, changes, ms } of steps) {
        if (what === 'pass') proxy.tick((now += ms));
        else {
          const isAnswer = what === 'answer' && last !== undefined;
          if (isAnswer) answered += 1;
          const bytes = isAnswer && last ? answerTo(last, status, tag) : encodeUtf8(said[which] ?? '');
          for (const { at, octet } of changes) if (at < bytes.length) bytes[at] = octet;
          if (!proxy.probe(bytes, SOURCE)) proxy.handle(bytes, SOURCE, now);
        }
        drain();
        expect(proxy.tables.transactions.size).toBeLessThanOrEqual(8);
        expect(proxy.tables.dialogs.size).toBeLessThanOrEqual(2 + 4 * 8);
      }
      // All ends by itself but calls that were begun and not ended.
      for (let turn = 0; turn < 6; turn += 1) proxy.tick((now += 200_000));
      expect(proxy.tables.transactions.size).toBe(0);
    }),
    { numRuns: 400 },
  );
  expect(answered).toBeGreaterThan(100);
}, 60_000);
