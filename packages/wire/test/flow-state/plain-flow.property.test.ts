// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeSharedFlow,
  type FlowEntry,
  type FlowTuple,
  PLAIN_FLOW_WORDS,
  readPlainFlow,
  readSharedFlowKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowValue,
} from '@vnfpool/wire/flow-state';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flowEntry } from './flow-state.arbitrary.ts';

const nothing = {
  mark: 0,
  sctp: null,
  helper: null,
  labels: null,
  counters: null,
  master: null,
  shifts: null,
} as const;

const narrow = ({ source, destination, protocol, layer4 }: FlowTuple): FlowTuple => ({
  source: source.slice(0, 4),
  destination: destination.slice(0, 4),
  protocol,
  layer4: layer4?.kind === 'ports' ? layer4 : { kind: 'ports', source: protocol, destination: 80 },
});

/** With a state that a kernel has. */
const any = flowEntry.map(
  (entry): FlowEntry => ({
    ...entry,
    tcp: entry.tcp && { ...entry.tcp, state: entry.tcp.state & 0x0f },
  }),
);
const bare = any.map(
  (entry): FlowEntry => ({
    ...entry,
    ...nothing,
    original: narrow(entry.original),
    reply: narrow(entry.reply),
    zone: 0,
    zoneDirection: 'both',
    timeoutSeconds: entry.timeoutSeconds % 2 ** 28,
  }),
);
const flow = fc.oneof(any, bare);

const number = (octets: Uint8Array): number =>
  new DataView(octets.buffer, octets.byteOffset, octets.length).getInt32(0);
const ports = ({ layer4 }: FlowTuple): number =>
  layer4?.kind === 'ports' ? (layer4.source << 16) | layer4.destination : Number.NaN;

function numbersOf({ original, reply, status, timeoutSeconds, tcp }: FlowEntry): number[] {
  return [
    original.protocol,
    number(original.source),
    number(original.destination),
    ports(original),
    number(reply.source),
    number(reply.destination),
    ports(reply),
    status,
    timeoutSeconds,
    tcp === null
      ? -1
      : (tcp.state << 24) |
        (tcp.originalScale << 16) |
        (tcp.replyScale << 8) |
        (tcp.originalFlags << 4) |
        tcp.replyFlags,
  ];
}

const isPlain = (entry: FlowEntry): boolean =>
  entry.original.source.length === 4 &&
  entry.original.layer4?.kind === 'ports' &&
  entry.zone === 0 &&
  entry.timeoutSeconds < 2 ** 28 &&
  entry.mark === 0 &&
  [entry.sctp, entry.helper, entry.labels, entry.master, entry.shifts].every((each) => each === null);

const writtenOf = (entry: FlowEntry): Uint8Array =>
  sharedFlowValue(sharedFlowBody(entry), entry.timeoutSeconds);

/** Undefined: it is no flow. */
function decoded(key: string, value: Uint8Array): FlowEntry | undefined {
  try {
    return decodeSharedFlow(readSharedFlowKey(key), value);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

test('plain flows are the numbers of what they are read as, and no others are plain', () => {
  let plain = 0;
  fc.assert(
    fc.property(flow, (entry) => {
      const [key, value] = [sharedFlowKey(entry), writtenOf(entry)];
      const read = decodeSharedFlow(readSharedFlowKey(key), value);
      const numbers = new Int32Array(PLAIN_FLOW_WORDS + 2).fill(7);
      expect(readPlainFlow(key, value, numbers, 1)).toBe(isPlain(read));
      if (!isPlain(read)) return;
      plain++;
      expect([...numbers]).toEqual([7, ...numbersOf(read), 7]);
    }),
    { numRuns: 500 },
  );
  expect(plain).toBeGreaterThan(100);
});

test('octets that are plain are a flow, of the same numbers', () => {
  const broken = fc
    .tuple(bare, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat(2), fc.nat(300))
    .map(([entry, changes, cut, character]) => {
      const value = writtenOf(entry);
      for (const [place, octet] of changes) value[place % value.length] = octet;
      const key = sharedFlowKey(entry);
      const text =
        character > 250 ? `${key.slice(0, 5)}${String.fromCharCode(character)}${key.slice(6)}` : key;
      return [text, value.slice(0, value.length - cut)] as const;
    });
  let refused = 0;
  fc.assert(
    fc.property(broken, ([key, value]) => {
      const numbers = new Int32Array(PLAIN_FLOW_WORDS);
      if (!readPlainFlow(key, value, numbers, 0)) {
        refused++;
        const read = decoded(key, value);
        // What is written at length, as a mark of 0, is for the decoder.
        const isShortest = read !== undefined && Buffer.compare(writtenOf(read), value) === 0;
        if (isShortest) expect(isPlain(read)).toBe(false);
        return;
      }
      expect([...numbers]).toEqual(numbersOf(decodeSharedFlow(readSharedFlowKey(key), value)));
    }),
    { numRuns: 2000 },
  );
  expect(refused).toBeGreaterThan(100);
});
