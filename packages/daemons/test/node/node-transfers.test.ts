// SPDX-License-Identifier: Apache-2.0
import type { AgentInput } from '@vnfpool/core/agent';
import { systemClock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FunctionStates } from '../../src/node/function-states.ts';
import { NodeTransfers } from '../../src/node/node-transfers.ts';
import { temporaryFolder } from './function-state/fake-function.ts';
import { EXAMPLES, run } from './function-state/programs.ts';
import { DESTINATION, order, receive, type Site, SOURCE, send, site } from './state-mover/two-nodes.ts';

/* An agent that comes back to a transfer that was under way when its predecessor ended. */

const example = EXAMPLES.find(({ missing }) => missing === null);
const needs = EXAMPLES.map(({ missing }) => missing).join('; ');

function comeBack({ mover }: Site, self: number): AgentInput[] {
  const inputs: AgentInput[] = [];
  const give = (input: AgentInput): void => void inputs.push(input);
  const states = new FunctionStates({ folder: temporaryFolder(), give, logger: silentLogger });
  const transfers = new NodeTransfers({
    mover,
    self: () => self,
    states,
    give,
    clock: systemClock(),
    logger: silentLogger,
  });
  onTestFinished(() => transfers.close());
  return inputs;
}

describe('an agent that ended in the middle', () => {
  test('at the destination, before it said that it serves: the source hears that nothing is there, and serves', async ({
    skip,
  }) => {
    skip(example === undefined, needs);
    if (example === undefined) return;
    const [a, b, from, to] = await Promise.all([site(SOURCE), site(DESTINATION), run(example), run(example)]);
    await from.state.role('active', '1');
    const client = await from.open();
    await client.ask('set a 1');
    const given = order();
    let dying: Promise<void> = Promise.resolve();
    receive(b, given, to.state, {
      activate: () => {
        dying = b.close();
        // It never comes back to this.
        return new Promise(() => undefined);
      },
    });
    const sending = send(a, b, given, from.state);
    await expect.poll(() => sending.transfer.report().phase, { timeout: 20_000 }).toBe('doubt');
    await expect.poll(() => b.mover.left.length, { timeout: 20_000 }).toBe(1);
    await dying;
    const again = await site(DESTINATION, { folder: b.folder });
    comeBack(again, DESTINATION);
    expect(await sending.ended).toMatchObject({ outcome: 'aborted' });
    expect(await client.ask('set b 2')).toBe('ok');
  }, 60_000);

  test('at the source, in doubt: it goes on saying that the destination shall serve', async ({ skip }) => {
    skip(example === undefined, needs);
    if (example === undefined) return;
    const [a, b, from, to] = await Promise.all([site(SOURCE), site(DESTINATION), run(example), run(example)]);
    await Promise.all([from.state.role('active', '1'), to.state.role('standby', '1')]);
    const client = await from.open();
    await client.ask('set a 1');
    const given = order();
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
    comeBack(again, SOURCE);
    await expect.poll(() => again.mover.left, { timeout: 20_000 }).toEqual([]);
    expect(activations).toBe(1);
    expect(await (await to.open()).ask('get a')).toBe('value 1');
  }, 60_000);
});
