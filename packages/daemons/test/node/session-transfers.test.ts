// SPDX-License-Identifier: Apache-2.0
import { functionId, nodeId } from '@vnfpool/core';
import type { AgentInput } from '@vnfpool/core/agent';
import { systemClock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import { expect, onTestFinished, test } from 'vitest';
import {
  type FunctionSessions,
  type FunctionState,
  FunctionStateError,
} from '../../src/node/function-state/index.ts';
import { SessionTransfers } from '../../src/node/session-transfers.ts';
import type { SendOptions, StateMover } from '../../src/node/state-mover/index.ts';

const KV = functionId(101);
const destination = { node: nodeId(11), addresses: ['192.0.2.11'], port: 50_000 };
const token = new Uint8Array(16).fill(7);

/** What a function does, each failure once and in order. */
function scene(failures: readonly FunctionStateError[] = [], movable = true) {
  const [given, asked]: [AgentInput[], string[]] = [[], []];
  const left = [...failures];
  const step = (what: string) => async () => {
    asked.push(what);
    const failure = left.shift();
    if (failure) throw failure;
  };
  const sessions = {
    changeRate: null,
    movedSessions: 3,
    select: async () => 3,
    expect: async () => null,
    moved: step('moved'),
    resume: step('resume'),
  } as Partial<FunctionSessions> as FunctionSessions;
  const state = { movableSessions: movable ? sessions : null } as Partial<FunctionState> as FunctionState;
  let sent: SendOptions | null = null;
  const refusing: { error: Error | null } = { error: null };
  const mover = {
    send: (_order: unknown, options: SendOptions) => {
      if (refusing.error) throw refusing.error;
      sent = options;
      return {};
    },
  } as unknown as StateMover;
  const transfers = new SessionTransfers({
    mover,
    self: () => 10,
    states: { of: (id) => (id === KV ? Promise.resolve(state) : Promise.reject(new Error('not here'))) },
    give: (input) => void given.push(input),
    clock: systemClock(),
    logger: silentLogger,
    begin: (_id, _role, _peer, begin) => void begin(),
    listener: () => ({ onEnded: () => undefined, onInquire: () => undefined }),
    againMs: 1,
  });
  onTestFinished(() => transfers.close());
  const select = (id = KV) =>
    transfers.select({ type: 'select-sessions', functionId: id, sessions: [{ type: 'all', subType: 3 }] });
  const send = () =>
    transfers.send({
      type: 'send-sessions',
      functionId: KV,
      targetFunctionId: KV,
      destination,
      selection: [],
      token,
    });
  const options = (): SendOptions => sent as unknown as SendOptions;
  return { given, asked, transfers, select, send, options, refusing };
}

const late = new FunctionStateError('not-answered', 'the function did not answer');
const no = new FunctionStateError('refused', 'the function says: no');
const closed = new FunctionStateError('closed', 'the agent is done with the function');

test('a function is asked, and its answer is given', async () => {
  const { given, select, transfers } = scene();
  await select();
  await transfers.expect({ type: 'expect-sessions', functionId: KV });
  expect(given).toEqual([
    { type: 'sessions-selected', functionId: KV, count: 3 },
    { type: 'sessions-expected', functionId: KV, forward: null },
  ]);
});

test('one that cannot, or is not there, is refused with its reason', async () => {
  const { given, select } = scene([], false);
  await select();
  await select(functionId(7));
  expect(given).toEqual([
    { type: 'sessions-refused', functionId: KV, reason: 'the function does not move single sessions' },
    { type: 'sessions-refused', functionId: functionId(7), reason: 'not here' },
  ]);
});

test('that its sessions have moved a function is told until it hears it', async () => {
  const { asked, select, send, options } = scene([late, no]);
  await select();
  send();
  await options().finish('sessions', null);
  expect(asked).toEqual(['moved', 'moved', 'moved']);
});

test('a function that has ended has none of them any more', async () => {
  const { asked, select, send, options } = scene([late, closed]);
  await select();
  send();
  await options().finish('sessions', null);
  expect(asked).toEqual(['moved', 'moved']);
});

test('that it keeps them it is told until it hears it, but not against its will', async () => {
  const { asked, select, send, options } = scene([late, late]);
  await select();
  send();
  await options().state.resume();
  expect(asked).toEqual(['resume', 'resume', 'resume']);
  const other = scene([no]);
  await other.select();
  other.send();
  await expect(other.options().state.resume()).rejects.toBe(no);
});

test('an agent that stops leaves it to the next one', async () => {
  const { select, send, options, transfers } = scene([late, late, late]);
  await select();
  send();
  const finished = options().finish('sessions', null);
  transfers.close();
  await expect(finished).rejects.toThrow();
});

test('a transfer that does not begin lets go of what was selected', async () => {
  const { asked, select, send, refusing } = scene();
  refusing.error = new Error('too many');
  await select();
  expect(send).toThrow('too many');
  expect(asked).toEqual(['resume']);
});
