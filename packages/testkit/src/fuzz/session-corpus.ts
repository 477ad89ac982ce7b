// SPDX-License-Identifier: Apache-2.0
import { encodeUtf8 } from '@vnfpool/wire/bytes';
import { encodeForward, type ForwardMessage } from '@vnfpool/wire/session-forward';

const payload = Uint8Array.of(1, 2, 3, 4, 5);
const messages: readonly ForwardMessage[] = [
  { type: 'claim' },
  { type: 'welcome' },
  { type: 'over' },
  { type: 'gone', session: 7 },
  { type: 'ended', session: 8 },
  { type: 'send', session: 9, side: 'client', address: '192.0.2.1', port: 5060, payload },
  { type: 'arrived', session: 10, side: 'backend', address: '2001:db8::1', port: 443, payload },
];

export const FORWARDS: readonly Uint8Array[] = messages.map((message, index) =>
  encodeForward({ transfer: '0123456789abcdef', generation: 1, sequence: BigInt(index + 1), message }),
);

const common = `Via: SIP/2.0/UDP 192.0.2.4:5060;branch=z9hG4bK776asdhds;rport
Max-Forwards: 70
To: "Bob, at home" <sip:bob@example.com;transport=udp>
From: Alice <sip:alice@example.com>;tag=1928301774
Call-ID: a84b4c76e66710@192.0.2.4
`;
const texts = [
  `INVITE sip:bob@example.com SIP/2.0
${common}CSeq: 314159 INVITE
Contact: <sip:alice@192.0.2.4:5060>
Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>
Content-Type: application/sdp
Content-Length: 9

v=0
o=a
`,
  `SIP/2.0 180 Ringing
${common}CSeq: 314159 INVITE

`,
  `REGISTER sip:registrar.example.com SIP/2.0
${common}CSeq: 1826 REGISTER
Contact: <sip:bob@192.0.2.4>;expires=3600;q=0.7, *
Content-Length: 0

`,
];

export const SIP_MESSAGES: readonly Uint8Array[] = texts.map((text) =>
  encodeUtf8(text.replaceAll('\n', '\r\n')),
);
