// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { createNetwork, inNamespace } from '@vnfpool/platform/namespaces';
import { endChild } from '../lib/cleanup.mjs';
import { PORT, PROGRAMS } from './programs.mjs';

export const ADDRESS = '10.79.0.100';

/*
 * The floor: an address is moved by whoever knows of the fault at once, and reaches both hosts without a message. Nothing is noticed, decided,
 * fenced or written down, so that it is not safe. What is left is the kernel's: the address leaves one link and comes to another, which announces it.
 */
export async function startMover({ program }) {
  const network = createNetwork({
    bridge: 'vnfbare',
    hosts: [
      { name: 'user', address: '10.79.0.1/24' },
      { name: 'bare-a', address: '10.79.0.2/24' },
      { name: 'bare-b', address: '10.79.0.3/24' },
    ],
  });
  const inside = (name, work) => inNamespace(network.host(name).namespace.fd, work);
  const hosts = ['bare-a', 'bare-b'].map((name) => ({ name, child: null }));
  const namespaces = hosts.map(({ name }) => network.host(name).namespace.fd);
  const thread = new Worker(join(import.meta.dirname, 'mover-thread.mjs'), {
    workerData: { address: ADDRESS, namespaces },
  });
  await once(thread, 'message');
  const startFunction = (host) => {
    const [first, ...rest] = [...PROGRAMS[program], String(PORT), host.name];
    host.child = inside(host.name, () => spawn(first, rest, { stdio: 'ignore' }));
  };
  for (const host of hosts) startFunction(host);
  let holder = 0;
  /** Ends a function or none, and moves the address; gives the moment before that. */
  const move = async (pid) => {
    holder = 1 - holder;
    thread.postMessage({ pid, to: holder });
    const [{ at }] = await once(thread, 'message');
    return at;
  };

  return {
    whole: async () => hosts[holder],
    spawnUser: (command, options) => {
      const [first, ...rest] = command;
      return inside('user', () => spawn(first, rest, options));
    },
    faults: {
      'process killed': async (host) => {
        const gone = once(host.child, 'exit');
        const at = await move(host.child.pid);
        return {
          at,
          undo: async () => {
            await gone;
            startFunction(host);
          },
        };
      },
      'planned hand-over': async () => {
        const at = await move(null);
        return { at, undo: async () => {} };
      },
    },
    stop: async () => {
      for (const { child } of hosts) await endChild(child);
      await thread.terminate();
      network.close();
    },
  };
}
