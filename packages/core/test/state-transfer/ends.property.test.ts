// SPDX-License-Identifier: Apache-2.0
import {
  type DestinationInput,
  type DestinationOutput,
  type SourceInput,
  type SourceOutput,
  TransferDestination,
  TransferSource,
} from '@vnfpool/core/state-transfer';
import { encodeState, type StateMessage, type TransferMode } from '@vnfpool/wire/state-channel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { orderOf } from './order.ts';

const number = fc.integer({ min: 0, max: 3 });
const bytes = fc.oneof(fc.nat(20), fc.maxSafeNat());
const sessions = fc.option(fc.nat(3));
const { token, source, destination, functionId } = orderOf();
const pair = { token, source, destination, functionId };

/** Messages that fit now and then, in any order. */
const message: fc.Arbitrary<StateMessage> = fc.oneof(
  fc.record({ type: fc.constant('welcome' as const), windowBytes: fc.nat(100) }),
  fc.constant({ type: 'refuse' as const, errorNumber: 3, text: '' }),
  fc.record({
    type: fc.constant('begin' as const),
    part: number,
    kind: fc.constantFrom('snapshot' as const, 'delta' as const, 'last' as const),
    bytesExpected: fc.option(bytes),
  }),
  fc.record({ type: fc.constant('chunk' as const), octets: fc.uint8Array({ minLength: 1, maxLength: 9 }) }),
  fc.record({
    type: fc.constant('mark' as const),
    part: number,
    bytes: fc.constant(0),
    crc: fc.constant(0),
    totalBytes: fc.constant(0),
    totalCrc: fc.constant(0),
    sessions,
  }),
  fc.record({
    type: fc.constant('marked' as const),
    part: number,
    totalBytes: fc.constant(0),
    totalCrc: fc.constant(0),
  }),
  fc.record({ type: fc.constant('credit' as const), untilBytes: bytes }),
  fc.constant({ type: 'commit' as const, totalBytes: 0, totalCrc: 0 }),
  fc.record({ type: fc.constant('committed' as const), sessions }),
  fc.record({
    type: fc.constant('cancel' as const),
    reason: fc.constantFrom('cancelled' as const, 'timeout' as const),
    text: fc.constant(''),
  }),
  fc.record({
    type: fc.constant('outcome' as const),
    outcome: fc.constantFrom(
      'undecided' as const,
      'committed' as const,
      'aborted' as const,
      'unknown' as const,
    ),
    sessions,
  }),
  fc.constant({ type: 'alive' as const }),
);
const connection = fc.integer({ min: 1, max: 2 });
const shared = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant('message' as const), connection, message }) },
  fc.record({ type: fc.constant('malformed' as const), connection, reason: fc.constant('\ud800 x') }),
  fc.record({ type: fc.constant('disconnected' as const), connection }),
  fc.constant({ type: 'cancel' as const }),
  fc.record({
    type: fc.constant('verdict' as const),
    verdict: fc.constantFrom('committed' as const, 'aborted' as const),
  }),
  fc.record({ type: fc.constant('failed' as const), reason: fc.string({ unit: 'binary', maxLength: 400 }) }),
);
const sourceInput: fc.Arbitrary<SourceInput> = fc.oneof(
  { weight: 4, arbitrary: shared },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('connected' as const), connection }) },
  fc.constant({ type: 'connect-failed' as const, reason: '' }),
  fc.record({
    type: fc.constant('exported-chunk' as const),
    part: number,
    octets: fc.uint8Array({ maxLength: 9 }),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('exported' as const),
      part: number,
      sessions,
      changePerSecond: fc.option(fc.nat(100)),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ type: 'quiesced' as const }) },
  fc.constant({ type: 'finished' as const }),
);
const destinationInput: fc.Arbitrary<DestinationInput> = fc.oneof(
  { weight: 4, arbitrary: shared },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('opened' as const),
      connection,
      peer: fc.constantFrom(10, null),
      message: fc.constantFrom(
        { type: 'ask' as const, ...pair },
        { type: 'hello' as const, ...pair, targetFunctionId: 101, mode: 'move' as const, selection: [] },
      ),
    }),
  },
  fc.record({ type: fc.constant('consumed' as const), bytes: fc.nat(9) }),
  { weight: 3, arbitrary: fc.record({ type: fc.constant('imported' as const), part: number, sessions }) },
  fc.constant({ type: 'activated' as const }),
  fc.constant({ type: 'discarded' as const }),
  fc.constant({ type: 'gone' as const }),
);
const waited = fc.oneof(fc.constant(0), fc.nat(3000));

/** Runs a core on any inputs; every message it sends can be written, and nothing it does has no end. */
function run<Input, Output extends SourceOutput | DestinationOutput>(
  core: { handle(input: Input, nowMs: number): Output[]; expire(nowMs: number): Output[] },
  steps: readonly (readonly [Input, number])[],
): Output[] {
  const all: Output[] = [];
  let nowMs = 0;
  for (const [input, waitMs] of steps) {
    nowMs += waitMs;
    const outputs = [...core.expire(nowMs), ...core.handle(input, nowMs)];
    expect(outputs.length).toBeLessThan(20);
    for (const output of outputs) if (output.type === 'send') encodeState(output.message);
    all.push(...outputs);
  }
  return all;
}

test('whatever a source is told, it serves or ends once, and never serves behind commit without a word', () => {
  const mode = fc.constantFrom<TransferMode>('move', 'copy');
  const reached = { doubt: 0, committed: 0 };
  fc.assert(
    fc.property(mode, fc.array(fc.tuple(sourceInput, waited), { maxLength: 40 }), (kind, steps) => {
      const core = new TransferSource({ order: orderOf(kind) });
      const start: [SourceInput, number][] = [
        [{ type: 'start' }, 0],
        [{ type: 'connected', connection: 1 }, 1],
        [{ type: 'message', connection: 1, message: { type: 'welcome', windowBytes: 64 } }, 1],
      ];
      const mark = { totalBytes: 0, totalCrc: 0 } as const;
      if (steps.length % 2 === 0) {
        const none = { type: 'exported', sessions: null, changePerSecond: 0 } as const;
        start.push([{ ...none, part: 0 }, 0]);
        start.push([{ type: 'message', connection: 1, message: { type: 'marked', part: 0, ...mark } }, 0]);
        start.push([{ type: 'quiesced' }, 0], [{ ...none, part: 1 }, 0]);
        start.push([{ type: 'message', connection: 1, message: { type: 'marked', part: 1, ...mark } }, 0]);
      }
      const types = run(core, [...start, ...steps]).map(({ type }) => type);
      expect(types.filter((type) => type === 'ended').length).toBeLessThanOrEqual(1);
      expect(types.filter((type) => type === 'finish').length).toBeLessThanOrEqual(kind === 'move' ? 1 : 0);
      // From `finish` on it never serves again.
      const finished = types.indexOf('finish');
      if (finished >= 0) expect(types.slice(finished)).not.toContain('resume');
      if (core.phase === 'doubt') reached.doubt += 1;
      if (core.phase === 'committed') reached.committed += 1;
      if (core.phase === 'doubt' && kind === 'move') expect(types).not.toContain('resume');
    }),
    { numRuns: 1500 },
  );
  expect(reached.doubt).toBeGreaterThan(20);
  expect(reached.committed).toBeGreaterThan(20);
});

test('whatever a destination is told, it owns only what was committed, and nothing behind a discard', () => {
  const reached = { activate: 0 };
  fc.assert(
    fc.property(fc.array(fc.tuple(destinationInput, waited), { maxLength: 40 }), (steps) => {
      const core = new TransferDestination({ order: orderOf(), tokenUntilMs: 30_000, windowBytes: 32 });
      const hello = { type: 'hello', ...pair, targetFunctionId: 101, mode: 'move', selection: [] } as const;
      const empty = { bytes: 0, crc: 0, totalBytes: 0, totalCrc: 0, sessions: null } as const;
      const start: [DestinationInput, number][] = [
        [{ type: 'start' }, 0],
        [{ type: 'opened', connection: 1, peer: 10, message: hello }, 1],
      ];
      for (const [part, kind] of [
        [0, 'snapshot'],
        [1, 'last'],
      ] as const) {
        start.push(
          [
            { type: 'message', connection: 1, message: { type: 'begin', part, kind, bytesExpected: null } },
            0,
          ],
          [{ type: 'message', connection: 1, message: { type: 'mark', part, ...empty } }, 0],
          [{ type: 'imported', part, sessions: null }, 0],
        );
      }
      const whole = steps.length % 2 === 0;
      const outputs = run(core, [...start.slice(0, whole ? undefined : 2), ...steps]);
      const types = outputs.map(({ type }) => type);
      expect(types.filter((type) => type === 'ended').length).toBeLessThanOrEqual(1);
      const discarded = types.indexOf('discard');
      if (discarded >= 0) expect(types.slice(discarded)).not.toContain('activate');
      const activated = types.indexOf('activate');
      if (activated < 0) return;
      reached.activate += 1;
      const record = outputs[activated - 1];
      expect(record?.type === 'persist' && record.record?.phase).toBe('committed');
    }),
    { numRuns: 1500 },
  );
  expect(reached.activate).toBeGreaterThan(5);
});
