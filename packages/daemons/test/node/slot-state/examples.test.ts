// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest';
import { never } from '../function-state/fake-function.ts';
import { atAgent, EXAMPLES, SECONDS, start } from './counters.ts';
import { entriesOf, FakeSink } from './fake-sink.ts';

/* The programs of examples/shared-state as processes of their own, at the agent's real end. */

describe.each(EXAMPLES)('%s', (_name, missing, command) => {
  async function counter() {
    const running = await atAgent(command);
    const begin = async (sink: FakeSink, isOwn: boolean, epoch: string): Promise<void> => {
      const { source } = running.state;
      await source?.begin([...sink.entries()], sink, { isOwn, epoch, signal: never() });
      await running.state.role('active', epoch);
    };
    return { ...running, begin };
  }

  test(
    'goes on with the state of the slot; an answer waits until the standbys have what it says',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const { begin, client, state } = await counter();
      expect(await client.ask('add visits')).toBe('not active');
      const sink = new FakeSink(entriesOf({ visits: '41', other: '7' }));
      await begin(sink, false, '1');
      expect(await client.ask('add visits')).toBe('value 42');
      expect(sink.text()).toEqual({ visits: '42', other: '7' });
      sink.isHolding = true;
      let isAnswered = false;
      const answer = client.ask('add visits').finally(() => {
        isAnswered = true;
      });
      await sink.has(2);
      expect(isAnswered).toBe(false);
      sink.settleAll();
      expect(await answer).toBe('value 43');
      // At the end nobody is told of what may be lost: the connection ends.
      const lost = client.ask('add visits');
      await sink.has(3);
      await state.source?.end();
      expect(await lost).toBeNull();
    },
    60 * SECONDS,
  );

  test(
    'keeps its own state where it held the slot last, and another state replaces it else',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const { begin, client, state } = await counter();
      await begin(new FakeSink(entriesOf({ same: '1', mine: '1' })), false, '1');
      expect(await client.ask('add mine')).toBe('value 2');
      await state.source?.end();
      expect(await client.ask('get mine')).toBe('not active');
      const behind = new FakeSink(entriesOf({ same: '1', mine: '1', stray: '9' }));
      await begin(behind, true, '2');
      expect(behind.text()).toEqual({ same: '1', mine: '2' });
      expect(await client.ask('add mine')).toBe('value 3');
      await state.source?.end();
      await begin(new FakeSink(entriesOf({ mine: '70' })), false, '3');
      expect(await client.ask('add mine')).toBe('value 71');
      expect(await client.ask('get same')).toBe('value 0');
    },
    60 * SECONDS,
  );

  test(
    'is killed in place, and its successor goes on with its counts',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const { begin, client, program, state } = await counter();
      const sink = new FakeSink();
      await begin(sink, false, '1');
      for (let count = 1; count <= 20; count += 1)
        expect(await client.ask('add visits')).toBe(`value ${count}`);
      await program.stop(0);
      const second = await start(command, state.environment);
      await expect.poll(() => second.client.ask('get visits'), { timeout: 30 * SECONDS }).toBe('value 20');
      expect(await second.client.ask('add visits')).toBe('value 21');
      expect(sink.text()).toEqual({ visits: '21' });
    },
    60 * SECONDS,
  );

  test(
    'alone it counts for itself, and so it does where nobody wants its state',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const { client } = await start(command, {});
      expect(await client.ask('add visits')).toBe('value 1');
      expect(await client.ask('add ../visits')).toBe('bad name');
      expect(await client.ask('get visits')).toBe('value 1');
      expect(await client.ask('count')).toBe('what?');
      const agent = await counter();
      await agent.state.role('active', '1');
      expect(await agent.client.ask('add visits')).toBe('value 1');
      await agent.state.role('standby', '2');
      expect(await agent.client.ask('add visits')).toBe('not active');
    },
    60 * SECONDS,
  );
});
