// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSet } from '@vnfpool/core/declared';
import { readDeclaration } from '@vnfpool/runtime/declaration';

/** The example of three nodes: a pool with standby, spare and address, and one that runs three times. */
const EDGE = `
set: edge
nodes: [node-a, node-b, node-c]
council: [node-a, node-b, node-c]
pools:
  web:
    function:
      program: node
      arguments: [web.mjs, --port, "{port}"]
      port: 8080
      health: { http: /health, every: 500ms, timeout: 400ms, rise: 1, fall: 2 }
    redundancy: { slots: 1, standbys: 1, spares: 1 }
    address: 10.77.0.100/24
    policy: priority
    failover: { lease: 300ms }
    upgrade: { gate: 400ms, deadline: 8s }
  calc:
    function:
      program: node
      arguments: [calc.mjs, --port, "{port}"]
      health: { every: 500ms, timeout: 400ms }
    redundancy: { slots: 3 }
    policy: least-used
    upgrade: { gate: 400ms, deadline: 8s }
`;

/** As `edge` on four nodes with two councils, with functions that have state, and room for each of them to go elsewhere. */
const ROOMY = `
set: roomy
nodes: [node-a, node-b, node-c, node-d]
councils:
  first: [node-a, node-b, node-c]
  second: [node-b, node-c, node-d]
pools:
  web:
    function:
      program: node
      arguments: [web.mjs, --port, "{port}"]
      port: 8080
      health: { http: /health, every: 500ms, timeout: 400ms, rise: 1, fall: 2 }
      state: { via: socket, format: count/1 }
    redundancy: { slots: 1, standbys: 1, spares: 0 }
    address: 10.77.0.100/24
    policy: priority
    failover: { lease: 300ms }
    upgrade: { gate: 400ms, deadline: 8s }
  calc:
    function:
      program: node
      arguments: [calc.mjs, --port, "{port}"]
      health: { every: 500ms, timeout: 400ms }
      state: { via: socket, format: count/1 }
    council: second
    redundancy: { slots: 3 }
    policy: least-used
    upgrade: { gate: 400ms, deadline: 8s }
`;

/** Into which the holder of `web` forwards, where that is so. */
export const OUTER_LINK = 'eth1';

const CALC_ADDRESSES = ['10.77.0.101/24', '10.77.0.102/24', '10.77.0.103/24'];

/** The set that a world begins with. `allAddressed` gives `calc` addresses too. */
export function edgeSet(allAddressed: boolean): DeclaredSet {
  return setOf(EDGE, allAddressed);
}

/** The set of a world in which instances move. */
export function roomySet(allAddressed: boolean): DeclaredSet {
  return setOf(ROOMY, allAddressed);
}

function setOf(text: string, allAddressed: boolean): DeclaredSet {
  const read = readDeclaration(text, '/srv/edge/set.yaml');
  if ('faults' in read) throw new Error(`the example is wrong: ${JSON.stringify(read.faults)}`);
  return allAddressed ? changed(read.set, 'calc', { addresses: CALC_ADDRESSES }) : read.set;
}

/** The set with `web` as a gateway, which forwards into a link that carries none of its addresses. */
export function withGateway(set: DeclaredSet): DeclaredSet {
  return changed(set, 'web', { addressing: { forwarding: [OUTER_LINK] } });
}

/** The set with other values in one pool. */
export function changed(set: DeclaredSet, pool: string, values: Partial<DeclaredPool>): DeclaredSet {
  return { ...set, pools: set.pools.map((each) => (each.name === pool ? { ...each, ...values } : each)) };
}

export function without(set: DeclaredSet, pool: string): DeclaredSet {
  return { ...set, pools: set.pools.filter(({ name }) => name !== pool) };
}

/** The set with one pool more, made after `web`. */
export function withPool(set: DeclaredSet, name: string): DeclaredSet {
  const web = edgeSet(false).pools.find((pool) => pool.name === 'web');
  if (!web || set.pools.some((pool) => pool.name === name)) return set;
  const redundancy = { slots: 1, standbys: 1, spares: 0 };
  const council = set.councils[0]?.name ?? web.council;
  const pool = { ...web, name, council, redundancy, addresses: ['10.77.0.110/24'] };
  return { ...set, pools: [...set.pools, pool] };
}

/** The pool's function with other words, so that every instance has to be replaced. */
export function reworded(set: DeclaredSet, pool: string, word: string): DeclaredSet {
  const found = set.pools.find(({ name }) => name === pool);
  if (!found) return set;
  return changed(set, pool, { function: { ...found.function, arguments: [word] } });
}
