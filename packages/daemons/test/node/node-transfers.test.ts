// SPDX-License-Identifier: Apache-2.0
import { functionId } from '@vnfpool/core';
import type { AdoptedFunction, AgentInput, FunctionRecord } from '@vnfpool/core/agent';
import type { TransferOrder } from '@vnfpool/core/state-transfer';
import { systemClock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import { toHex } from '@vnfpool/wire/bytes';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FunctionState } from '../../src/node/function-state/index.ts';
import { NodeTransfers } from '../../src/node/node-transfers.ts';
import { EXAMPLES, run } from './function-state/programs.ts';
import { DESTINATION, order, receive, type Site, SOURCE, send, site } from './state-mover/two-nodes.ts';

/* An agent that comes back to a transfer that was under way when its predecessor ended. */

const example = EXAMPLES.find(({ missing }) => missing === null);
const needs = EXAMPLES.map(({ missing }) => missing).join('; ');
const patient = { timeout: 20_000 };
const ID = functionId(101);
const never = new Promise<never>(() => undefined);

type Ended = AgentInput & { readonly type: 'transfer-ended' };

/** A function as the agent before left it. */
function left(
  transfer: FunctionRecord['transfer'],
  lives: boolean,
  { awaitsState = false } = {},
): AdoptedFunction {
  const specification = { v: 1, kind: 'process', command: ['kv'] } as const;
  const life = {
    phase: 'started',
    run: 1,
    incarnation: '0'.repeat(16),
    healthy: true,
    restarts: 0,
    awaitsState,
    leaving: null,
  } as const;
  return {
    functionId: ID,
    record: {
      name: 'kv',
      octets: new Uint8Array(),
      assignment: null,
      life,
      transfer: lives ? transfer : null,
    },
    specification,
    process: lives ? { pid: 2, address: '127.0.0.1', port: null } : null,
    reason: '',
  };
}

/** The next agent, and what it tells the agent core. */
function comeBack(
  { mover }: Site,
  self: number,
  functions: readonly AdoptedFunction[],
  state?: FunctionState,
) {
  const ends: Ended['end'][] = [];
  const transfers = new NodeTransfers({
    mover,
    self: () => self,
    states: { of: () => (state ? Promise.resolve(state) : Promise.reject(new Error('it is not here'))) },
    give: (input) => {
      if (input.type === 'transfer-ended') ends.push(input.end);
    },
    clock: systemClock(),
    logger: silentLogger,
  });
  onTestFinished(() => transfers.close());
  transfers.settle(functions);
  return { ends, transfers };
}

/** Two nodes with a program each; that of the source has something. */
async function scene(skip: (condition: boolean, note: string) => void) {
  skip(example === undefined, needs);
  if (example === undefined) throw new Error(needs);
  const [a, b, from, to] = await Promise.all([site(SOURCE), site(DESTINATION), run(example), run(example)]);
  await Promise.all([from.state.role('active', '1'), to.state.role('standby', '1')]);
  const client = await from.open();
  await client.ask('set a 1');
  const given: TransferOrder = order();
  return { a, b, from, to, client, given };
}

type Left = FunctionRecord['transfer'];
const fromSource = ({ token }: TransferOrder): Left => ({
  role: 'source',
  mode: 'move',
  peer: DESTINATION,
  token: toHex(token),
});
const toDestination = ({ token }: TransferOrder): Left => ({
  role: 'destination',
  mode: null,
  peer: SOURCE,
  token: toHex(token),
});
/** A function that never gets to the end of the last part. */
const withoutEnd = (state: FunctionState): FunctionState =>
  new Proxy(state, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key);
      if (key !== 'import') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      return (...[kind, ...rest]: Parameters<FunctionState['import']>) =>
        kind === 'last' ? never : target.import(kind, ...rest);
    },
  });
const awaits = { awaitsState: true } as const;

describe('an agent that ended in the middle, at the destination', () => {
  test('before `commit` came: what was prepared is thrown away, and the source serves', async ({ skip }) => {
    const { a, b, from, to, client, given } = await scene(skip);
    receive(b, given, withoutEnd(to.state));
    const sending = send(a, b, given, from.state);
    await expect.poll(() => b.mover.left, patient).toMatchObject([{ phase: 'open' }]);
    await b.close();
    const again = await site(DESTINATION, { folder: b.folder });
    const { ends } = comeBack(again, DESTINATION, [left(toDestination(given), true, awaits)], to.state);
    expect(await sending.ended).toMatchObject({ outcome: 'aborted' });
    await expect.poll(() => ends, patient).toMatchObject([{ outcome: 'aborted' }]);
    expect(await client.ask('set b 2')).toBe('ok');
    await to.state.role('active', '2');
    expect(await (await to.open()).list()).toEqual([]);
  }, 60_000);

  test('behind `commit`, and the function lives: it serves, and the source ends', async ({ skip }) => {
    const { a, b, from, to, given } = await scene(skip);
    let dying: Promise<void> = Promise.resolve();
    receive(b, given, to.state, {
      activate: () => {
        dying = b.close();
        return never;
      },
    });
    const sending = send(a, b, given, from.state);
    await expect.poll(() => b.mover.left, patient).toMatchObject([{ phase: 'committed' }]);
    await dying;
    const again = await site(DESTINATION, { folder: b.folder });
    const { ends } = comeBack(again, DESTINATION, [left(toDestination(given), true, awaits)], to.state);
    expect(await sending.ended).toMatchObject({ outcome: 'committed' });
    expect(ends).toMatchObject([{ outcome: 'committed' }]);
    expect(await (await to.open()).ask('get a')).toBe('value 1');
  }, 60_000);

  test('an outcome of an earlier stay says nothing of what is under way now', async ({ skip }) => {
    const { a, b, from, to, given } = await scene(skip);
    const receiving = receive(b, given, to.state);
    send(a, b, given, from.state, { finish: () => never });
    expect(await receiving.ended).toMatchObject({ outcome: 'committed' });
    await b.close();
    const again = await site(DESTINATION, { folder: b.folder });
    expect(again.mover.left).toMatchObject([{ phase: 'committed' }]);
    const now = toDestination(order());
    const { ends } = comeBack(again, DESTINATION, [left(now, true, awaits)], to.state);
    await expect.poll(() => ends, patient).toMatchObject([{ outcome: 'aborted' }]);
  }, 60_000);

  test('behind `commit`, and the function has ended: the source hears that nothing is there, and serves', async ({
    skip,
  }) => {
    const { a, b, from, to, client, given } = await scene(skip);
    let dying: Promise<void> = Promise.resolve();
    receive(b, given, to.state, {
      activate: () => {
        dying = b.close();
        // It never comes back to this.
        return never;
      },
    });
    const sending = send(a, b, given, from.state);
    await expect.poll(() => sending.transfer.report().phase, patient).toBe('doubt');
    await expect.poll(() => b.mover.left.length, patient).toBe(1);
    await dying;
    const again = await site(DESTINATION, { folder: b.folder });
    comeBack(again, DESTINATION, [left(toDestination(given), false, awaits)]);
    expect(await sending.ended).toMatchObject({ outcome: 'aborted' });
    expect(await client.ask('set b 2')).toBe('ok');
  }, 60_000);

  test('when all was told: who asks later hears that it was taken, and nothing is asked of the function', async ({
    skip,
  }) => {
    const { a, b, from, to, given } = await scene(skip);
    const receiving = receive(b, given, to.state);
    send(a, b, given, from.state, { finish: () => never });
    expect(await receiving.ended).toMatchObject({ outcome: 'committed' });
    await b.close();
    const again = await site(DESTINATION, { folder: b.folder });
    const { ends } = comeBack(again, DESTINATION, [left(null, true)]);
    expect(again.mover.left).toMatchObject([{ phase: 'committed' }]);
    expect(ends).toEqual([]);
  }, 60_000);
});

describe('an agent that ended in the middle, at the source', () => {
  test('while nothing was decided: the function goes on, quiesced or not', async ({ skip }) => {
    const { a, b, from, client, given } = await scene(skip);
    await from.state.quiesce(AbortSignal.timeout(20_000));
    const held = client.ask('add b');
    await a.close();
    const again = await site(SOURCE, { folder: a.folder });
    expect(again.mover.left).toEqual([]);
    const { ends } = comeBack(again, SOURCE, [left(fromSource(given), true)], from.state);
    expect(ends).toMatchObject([{ outcome: 'aborted', text: 'the agent restarted' }]);
    expect(await held).toBe('value 1');
    await b.close();
    expect(given.mode).toBe('move');
  }, 60_000);

  test('in doubt, and the destination has it: the function ends, and never serves again', async ({
    skip,
  }) => {
    const { a, b, from, to, client, given } = await scene(skip);
    const receiving = receive(b, given, to.state, {
      activate: async () => {
        await a.close();
        await to.state.role('active', '2');
      },
    });
    send(a, b, given, from.state);
    expect(await receiving.ended).toMatchObject({ outcome: 'committed' });
    let answered: string | null | undefined;
    void client.ask('add a').then((answer) => {
      answered = answer;
    });
    const again = await site(SOURCE, { folder: a.folder });
    expect(again.mover.left).toMatchObject([{ phase: 'doubt' }]);
    const { ends, transfers } = comeBack(again, SOURCE, [left(fromSource(given), true)], from.state);
    await expect.poll(() => ends, patient).toMatchObject([{ outcome: 'committed' }]);
    expect(again.mover.left).toMatchObject([{ phase: 'committed' }]);
    await from.program.stop(0);
    transfers.gone(ID);
    await expect.poll(() => again.mover.left, patient).toEqual([]);
    expect(answered ?? null).toBeNull();
    expect(await (await to.open()).ask('add a')).toBe('value 2');
  }, 60_000);

  test('in doubt, and the destination gave it up: the function goes on', async ({ skip }) => {
    const { a, b, from, to, client, given } = await scene(skip);
    let dying: Promise<void> = Promise.resolve();
    receive(b, given, to.state, {
      activate: () => {
        dying = Promise.all([a.close(), b.close()]).then(() => undefined);
        return never;
      },
    });
    send(a, b, given, from.state);
    await expect.poll(() => a.mover.left, patient).toMatchObject([{ phase: 'doubt' }]);
    await expect.poll(() => b.mover.left, patient).toMatchObject([{ phase: 'committed' }]);
    await dying;
    const there = await site(DESTINATION, { folder: b.folder });
    comeBack(there, DESTINATION, [left(toDestination(given), false, awaits)]);
    const again = await site(SOURCE, { folder: a.folder });
    const { ends } = comeBack(again, SOURCE, [left(fromSource(given), true)], from.state);
    await expect.poll(() => ends, patient).toMatchObject([{ outcome: 'aborted' }]);
    expect(await client.ask('add a')).toBe('value 2');
    expect(again.mover.left).toEqual([]);
  }, 60_000);

  test('behind the outcome: the function ends all the same', async ({ skip }) => {
    const { a, b, from, to, given } = await scene(skip);
    receive(b, given, to.state);
    const sending = send(a, b, given, from.state, { finish: () => never });
    expect(await sending.ended).toMatchObject({ outcome: 'committed' });
    await a.close();
    const again = await site(SOURCE, { folder: a.folder });
    expect(again.mover.left).toMatchObject([{ phase: 'committed' }]);
    const { ends, transfers } = comeBack(again, SOURCE, [left(fromSource(given), true)], from.state);
    expect(ends).toMatchObject([{ outcome: 'committed' }]);
    transfers.gone(ID);
    await expect.poll(() => again.mover.left, patient).toEqual([]);
  }, 60_000);

  test('in doubt, and the function has ended: it goes on saying that the destination shall serve', async ({
    skip,
  }) => {
    const { a, b, from, to, given } = await scene(skip);
    let activations = 0;
    const receiving = receive(b, given, to.state, {
      activate: async () => {
        activations += 1;
        await a.close();
        await to.state.role('active', '2');
      },
    });
    send(a, b, given, from.state);
    expect(await receiving.ended).toMatchObject({ outcome: 'committed' });
    await from.program.stop(0);
    const again = await site(SOURCE, { folder: a.folder });
    expect(again.mover.left).toHaveLength(1);
    comeBack(again, SOURCE, []);
    await expect.poll(() => again.mover.left, patient).toEqual([]);
    expect(activations).toBe(1);
    expect(await (await to.open()).ask('get a')).toBe('value 1');
  }, 60_000);
});
