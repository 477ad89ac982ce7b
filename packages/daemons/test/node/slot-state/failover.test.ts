// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { ReplicatedState, replicationRule, StateCopy } from '@vnfpool/runtime/replication';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { StateSink } from '../../../src/node/slot-state/state-source.ts';
import { never } from '../function-state/fake-function.ts';
import { atAgent, EXAMPLES, SECONDS } from './counters.ts';

/* Programs, their agents' ends and the stream to a standby in one: what a client was told the next holder knows. */

const slot = '00000000000000a1';
const transport = new TcpTransport({ rule: replicationRule });

function sinkOf(state: ReplicatedState): StateSink {
  return {
    securityState: undefined,
    change: async (updates) => {
      await Promise.all(
        updates.map(({ key, value }) => (value === null ? state.remove(key) : state.set(key, value))),
      );
    },
    entries: () => state.entries(),
  };
}

const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

describe.each([
  { holder: EXAMPLES[0], next: EXAMPLES[1] },
  { holder: EXAMPLES[1], next: EXAMPLES[0] },
])(
  'from $holder.0 to $next.0',
  ({ holder: [, holderMissing, holderCommand], next: [, nextMissing, nextCommand] }) => {
    test(
      'a holder dies with its node, and a program in another language goes on with its counts',
      async ({ skip }) => {
        const missing = holderMissing ?? nextMissing;
        skip(missing !== null, missing ?? '');
        const [first, next] = await Promise.all([atAgent(holderCommand), atAgent(nextCommand)]);
        const copy = await StateCopy.listen({ slot, transport, host: '127.0.0.1', port: 0 });
        onTestFinished(() => copy.close());
        const holder = new ReplicatedState({
          slot,
          epoch: 1,
          store: new ReplicaStore(),
          history: [],
          bound: { updates: 0, overload: 'block' },
          transport,
          standbys: [{ standby: 1, host: '127.0.0.1', port: copy.address.port }],
          listed: [1],
          everyMs: 20,
        });
        onTestFinished(() => void holder.close());
        await first.state.source?.begin([], sinkOf(holder), { isOwn: false, epoch: '1', signal: never() });
        await first.state.role('active', '1');
        for (let count = 1; count <= 20; count += 1) {
          expect(await first.client.ask('add visits')).toBe(`value ${count}`);
          // It was told so: then the standby has it.
          expect(text(copy.get('visits'))).toBe(String(count));
        }
        await first.program.stop(0);
        holder.close();
        const goesOn = new ReplicatedState({
          slot,
          epoch: 2,
          ...(await copy.takeOver()),
          bound: { updates: 0, overload: 'block', acknowledgedBy: 0 },
          transport,
          standbys: [],
          everyMs: 20,
        });
        onTestFinished(() => void goesOn.close());
        const entries = [...goesOn.entries()];
        await next.state.source?.begin(entries, sinkOf(goesOn), {
          isOwn: false,
          epoch: '2',
          signal: never(),
        });
        await next.state.role('active', '2');
        expect(await next.client.ask('add visits')).toBe('value 21');
        expect(text(goesOn.get('visits'))).toBe('21');
      },
      120 * SECONDS,
    );
  },
);
