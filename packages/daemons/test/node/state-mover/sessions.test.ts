// SPDX-License-Identifier: Apache-2.0
import { systemClock } from '@vnfpool/runtime/driver';
import { expect, test, vi } from 'vitest';
import type { MovedState } from '../../../src/node/function-state/index.ts';
import { DESTINATION, order, receive, SOURCE, send, site } from './two-nodes.ts';

// Two nodes that shake hands: a busy machine may take its time.
vi.setConfig({ testTimeout: 30_000 });

/** A function without octets, and what it was asked. */
function quiet(sessions: number | null = null) {
  const asked: string[] = [];
  const note = (what: string) => async () => void asked.push(what);
  const state: MovedState = {
    changeRate: null,
    movedSessions: sessions,
    export: async (kind) => {
      asked.push(`export ${kind}`);
      return { bytes: 0 };
    },
    import: async (kind, chunks) => {
      for await (const chunk of chunks) asked.push(`${chunk.length} octets`);
      asked.push(`import ${kind}`);
    },
    quiesce: note('quiesce'),
    resume: note('resume'),
    discard: note('discard'),
  };
  return { state, asked };
}

const selection = [{ type: 'count', count: 3n }] as const;
const given = () => order({ mode: 'sessions', targetFunctionId: 202 });
const forward = { address: '192.0.2.11', port: 40_100 };

test('sessions go over; the source hears how many and where, and is done when its function is', async () => {
  const [a, b, from, to] = [await site(SOURCE), await site(DESTINATION), quiet(3), quiet(3)];
  const transfer = given();
  const activate = async () => void to.asked.push('accept');
  const receiving = receive(b, transfer, to.state, { ofSessions: true, forward, activate });
  const sending = send(a, b, transfer, from.state, {
    selection,
    finish: async (mode, where) => void from.asked.push(`${mode} to ${where?.address}:${where?.port}`),
  });
  expect(await sending.ended).toMatchObject({ outcome: 'committed', sessions: 3 });
  expect(from.asked.at(-1)).toBe('sessions to 192.0.2.11:40100');
  expect(await receiving.ended).toMatchObject({ outcome: 'committed', sessions: 3 });
  expect(to.asked.at(-1)).toBe('accept');
});

test('as many must come as went', async () => {
  const [a, b, from, to] = [await site(SOURCE), await site(DESTINATION), quiet(3), quiet(2)];
  const transfer = given();
  const receiving = receive(b, transfer, to.state, { ofSessions: true });
  const end = await send(a, b, transfer, from.state, { selection }).ended;
  expect(end).toMatchObject({ outcome: 'aborted', reason: 'integrity', text: '2 sessions of 3' });
  expect(await receiving.ended).toMatchObject({ outcome: 'aborted' });
  expect([from.asked.at(-1), to.asked.at(-1)]).toEqual(['resume', 'discard']);
});

test.each([
  ['sessions take no whole state', 'copy', true],
  ['a state takes no sessions', 'sessions', false],
] as const)('a token for %s', async (_name, mode, ofSessions) => {
  const [a, b, from, to] = [await site(SOURCE), await site(DESTINATION), quiet(), quiet()];
  const transfer = order({ mode });
  receive(b, transfer, to.state, { ofSessions });
  const end = await send(a, b, transfer, from.state, mode === 'sessions' ? { selection } : {}).ended;
  expect(end).toMatchObject({ outcome: 'aborted', reason: 'refused', errorNumber: 3 });
  expect(to.asked).toEqual([]);
});

test('nobody comes in time, or it is cancelled: the function expects nothing any more', async () => {
  const [b, to] = [await site(DESTINATION), quiet()];
  const expired = receive(b, given(), to.state, {
    ofSessions: true,
    tokenUntilMs: systemClock().nowMs() + 50,
  });
  expect(await expired.ended).toMatchObject({ outcome: 'aborted', reason: 'timeout' });
  const cancelled = receive(b, given(), to.state, { ofSessions: true });
  cancelled.transfer.cancel();
  expect(await cancelled.ended).toMatchObject({ outcome: 'aborted', reason: 'cancelled' });
  expect(to.asked).toEqual(['discard', 'discard']);
});
