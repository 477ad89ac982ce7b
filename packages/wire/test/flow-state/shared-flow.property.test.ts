// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeSharedFlow,
  type FlowEntry,
  flowOfBody,
  readSharedFlowKey,
  sharedFlowBody,
  sharedFlowKey,
  sharedFlowParts,
  sharedFlowValue,
  viewSharedFlow,
} from '@vnfpool/wire/flow-state';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flowEntry } from './flow-state.arbitrary.ts';

const valueOf = (entry: FlowEntry): Uint8Array =>
  sharedFlowValue(sharedFlowBody(entry), entry.timeoutSeconds);

/** What of a flow is shared. */
function shared(entry: FlowEntry): FlowEntry {
  const { status, tcp } = entry;
  return {
    ...entry,
    status: status & 0x406,
    counters: null,
    tcp: tcp && { ...tcp, originalFlags: tcp.originalFlags & 7, replyFlags: tcp.replyFlags & 7 },
  };
}

/** With a state that a kernel has. */
const flow = flowEntry.map((entry) => ({
  ...entry,
  tcp: entry.tcp && { ...entry.tcp, state: entry.tcp.state & 0x0f },
}));

test('key and value give back what is shared of a flow', () => {
  fc.assert(
    fc.property(flow, (entry) => {
      const key = readSharedFlowKey(sharedFlowKey(entry));
      const value = valueOf(entry);
      expect(decodeSharedFlow(key, value)).toEqual(shared(entry));
      const { body, timeoutSeconds } = sharedFlowParts(value);
      expect([body, timeoutSeconds]).toEqual([sharedFlowBody(entry), entry.timeoutSeconds]);
      expect(flowOfBody(key, body, 5)).toEqual({ ...shared(entry), timeoutSeconds: 5 });
      expect(viewSharedFlow(body)).toMatchObject({
        tcpState: entry.tcp?.state ?? null,
        hasSeenReply: (entry.status & 2) !== 0,
      });
    }),
  );
});

test('keys are equal for equal flows only', () => {
  fc.assert(
    fc.property(flow, flow, (a, b) => {
      const name = ({ original, zone, zoneDirection }: FlowEntry): string =>
        JSON.stringify([original, zone, zoneDirection]);
      expect(sharedFlowKey(a) === sharedFlowKey(b)).toBe(name(a) === name(b));
      expect(sharedFlowKey(Object.assign({}, a, { timeoutSeconds: 0, mark: 1 }))).toBe(sharedFlowKey(a));
    }),
  );
});

test('what is cut off is refused, or is a shorter flow by itself', () => {
  fc.assert(
    fc.property(flow, fc.nat(), (entry, cut) => {
      const text = sharedFlowKey(entry);
      expect(() => readSharedFlowKey(text.slice(0, cut % text.length))).toThrow(WireError);
      expect(() => readSharedFlowKey(`${text}a`)).toThrow(WireError);
      const value = valueOf(entry);
      expect(() => decodeSharedFlow(readSharedFlowKey(text), value.slice(0, cut % 2))).toThrow(WireError);
    }),
  );
});

test('any octets are a flow or a WireError', () => {
  const octets = fc.uint8Array({ maxLength: 60 });
  const broken = fc
    .tuple(flow, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(3))
    .map(([entry, changes, cut]) => {
      const value = valueOf(entry);
      for (const [place, octet] of changes) value[place % value.length] = octet;
      return [sharedFlowKey(entry), value.slice(0, value.length - cut)] as const;
    });
  const any = fc.tuple(
    octets.map((bytes) => String.fromCharCode(...bytes)),
    octets,
  );
  fc.assert(
    fc.property(fc.oneof(any, broken), ([text, value]) => {
      try {
        const key = readSharedFlowKey(text);
        expect(sharedFlowKey(key)).toBe(text);
        const entry = decodeSharedFlow(key, value);
        expect(decodeSharedFlow(key, valueOf(entry))).toEqual(entry);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
    { numRuns: 2000 },
  );
});
