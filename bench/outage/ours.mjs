// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLinuxClocks } from '@vnfpool/platform/clocks';
import { readDeclaration } from '@vnfpool/runtime/declaration';
// Inside of the package: the very classes by which `vnfpool up` builds a set.
import { Lab } from '../../packages/daemons/dist/up/lab.js';
import { layOut } from '../../packages/daemons/dist/up/layout.js';
import { createBridgedNetwork } from '../../packages/daemons/dist/up/network.js';
import { callApi } from '../lib/api.mjs';
import { waitUntil } from '../lib/wait.mjs';
import { PORT, PROGRAMS } from './programs.mjs';
import { silence } from './silence.mjs';
import { monotonicMs } from './watch.mjs';

export const ADDRESS = '10.77.0.100';
const NODES = ['node-a', 'node-b', 'node-c'];
/** Before them at the bridge: registrar, manager and traffic source. */
const FIRST_NODE = 3;
const COMMAND = [process.execPath, join(import.meta.dirname, '../../packages/cli/bin/vnfpool.js')];

function declaration(leaseMs, program) {
  const [first, ...rest] = PROGRAMS[program];
  const list = [...rest, '{port}', '{name}'].map((text) => JSON.stringify(text)).join(', ');
  return `set: bench
nodes: [${NODES.join(', ')}]
pools:
  echo:
    function:
      program: ${first}
      arguments: [${list}]
      port: ${PORT}
      health: { every: 500ms, timeout: 400ms }
    redundancy: { slots: 1, standbys: 1, spares: 1 }
    address: ${ADDRESS}/24
    policy: priority
    # However often it is killed, nobody goes behind the others for it.
    failover: { lease: ${leaseMs}ms, flap: { penalty: 1 } }
`;
}

export function startNetwork() {
  // The addresses depend on the nodes and on the virtual address only, which every declaration here shares.
  return createBridgedNetwork(layOut(read('set.yaml', declaration(100, 'small'))));
}

function read(file, text) {
  const result = readDeclaration(text, file);
  if ('faults' in result) throw new Error(JSON.stringify(result.faults));
  return result.set;
}

/** The product: manager, registrar and three node agents in namespaces, a pool with one address. */
export async function startOurs({ network, folder, leaseMs, program, say, signal }) {
  const text = declaration(leaseMs, program);
  const file = join(folder, 'set.yaml');
  const set = read(file, text);
  const state = join(folder, program);
  mkdirSync(state);
  const lab = new Lab({
    set,
    declaration: { text, file },
    layout: layOut(set),
    mode: 'namespaces',
    network,
    folder: state,
    command: COMMAND,
    say,
  });
  await lab.bringUp();
  const socket = join(state, 'manager/api.sock');
  const clocks = createLinuxClocks();
  const getState = () => callApi(socket, 'GET', '/v1/state');

  /** Waits until another fault would be taken like the first, and tells who holds the slot. */
  const whole = async () => {
    const isWhole = async () => {
      const view = await getState();
      const [pool] = view.pools;
      const [slot] = view.slots;
      const isReady =
        pool?.health === 'whole' &&
        pool.standbysReady === 1 &&
        pool.sparesReady === 1 &&
        view.nodes.every(({ status, muteMs }) => status === 'registered' && muteMs === 0) &&
        view.instances.every(({ healthy }) => healthy);
      return isReady && slot?.holder && slot.node ? { name: slot.holder, node: slot.node } : null;
    };
    return await waitUntil('the set to be whole', isWhole, { signal });
  };

  const pidOf = (node, name) =>
    JSON.parse(readFileSync(join(state, node, 'functions.json'), 'utf8')).find((entry) => entry.name === name)
      ?.pid;

  return {
    whole,
    /** A process in the namespace of the pool's users. */
    spawnUser: (command, options) => {
      const [first, ...rest] = command;
      return network.inside('traffic', () => spawn(first, rest, options));
    },
    /** Each takes the holder and returns when the fault was done, by the probe's clock, and what undoes it. */
    faults: {
      'process killed': async ({ name, node }) => {
        const pid = pidOf(node, name);
        const at = monotonicMs();
        process.kill(pid, 'SIGKILL');
        return { at, undo: async () => {} };
      },
      'node killed': async ({ node }) => {
        const at = monotonicMs();
        await lab.act({ action: 'kill', target: node });
        return { at, undo: () => lab.act({ action: 'start', target: node }) };
      },
      'agent paused': async ({ node }) => {
        const at = monotonicMs();
        await lab.act({ action: 'pause', target: node });
        return { at, undo: () => lab.act({ action: 'resume', target: node }) };
      },
      'node paused': async ({ name, node }) => {
        const pid = pidOf(node, name);
        const at = monotonicMs();
        await lab.act({ action: 'pause', target: node });
        process.kill(pid, 'SIGSTOP');
        return {
          at,
          undo: async () => {
            process.kill(pid, 'SIGCONT');
            await lab.act({ action: 'resume', target: node });
          },
        };
      },
      'node silent': async ({ node }) => {
        const at = monotonicMs();
        const end = silence('vnfpool', FIRST_NODE + NODES.indexOf(node));
        return { at, undo: async () => end() };
      },
      'link lost': async ({ node }) => {
        const at = monotonicMs();
        network.cut(node);
        return { at, undo: async () => network.heal(node) };
      },
      'planned hand-over': async () => {
        const at = monotonicMs();
        await callApi(socket, 'POST', '/v1/handover', { pool: 'echo', slot: 0 });
        return { at, undo: async () => {} };
      },
    },
    /** How long each step of the last failover took since the one before, in ms; the first since the fault. */
    lastSteps: async (faultAtMs) => {
      const faultWallMs = clocks.wallMs() - (monotonicMs() - faultAtMs);
      const [failover] = (await getState()).failovers;
      const steps = [{ name: 'fault', at: faultWallMs }, ...(failover?.steps ?? [])];
      return Object.fromEntries(
        steps.slice(1).map(({ name, at }, index) => [`${steps[index].name}→${name}`, at - steps[index].at]),
      );
    },
    /** How many the manager has heard of. */
    failovers: async () => (await getState()).failovers.length,
    logs: state,
    stop: () => lab.takeDown(),
  };
}
