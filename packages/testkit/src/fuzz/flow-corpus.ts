// SPDX-License-Identifier: Apache-2.0
import {
  encodeFlowState,
  type FlowEntry,
  type FlowExpectation,
  type FlowRecord,
  sharedExpectationBody,
  sharedExpectationKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowValue,
} from '@vnfpool/wire/flow-state';

const address = (...octets: number[]): Uint8Array => Uint8Array.from(octets);

const download: FlowEntry = {
  original: {
    source: address(10, 0, 0, 2),
    destination: address(192, 0, 2, 80),
    protocol: 6,
    layer4: { kind: 'ports', source: 40_000, destination: 80 },
  },
  reply: {
    source: address(192, 0, 2, 80),
    destination: address(198, 51, 100, 1),
    protocol: 6,
    layer4: { kind: 'ports', source: 80, destination: 20_000 },
  },
  status: 0x19e,
  timeoutSeconds: 432_000,
  zone: 7,
  zoneDirection: 'original',
  mark: 42,
  tcp: { state: 3, originalScale: 7, replyScale: 9, originalFlags: 3, replyFlags: 3 },
  sctp: null,
  helper: 'ftp',
  labels: address(1, 0, 0, 0),
  counters: { originalPackets: 1n, originalBytes: 2n, replyPackets: 3n, replyBytes: 4n },
  master: null,
  shifts: null,
};

const ping: FlowEntry = {
  ...download,
  original: {
    source: new Uint8Array(16).fill(1),
    destination: new Uint8Array(16).fill(2),
    protocol: 58,
    layer4: { kind: 'icmp', type: 128, code: 0, id: 9 },
  },
  reply: {
    source: new Uint8Array(16).fill(2),
    destination: new Uint8Array(16).fill(1),
    protocol: 58,
    layer4: { kind: 'icmp', type: 129, code: 0, id: 9 },
  },
  tcp: null,
  sctp: { state: 4, originalTag: 1, replyTag: 2 },
  helper: null,
  labels: null,
  counters: null,
  master: download.original,
  shifts: {
    original: { position: 1, before: 0, after: 2 },
    reply: { position: 1, before: 0, after: -2 },
  },
};

const expected: FlowExpectation = {
  master: download.original,
  tuple: { ...download.reply, layer4: { kind: 'ports', source: 0, destination: 4_021 } },
  mask: {
    ...download.reply,
    source: address(255, 255, 255, 255),
    destination: address(255, 255, 255, 255),
    layer4: { kind: 'ports', source: 0, destination: 0xffff },
  },
  timeoutSeconds: 300,
  flags: 0,
  class: 0,
  zone: 7,
  helper: 'ftp',
  translation: { isReply: true, tuple: download.original },
  function: 'nat-follow-master',
};

const flow = (entry: FlowEntry): FlowRecord => ({ kind: 'flow', entry });

/** Good streams to start from. */
export const FLOW_STREAMS: readonly Uint8Array[] = [
  [],
  [flow(download)],
  [flow(ping)],
  [flow(download), { kind: 'gone' as const, key: ping }, flow(ping)],
  [flow(download), { kind: 'expectation' as const, expectation: expected }],
].map(encodeFlowState);

const framed = (text: string, value: Uint8Array): Uint8Array => {
  const key = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return Uint8Array.of(key.length, ...key, ...value);
};

/** Expectations in the same frame as shared flows. */
export const SHARED_EXPECTATIONS: readonly Uint8Array[] = [
  expected,
  { ...expected, zone: 0, helper: null, translation: null, function: null, flags: 4, class: 300 },
  { ...expected, tuple: ping.original, mask: { ...ping.reply, source: new Uint8Array(16) } },
].map((each) =>
  framed(sharedExpectationKey(each), sharedFlowValue(sharedExpectationBody(each), each.timeoutSeconds)),
);

/** The same flows as a standby is told of them: an octet with the length of the key, the key, and the value. */
export const SHARED_FLOWS: readonly Uint8Array[] = [
  download,
  ping,
  { ...download, zone: 0, mark: 0, helper: null, labels: null },
].map((entry) => framed(sharedFlowKey(entry), sharedFlowValue(sharedFlowBody(entry), entry.timeoutSeconds)));
