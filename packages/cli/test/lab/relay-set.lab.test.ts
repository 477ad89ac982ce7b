// SPDX-License-Identifier: Apache-2.0
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { StateView } from '@vnfpool/core/management';
import { createNamespace } from '@vnfpool/platform/namespaces';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { instanceOf, isWhole, labFolder, RunningSet, slotOf } from './running-set.ts';
import { bin, notBuilt, start, until } from './support.ts';

/* A relay as the function of a set: it moves between nodes with its sessions and its address, which is also that by which servers know it. */

const missing = notBuilt || whyNoNamespaces();
const clientsFile = fileURLToPath(new URL('../fixtures/relay-clients.mjs', import.meta.url));
const ADDRESS = '10.77.0.100';
const PORT = 5300;
/** The registrar's namespace has the servers and the clients. */
const OWN = '10.77.0.1';
const SERVERS = '5301,5302';
const CLIENTS = 50;

function whyNoNamespaces(): string {
  try {
    createNamespace().close();
    return '';
  } catch (error) {
    return `no network namespaces: ${String(error)}`;
  }
}

interface Outcome {
  readonly sent: number;
  readonly heard: number;
  readonly lost: number;
  readonly kept: number;
  readonly peers: readonly string[];
}

describe.skipIf(missing !== '')(`a relay in a set ${missing}`, () => {
  let set: RunningSet;
  let file: string;

  beforeAll(async () => {
    file = `${labFolder()}.yaml`;
    const to = SERVERS.split(',')
      .map((port) => `${OWN}:${port}`)
      .join(',');
    const at = `--listen, "udp:${ADDRESS}:${PORT}", --from, ${ADDRESS}, --forward, "{address}"`;
    writeFileSync(
      file,
      `set: relays
nodes: [node-a, node-b, node-c, node-d]
pools:
  relay:
    function:
      program: ${process.execPath}
      arguments: [${bin}, relay, ${at}, --to, "${to}"]
      port: ${PORT}
      state: { via: socket, format: relay-udp/1 }
      health: { type: function, every: 1s, timeout: 900ms }
    redundancy: { slots: 1, standbys: 1 }
    address: ${ADDRESS}/24
    failover: { lease: 1s }
`,
    );
    set = await RunningSet.start({ file });
  }, 60_000);
  afterAll(async () => {
    await set?.takeDown();
    rmSync(file, { force: true });
  });

  const isSettled = (state: StateView): boolean =>
    isWhole(state) && state.instances.every(({ move }) => move === null);

  test('it moves twice while clients talk: each keeps its server, and servers know it by the same address and ports', async () => {
    let state = await set.untilState('the set is whole', isSettled);
    const pid = await set.pidOf('registrar');
    const words = [process.execPath, clientsFile, ADDRESS, `${PORT}`, OWN, SERVERS, `${CLIENTS}`];
    const clients = start(['nsenter', '-t', `${pid}`, '-n', '--', ...words]);
    await until('each client is answered', () => clients.stdout().includes('served'));
    const nodes: (string | null)[] = [];
    for (let turn = 0; turn < 2; turn += 1) {
      const to = state.nodes.find(({ functions }) => functions.length === 0)?.name ?? '';
      const order = ['instance', 'move', slotOf(state, 'relay').holder ?? '', '--to', to];
      // On a busy machine a program may not start in the time that agents give it: then it is moved again.
      for (let left = 3; slotOf(state, 'relay').node !== to; left -= 1) {
        if (left > 0) await set.cli(...order);
        else await set.must(...order);
        state = await set.untilState('the set is whole', isSettled);
      }
      nodes.push(slotOf(state, 'relay').node);
      expect(instanceOf(state, slotOf(state, 'relay').holder ?? '').node).toBe(to);
    }
    expect(new Set(nodes).size).toBe(2);
    clients.process.kill('SIGTERM');
    const { stdout } = await clients.ended;
    const outcome = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Outcome;
    expect(outcome.kept).toBe(CLIENTS);
    expect(outcome.peers).toHaveLength(CLIENTS);
    expect(outcome.peers.every((peer) => peer.startsWith(`${ADDRESS} `))).toBe(true);
    // Datagrams of the pauses are lost; a client says the next one after a second without an answer.
    expect(outcome.lost).toBeLessThan(CLIENTS * 20);
    expect(outcome.heard).toBe(outcome.sent - outcome.lost);
  }, 120_000);
});
