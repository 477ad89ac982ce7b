// SPDX-License-Identifier: Apache-2.0
import { fromHex, toHex, WireError } from '@vnfpool/wire/bytes';
import {
  decodeSharedFlow,
  type FlowEntry,
  invertTuple,
  readSharedFlowKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowValue,
  viewSharedFlow,
} from '@vnfpool/wire/flow-state';
import { expect, test } from 'vitest';

const original = {
  source: Uint8Array.of(10, 0, 0, 2),
  destination: Uint8Array.of(192, 0, 2, 80),
  protocol: 6,
  layer4: { kind: 'ports' as const, source: 40_000, destination: 443 },
};
const download: FlowEntry = {
  original,
  reply: {
    ...invertTuple(original),
    destination: Uint8Array.of(198, 51, 100, 1),
    layer4: { kind: 'ports', source: 443, destination: 20_000 },
  },
  status: 0x19e,
  timeoutSeconds: 432_000,
  zone: 0,
  zoneDirection: 'both',
  mark: 0,
  tcp: { state: 3, originalScale: 7, replyScale: 9, originalFlags: 0x23, replyFlags: 0x0b },
  sctp: null,
  helper: null,
  labels: null,
  counters: null,
  master: null,
  shifts: null,
};
const octets = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0));
const text = (hex: string): string => String.fromCharCode(...fromHex(hex));

test('a translated TCP connection by hand', () => {
  expect(toHex(octets(sharedFlowKey(download)))).toBe('02060a000002c00002509c4001bb');
  expect(toHex(sharedFlowValue(sharedFlowBody(download), 432_000))).toBe(
    // 432,000 s; reply's destination and ports differ, answered, assured, TCP; established, scales 7 and 9, flags 3 and 3.
    ['80af1a', '5e', '370933', 'c6336401', '01bb4e20'].join(''),
  );
});

test('a datagram within a zone, with a mark, by hand', () => {
  const udp = { ...original, protocol: 17 };
  const entry: FlowEntry = {
    ...download,
    original: udp,
    reply: invertTuple(udp),
    status: 2,
    zone: 7,
    zoneDirection: 'original',
    mark: 9,
    tcp: null,
  };
  expect(toHex(octets(sharedFlowKey(entry)))).toBe('12110a000002c00002509c4001bb0007');
  expect(toHex(octets(sharedFlowBody(entry)))).toBe('88020400000009');
  expect(viewSharedFlow(sharedFlowBody(entry))).toEqual({
    tcpState: null,
    isTranslated: false,
    hasSeenReply: true,
    hasFields: true,
  });
});

test.each([
  ['nothing', ''],
  ['a kind of key that is not known', '22060a000002c00002509c4001bb'],
  ['two kinds of layer 4', '06060a000002c00002509c4001bb'],
  ['zone 0', '0a060a000002c00002509c4001bb0000'],
  ['an octet too many', '02060a000002c00002509c4001bb00'],
])('no key: %s', (_, hex) => {
  expect(() => readSharedFlowKey(text(hex))).toThrow(WireError);
});

test('a character that is no octet is no key', () => {
  expect(() => readSharedFlowKey(`${sharedFlowKey(download).slice(0, -1)}\u0100`)).toThrow(WireError);
});

test.each([
  ['nothing', ''],
  ['a timeout that does not end', '80af'],
  ['a timeout of 33 bits', 'ffffffff7f00'],
  ['a timeout with a useless octet', '800000'],
  ['no body', '05'],
  ['TCP cut off', '05400000'.slice(0, 6)],
  ['a scale of 15', '05403f0000'],
  ['flags that nobody has', '0540300088'],
  ['an octet too many', '050000'],
  ['fields that are not there', '0580'],
  ['a field that must be understood', '05807f00'],
  ['TCP among the fields', '058003050300000000'],
  ['a zone among the fields', '05800103000100'],
])('no value: %s', (_, hex) => {
  expect(() => decodeSharedFlow(download, fromHex(hex))).toThrow(WireError);
});

test('what does not fit is refused', () => {
  const { tcp } = download;
  expect(() => sharedFlowBody({ ...download, tcp: tcp && { ...tcp, state: 16 } })).toThrow(WireError);
  expect(() => sharedFlowBody({ ...download, reply: { ...download.reply, protocol: 17 } })).toThrow(
    WireError,
  );
  expect(() => sharedFlowBody({ ...download, reply: { ...download.reply, layer4: null } })).toThrow(
    WireError,
  );
});
