// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs';
import type { StateView } from '@vnfpool/core/management';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instanceOf, isWhole, labFolder, RunningSet, slotOf } from './running-set.ts';
import { notBuilt } from './support.ts';

const missing = notBuilt || (process.platform === 'linux' ? '' : 'processes are looked up in /proc');

const EVERY_MS = 8_000;
/** Registrars ask for the function too, whereupon it is checked: as far apart as this, at the least. */
const ASKED_MS_MIN = 500;
const FALL = 30;
const RESETS = 9;
/** SIGHUP: resets a few connections. SIGUSR2: closes its port, and runs on. */
const FUNCTION = `import { createServer } from 'node:http';
let resets = 0;
let wasReset = false;
const server = createServer((request, response) => {
  if (resets > 0) {
    resets -= 1;
    wasReset = true;
    console.log('reset at ' + Date.now());
    request.socket.resetAndDestroy();
    return;
  }
  if (wasReset) console.log('answered at ' + Date.now());
  wasReset = false;
  response.end('ok');
});
process.on('SIGHUP', () => { resets = ${RESETS}; });
process.on('SIGUSR2', () => { server.close(); server.closeAllConnections(); });
setInterval(() => {}, 1_000_000);
server.listen(Number(process.argv[2]), '0.0.0.0');
`;

describe.skipIf(missing !== '')(`a function that refuses connections ${missing}`, () => {
  let set: RunningSet;

  beforeAll(async () => {
    const folder = labFolder();
    writeFileSync(`${folder}/function.mjs`, FUNCTION);
    const declaration = `set: edge
nodes: [node-a, node-b]
pools:
  web:
    function:
      program: node
      arguments: [${folder}/function.mjs, "{port}"]
      port: 8080
      health: { http: /health, every: ${EVERY_MS / 1_000}s, timeout: 7s, fall: ${FALL} }
    redundancy: { slots: 1, standbys: 1 }
    failover: { lease: 3s }
`;
    writeFileSync(`${folder}.yaml`, declaration);
    set = await RunningSet.start({ folder, file: `${folder}.yaml`, args: ['--mode', 'loopback'] });
  });
  afterAll(async () => {
    await set?.takeDown();
    if (set) rmSync(set.folder, { recursive: true, force: true });
  });

  const pidOf = (state: StateView, name: string): number => instanceOf(state, name).pid ?? 0;

  test('a few times: it is asked again soon, and its slot stays', async () => {
    const before = await set.untilState('the set is whole', isWhole);
    const { holder, epoch } = slotOf(before, 'web');
    const name = holder ?? '';
    const printed = (state: StateView, what: string): number => {
      const line = instanceOf(state, name).output.find((each) => each.includes(what));
      return line === undefined ? 0 : Number(/ at (\d+)/.exec(line)?.[1]);
    };
    process.kill(pidOf(before, name), 'SIGHUP');
    const after = await set.untilState('it has answered again', (state) => printed(state, 'answered'));
    expect(printed(after, 'answered') - printed(after, 'reset')).toBeLessThan((RESETS - 1) * ASKED_MS_MIN);
    expect(slotOf(after, 'web')).toMatchObject({ holder, epoch });
    expect(instanceOf(after, name)).toMatchObject({ healthy: true, restarts: 0 });
  });

  test('for good: its slot fails over before as many intervals as `fall` says are over', async () => {
    const former = slotOf(await set.untilState('the set is whole', isWhole), 'web');
    const closedMs = performance.now();
    process.kill(pidOf(await set.state(), former.holder ?? ''), 'SIGUSR2');
    const after = await set.untilState('another one has its slot', (state) => {
      const { holder } = slotOf(state, 'web');
      return holder !== null && holder !== former.holder;
    });
    // Its next check fails within one interval, and the others soon after that.
    expect(performance.now() - closedMs).toBeLessThan((FALL - 1) * ASKED_MS_MIN);
    expect(instanceOf(after, former.holder ?? '').reason).toContain('ECONNREFUSED');
  });
});
