// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '@vnfpool/runtime/driver';
import { PoolReplica } from '@vnfpool/runtime/gossip';
import { systemRandom } from '@vnfpool/runtime/random';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { functionStateLimits, SocketFunctionState } from '../../../src/node/function-state/index.ts';
import { temporaryFolder } from '../function-state/fake-function.ts';

/* The programs of examples/limits as processes of their own, at the agent's real end. */

const folder = fileURLToPath(new URL('../../../../../examples/limits', import.meta.url));
const isBuilt = existsSync(new URL('../../../../client/dist/stateful/index.js', import.meta.url));
const hasPython =
  spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']).status === 0;
const EXAMPLES: readonly (readonly [string, string, readonly string[]])[] = [
  ['limits.mjs', isBuilt ? '' : 'not built', [process.execPath, `${folder}/limits.mjs`]],
  ['limits.py', hasPython ? '' : 'no Python 3.10', ['python3', `${folder}/limits.py`]],
];
const octets = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const WITHIN = { timeout: 20_000 };

describe.each(EXAMPLES)('%s', (_, missing, [program = '', ...words]) => {
  test.skipIf(missing !== '')(
    'counts, heeds limits that others set, and is given all again',
    async () => {
      const replica = new PoolReplica({
        pool: 'limits',
        origin: 1,
        incarnation: 1n,
        random: systemRandom(),
        clock: systemClock(),
        wallMs: () => Date.now(),
        send: () => undefined,
        onEvent: () => undefined,
        onFault: ({ error }) => {
          throw error;
        },
      });
      onTestFinished(() => replica.close());
      const root = temporaryFolder();
      const listen = (formerFolder: string | null) =>
        SocketFunctionState.listen({
          name: 'limits#1',
          folder: root,
          formerFolder,
          format: null,
          limits: functionStateLimits,
          replica: () => replica,
          onHealth: () => undefined,
          onSessions: () => undefined,
          onRefused: () => undefined,
        });
      const state = await listen(null);
      onTestFinished(() => state.close());
      replica.update({ type: 'count', key: octets('anna'), by: 4 });

      const args = [...words, '--address', '127.0.0.1', '--port', '0'];
      const child = spawn(program, args, {
        env: { ...process.env, ...state.environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      onTestFinished(() => void child.kill('SIGKILL'));
      const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
      const { port } = JSON.parse(line) as { port: number };
      const ask = async (method: string, path: string): Promise<readonly [number, unknown]> => {
        const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
        return [answer.status, await answer.json()];
      };
      const joined = () =>
        vi.waitFor(async () => expect(await ask('GET', '/health')).toEqual([200, { joined: true }]), WITHIN);

      await joined();
      expect(await ask('GET', '/calls')).toEqual([200, { anna: 4 }]);
      expect(await ask('POST', '/calls/anna')).toEqual([200, { calls: 5 }]);
      expect(await ask('DELETE', '/calls/anna')).toEqual([200, { calls: 4 }]);
      expect(await ask('PUT', '/limits/anna/6')).toEqual([200, { limit: 6 }]);
      expect(Buffer.from(replica.state.register(octets('anna')) ?? []).toString()).toBe('6');
      // Others count.
      replica.update({ type: 'count', key: octets('anna'), by: 2 });
      await vi.waitFor(async () => expect((await ask('POST', '/calls/anna'))[0]).toBe(429), WITHIN);
      expect(await ask('GET', '/nothing')).toEqual([404, { error: 'no such thing' }]);

      await state.close(true);
      replica.update({ type: 'write', key: octets('anna'), value: octets('100') });
      const again = await listen(state.folder);
      onTestFinished(() => again.close());
      await vi.waitFor(async () => expect((await ask('POST', '/calls/anna'))[0]).toBe(200), WITHIN);
      await joined();
      const [, counted] = await ask('GET', '/calls');
      expect(counted).toEqual({ anna: replica.state.counter(octets('anna')) });
    },
    60_000,
  );
});
