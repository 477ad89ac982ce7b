// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import {
  decodeFlowState,
  encodeFlowState,
  type FlowRecord,
  FlowStateDecoder,
  flowKeyOfText,
  flowKeyText,
  invertTuple,
  natOf,
} from '@vnfpool/wire/flow-state';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { flowEntry, flowRecord } from './flow-state.arbitrary.ts';

const records = fc.array(flowRecord, { maxLength: 12 });

test('decoding gives back what was encoded', () => {
  fc.assert(
    fc.property(records, (list) => {
      expect(decodeFlowState(encodeFlowState(list))).toEqual(list);
    }),
  );
});

test('any chunks give the same records', () => {
  fc.assert(
    fc.property(records, fc.array(fc.nat(40), { minLength: 1 }), (list, sizes) => {
      const bytes = encodeFlowState(list);
      const decoder = new FlowStateDecoder();
      const got: FlowRecord[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = (sizes[turn % sizes.length] ?? 0) + 1;
        const chunk = bytes.slice(at, at + size);
        got.push(...decoder.push(chunk));
        at += size;
      }
      decoder.finish();
      expect(got).toEqual(list);
    }),
  );
});

test('any octets are a stream or a WireError', () => {
  const broken = fc
    .tuple(records, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.nat(3))
    .map(([list, changes, cut]) => {
      const bytes = encodeFlowState(list);
      for (const [place, value] of changes) bytes[place % bytes.length] = value;
      return bytes.slice(0, bytes.length - cut);
    });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), broken), (bytes) => {
      try {
        const list = decodeFlowState(bytes);
        // What was accepted has a meaning that can be said again.
        expect(decodeFlowState(encodeFlowState(list))).toEqual(list);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
      }
    }),
    { numRuns: 1000 },
  );
});

test('inverting twice changes nothing; a flow and its plain inverse have no translation', () => {
  fc.assert(
    fc.property(flowEntry, ({ original }) => {
      expect(invertTuple(invertTuple(original))).toEqual(original);
      expect(natOf({ original, reply: invertTuple(original) })).toEqual({ source: null, destination: null });
    }),
  );
});

test('names are equal for equal flows only', () => {
  fc.assert(
    fc.property(flowEntry, flowEntry, (a, b) => {
      const same =
        JSON.stringify([a.original, a.zone, a.zoneDirection]) ===
        JSON.stringify([b.original, b.zone, b.zoneDirection]);
      expect(flowKeyText(a) === flowKeyText(b)).toBe(same);
      const { original, zone, zoneDirection } = a;
      expect(flowKeyOfText(flowKeyText(a))).toEqual({ original, zone, zoneDirection });
      const changed = { ...a, timeoutSeconds: 0 };
      expect(flowKeyText(changed)).toBe(flowKeyText(a));
    }),
  );
});
