// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type RunningProgram, startProgram } from '@vnfpool/platform/processes';
import { expect, onTestFinished } from 'vitest';
import type { SocketFunctionState } from '../../../src/node/function-state/index.ts';
import { listen } from '../function-state/fake-function.ts';
import { Client } from '../function-state/programs.ts';

/* The programs of examples/shared-state, as processes of their own. */

export const SECONDS = 1_000;
const root = fileURLToPath(new URL('../../../../../', import.meta.url));
const file = (name: string): string => `${root}examples/shared-state/${name}`;
const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']).status === 0;
const built = existsSync(`${root}packages/client/dist/stateful/shared-map.js`);

export type Counter = readonly [name: string, missing: string | null, command: readonly string[]];

export const EXAMPLES: readonly [Counter, Counter] = [
  ['counter.py', python ? null : 'needs python3, 3.10 or later', ['python3', file('counter.py')]],
  ['counter.mjs', built ? null : 'needs packages that are built', [process.execPath, file('counter.mjs')]],
];

/** Starts one, and waits for it to listen. */
export async function start(
  [program = '', ...words]: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly program: RunningProgram; readonly client: Client }> {
  const started = startProgram({
    command: [program, ...words, '--port', '0'],
    environment: { PATH: process.env['PATH'] ?? '', ...environment },
  });
  onTestFinished(async () => {
    await started.stop(0);
  });
  const port = (): string | undefined => /^listening on \S+:(\d+)$/m.exec(started.lines().join('\n'))?.[1];
  await expect.poll(() => port() ?? started.lines(), { timeout: 30 * SECONDS }).toMatch(/^\d+$/);
  return { program: started, client: await Client.open(Number(port())) };
}

/** One that an agent runs, and that has said that it shares its state. */
export async function atAgent(command: readonly string[]): Promise<{
  readonly program: RunningProgram;
  readonly client: Client;
  readonly state: SocketFunctionState;
}> {
  const { state } = await listen({ answerMs: 20 * SECONDS, stallMs: 20 * SECONDS });
  const started = await start(command, state.environment);
  await expect.poll(() => state.source ?? null, { timeout: 30 * SECONDS }).not.toBeNull();
  return { ...started, state };
}
