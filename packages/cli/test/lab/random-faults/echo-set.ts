// SPDX-License-Identifier: Apache-2.0
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { labFolder, RunningSet } from '../running-set.ts';

export const ADDRESS = '10.77.0.100';
export const PORT = 7000;
export const NODES: readonly string[] = ['node-a', 'node-b', 'node-c'];

const ECHO = fileURLToPath(new URL('../../../../../bench/outage/echo.pl', import.meta.url));

/** Three nodes, one address, a small program that says who it is. */
const DECLARATION = `set: faults
nodes: [${NODES.join(', ')}]
pools:
  echo:
    function:
      program: perl
      arguments: [${JSON.stringify(ECHO)}, "{port}", "{name}", ${ADDRESS}]
      port: ${PORT}
      health: { every: 500ms, timeout: 400ms }
    redundancy: { slots: 1, standbys: 1, spares: 1 }
    address: ${ADDRESS}/24
    policy: priority
    failover: { lease: 300ms }
`;

/** Brings it up; `end` takes it away. */
export async function startEchoSet(): Promise<{
  readonly set: RunningSet;
  readonly end: () => Promise<void>;
}> {
  const folder = labFolder();
  const file = `${folder}.yaml`;
  writeFileSync(file, DECLARATION);
  chmodSync(file, 0o644);
  const clear = (): void => {
    rmSync(file, { force: true });
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const set = await RunningSet.start({ file, folder });
    return {
      set,
      end: async () => {
        await set.takeDown();
        clear();
      },
    };
  } catch (error) {
    clear();
    throw error;
  }
}
