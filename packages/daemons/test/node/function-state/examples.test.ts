// SPDX-License-Identifier: Apache-2.0
import type { StateKind } from '@vnfpool/wire/function-socket';
import { describe, expect, test } from 'vitest';
import type { FunctionState } from '../../../src/node/function-state/index.ts';
import { never, sink } from './fake-function.ts';
import { type Client, EXAMPLES, run } from './programs.ts';

const SECONDS = 1_000;

/** All that one exports goes into the other as it comes. */
async function move(kind: StateKind, from: FunctionState, to: FunctionState): Promise<number> {
  const chunks: Uint8Array[] = [];
  const { bytes } = await from.export(kind, async (chunk) => void chunks.push(chunk.slice()), never());
  await to.import(
    kind,
    (async function* () {
      yield* chunks;
    })(),
    never(),
  );
  return bytes;
}

/** Changes without a pause, until it is not answered any more; tells what was answered. */
function changing(client: Client) {
  let acknowledged = 0;
  let wanted = (): void => undefined;
  let least = 0;
  const done = (async () => {
    for (let turn = 0; turn < 1_000_000; turn += 1) {
      if (turn % 3 === 1) await client.ask(`set key${turn % 50} ${turn}`);
      else if (turn % 3 === 2) await client.ask(`del key${(turn * 7) % 50}`);
      else {
        const answer = await client.ask('add counter');
        if (answer === null) return;
        expect(answer).toBe(`value ${acknowledged + 1}`);
        acknowledged += 1;
      }
      if (acknowledged >= least) wanted();
    }
  })();
  return {
    done,
    acknowledged: () => acknowledged,
    /** Waits for so many changes more. */
    more: (count: number) => {
      least = acknowledged + count;
      return new Promise<void>((resolve) => {
        wanted = resolve;
      });
    },
  };
}

describe.each(EXAMPLES)('$name', (example) => {
  const { missing } = example;

  test(
    'serves, when it is active',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const { state, open } = await run(example);
      const client = await open();
      await state.role('standby', '1');
      expect(await client.ask('get a')).toBe('not active');
      await state.role('active', '2');
      const said = [
        'get a',
        'set a b c',
        'get a',
        'add n 5',
        'add n',
        'add n -2',
        'add a',
        'del a',
        'get a',
        'set ../x y',
        'x y',
      ];
      const answers: (string | null)[] = [];
      for (const line of said) answers.push(await client.ask(line));
      expect(answers).toEqual([
        'none',
        'ok',
        'value b c',
        'value 5',
        'value 6',
        'value 4',
        'no number',
        'ok',
        'none',
        'bad key',
        'what?',
      ]);
      expect(await client.list()).toEqual(['n 4']);
    },
    60 * SECONDS,
  );

  test(
    'moves to another process while a client changes it: nothing that was answered is lost',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [source, destination] = await Promise.all([run(example), run(example)]);
      await Promise.all([source.state.role('active', '1'), destination.state.role('standby', '1')]);
      const filling = await source.open();
      for (let each = 0; each < 30; each += 1) await filling.ask(`set before${each} ${'x'.repeat(100)}`);
      const traffic = changing(await source.open());
      await traffic.more(5);

      const whole = await move('snapshot', source.state, destination.state);
      await traffic.more(5);
      const change = await move('delta', source.state, destination.state);
      expect(change).toBeLessThan(whole);
      await traffic.more(5);
      await move('delta', source.state, destination.state);
      await source.state.quiesce(never());
      await move('last', source.state, destination.state);
      expect(await (await destination.open()).list()).toEqual(await (await source.open()).list());

      await destination.state.role('active', '2');
      await source.program.stop(0);
      await traffic.done;
      const after = await destination.open();
      expect(await after.ask('add counter')).toBe(`value ${traffic.acknowledged() + 1}`);
    },
    120 * SECONDS,
  );

  test(
    'goes on when the move fails at its end, with all that waited; the other forgets',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [source, destination] = await Promise.all([run(example), run(example)]);
      await source.state.role('active', '1');
      const client = await source.open();
      await client.ask('set a 1');
      await move('snapshot', source.state, destination.state);
      await source.state.quiesce(never());
      const waiting = client.ask('set b 2');
      await destination.state.discard();
      expect(await (await destination.open()).list()).toEqual([]);
      await source.state.resume();
      expect(await waiting).toBe('ok');
      expect(await client.list()).toEqual(['a 1', 'b 2']);
      // And the next attempt is a whole one.
      await move('snapshot', source.state, destination.state);
      expect(await (await destination.open()).list()).toEqual(['a 1', 'b 2']);
    },
    60 * SECONDS,
  );

  test(
    'takes nothing of a state that broke off; after a failure only a snapshot goes on',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const [source, destination] = await Promise.all([run(example), run(example)]);
      await source.state.role('active', '1');
      const client = await source.open();
      await client.ask('set a 1');
      await move('snapshot', source.state, destination.state);
      await client.ask('set b 2');
      const fails = source.state.export('delta', () => Promise.reject(new Error('no way')), never());
      await expect(fails).rejects.toThrow('no way');
      // It cannot tell what arrived: another delta could miss b.
      const outOfSequence = { code: 'out-of-sequence' };
      await expect(source.state.export('delta', sink().write, never())).rejects.toMatchObject(outOfSequence);
      const { text, write } = sink();
      await source.state.export('snapshot', write, never());
      const half = async function* () {
        yield Buffer.from(text().slice(0, -3));
        throw new Error('the channel broke');
      };
      await expect(destination.state.import('snapshot', half(), never())).rejects.toThrow(
        'the channel broke',
      );
      expect(await (await destination.open()).list()).toEqual(['a 1']);
      await expect(destination.state.import('delta', half(), never())).rejects.toMatchObject(outOfSequence);
      await move('snapshot', source.state, destination.state);
      await client.ask('set c 3');
      await move('delta', source.state, destination.state);
      expect(await (await destination.open()).list()).toEqual(['a 1', 'b 2', 'c 3']);
    },
    60 * SECONDS,
  );

  test(
    'dies in the middle of an export: told within the bound',
    async ({ skip }) => {
      skip(missing !== null, missing ?? '');
      const { state, program, open } = await run(example, { stallMs: 500, answerMs: 5_000 });
      await state.role('active', '1');
      const client = await open();
      for (let each = 0; each < 40; each += 1) await client.ask(`set key${each} ${'x'.repeat(20_000)}`);
      let killed = false;
      const exported = state.export(
        'snapshot',
        async () => {
          if (killed) return;
          killed = true;
          await program.stop(0);
        },
        never(),
      );
      // A hook is a process of its own, and outlives the function.
      if (example.specification.state?.via === 'hooks') await exported;
      else await expect(exported).rejects.toMatchObject({ code: 'ended' });
      expect(killed).toBe(true);
    },
    60 * SECONDS,
  );
});

test(
  'state goes from Python to TypeScript and back: one format',
  async ({ skip }) => {
    const [py, mjs] = EXAMPLES;
    if (!py || !mjs) throw new Error('examples are missing');
    skip((py.missing ?? mjs.missing) !== null, py.missing ?? mjs.missing ?? '');
    const [source, destination] = await Promise.all([run(py), run(mjs)]);
    await Promise.all([source.state.role('active', '1'), destination.state.role('active', '1')]);
    const [there, here] = await Promise.all([source.open(), destination.open()]);
    await there.ask('set name Zoë "quoted" \\ back');
    await there.ask('add n 41');
    await move('snapshot', source.state, destination.state);
    expect(await here.list()).toEqual(await there.list());
    expect(await here.ask('add n')).toBe('value 42');
    await move('snapshot', destination.state, source.state);
    expect(await there.ask('get n')).toBe('value 42');
  },
  60 * SECONDS,
);
