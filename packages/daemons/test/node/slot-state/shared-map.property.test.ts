// SPDX-License-Identifier: Apache-2.0
import { rmSync } from 'node:fs';
import { PoolError, SharedMap, StatefulFunction } from '@vnfpool/client';
import type { SecurityState } from '@vnfpool/wire/mobility';
import { REPLICA_FRAME_BYTES_MAX } from '@vnfpool/wire/replication';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { functionStateLimits, SocketFunctionState } from '../../../src/node/function-state/index.ts';
import { FakeFunction, never, temporaryFolder } from '../function-state/fake-function.ts';
import { FakeSink, octets } from './fake-sink.ts';
import { RawSharer } from './raw-sharer.ts';

vi.setConfig({ testTimeout: 120_000 });

const keys = fc.constantFrom('a', 'b', 'c', 'é', 'x'.repeat(1_000));
const operation = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      key: keys,
      long: fc.nat(2),
      secret: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key: keys }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'turn' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('again' as const), isOwn: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

const policy = fc.constantFrom<SecurityState>('excluded', 're-derive', 'sealed');

async function agent(folder: string): Promise<SocketFunctionState> {
  const ignore = (): void => undefined;
  return SocketFunctionState.listen({
    name: 'kv#1',
    folder,
    format: null,
    limits: functionStateLimits,
    onHealth: ignore,
    onSessions: ignore,
    onRefused: ignore,
  });
}

const textOf = (value: Uint8Array = new Uint8Array()): string => Buffer.from(value).toString('latin1');

/** A function with an empty map; `hasState` resolves when it has been given a state. */
async function start(path: string) {
  const calls = new SharedMap();
  let tell = (): void => undefined;
  const hasState = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const made = await StatefulFunction.start({ shared: calls, path, onTakeOver: () => tell() });
  return { calls, made, hasState };
}

test('whatever a function changes, loses and holds again, the sink has what it has, and nothing counts before it settled there', async () => {
  const folder = temporaryFolder();
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40 }), policy, async (operations, securityState) => {
      const state = await agent(folder);
      const path = state.environment['VNFPOOL_SOCKET'] ?? '';
      const sink = new FakeSink();
      sink.securityState = securityState;
      sink.isHolding = true;
      let run = await start(path);
      const begin = (isOwn: boolean): Promise<void> =>
        state.source?.begin([...sink.entries()], sink, { isOwn, epoch: '1', signal: never() }) ??
        Promise.reject(new Error('it does not share'));
      await begin(false);
      const ends: Promise<void>[] = [];
      const faults: string[] = [];
      let number = 0;
      for (const each of operations) {
        switch (each.do) {
          case 'set': {
            number += 1;
            const value = `${number}${'.'.repeat(each.long * 20_000)}`;
            ends.push(
              run.calls.set(each.key, octets(value), { secret: each.secret }).then(
                () => {
                  // One that was replaced since may never have come: behind a cut only what is now is told.
                  const isNow = textOf(run.calls.get(each.key)) === value;
                  const isTold = !each.secret || securityState === 'sealed';
                  if (isNow && isTold && !sink.settled.has(value))
                    faults.push(`${number} counted before it had settled`);
                },
                (error: unknown) => {
                  if (!(error instanceof PoolError) || error.code !== 'closed') faults.push(String(error));
                },
              ),
            );
            break;
          }
          case 'delete':
            ends.push(
              run.calls.delete(each.key).then(
                () => undefined,
                () => undefined,
              ),
            );
            break;
          case 'settle':
            sink.settleOne();
            break;
          case 'turn':
            await new Promise((resolve) => setImmediate(resolve));
            break;
          case 'again':
            await state.source?.end();
            // Whoever is next has them or not; what it takes them for is final.
            sink.settleAll();
            await begin(each.isOwn);
            break;
          case 'restart':
            run.made.close();
            run = await start(path);
            sink.isHolding = false;
            sink.settleAll();
            await run.hasState;
            sink.isHolding = true;
            break;
        }
      }
      sink.isHolding = false;
      sink.settleAll();
      await run.calls.settled();
      await Promise.all(ends);
      expect(faults).toEqual([]);
      const had = new Map<string, string>();
      for (const [key, value] of run.calls.entries()) {
        const isSecret = run.calls.isSecret(key);
        if (isSecret && securityState === 'excluded') continue;
        const told = isSecret && securityState === 're-derive' ? '' : textOf(value);
        had.set(Buffer.from(key).toString('latin1'), told);
      }
      // Those that a former run had, and that nobody has made anew.
      for (const key of run.calls.secretsToMake) had.set(Buffer.from(key).toString('latin1'), '');
      expect(sink.text()).toEqual(Object.fromEntries(had));
      run.made.close();
      await state.close();
    }),
    { numRuns: 60 },
  );
  rmSync(folder, { recursive: true, force: true });
});

test('any octets of a function are changes, or are refused with a reason', async () => {
  const folder = temporaryFolder();
  const frame = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 40 }),
    fc
      .uint8Array({ minLength: 1, maxLength: 30 })
      .map((body) => Uint8Array.of(0, 0, 0, body.length, ...body)),
    fc.uint8Array({ maxLength: 30 }).map((body) => Uint8Array.of(0, 0, 0, body.length + 2, 5, 0, ...body)),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { minLength: 1, maxLength: 5 }), async (frames) => {
      const state = await agent(folder);
      const fake = new FakeFunction(state.environment['VNFPOOL_SOCKET'] ?? '');
      fake.say({ op: 'hello', v: 1, shares: true });
      await fake.next('welcome');
      const sink = new FakeSink();
      const begun = state.source?.begin([], sink, { isOwn: false, epoch: '1', signal: never() });
      const sharer = await RawSharer.of(fake);
      sharer.confirm(0);
      fake.say({ id: sharer.id, ok: true });
      await begun;
      for (const octetsOfIt of frames) sharer.data.write(octetsOfIt);
      // Its end comes while the slot is held: that is refused at the latest.
      sharer.data.end();
      const reason = String((await fake.next('refused'))?.['reason']);
      expect(reason).toMatch(/^(?:shared state: |the connection for shared state ended)/);
      expect(sink.updates.length).toBeLessThan(REPLICA_FRAME_BYTES_MAX);
      await state.close();
    }),
    { numRuns: 100 },
  );
});
