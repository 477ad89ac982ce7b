// SPDX-License-Identifier: Apache-2.0
import { AgentCore } from '@vnfpool/core/agent';

export const description =
  'a slot of many changes at a node agent: what follows from it, beside writing down all the slots as JSON; --trials 10';

export const limitMs = 2 * 60_000;

const POOLS = 16;
/** Of each pool; with all pools about a thousand. */
const SLOTS = 63;
const NODES = [1, 2, 3];
const SELF = 1;

const hex = (number) => number.toString(16).padStart(16, '0');
const version = { generation: 1, number: 1, randomId: hex(1) };

/** Every node has an instance of each pool, which may hold any of its slots. */
function definitions() {
  return Array.from({ length: POOLS * SLOTS }, (_, number) => {
    const pool = Math.floor(number / SLOTS);
    const candidates = NODES.map((node) => ({ node, functionId: pool * NODES.length + node }));
    return {
      id: hex(number + 1),
      pool: `pool-${pool}`,
      index: number % SLOTS,
      leaseMs: 300,
      addresses: [],
      genesis: { randomId: hex(7), candidates },
      candidates,
      lastResort: { rule: 'never' },
      slotsPerFunction: SLOTS,
    };
  });
}

/** An agent whose instances run, before it holds anything. */
function agentFor(slots) {
  const agent = new AgentCore({ random: { u64: () => 1n, u32: () => 1, fraction: () => 0.5 }, node: SELF });
  const give = (input) => agent.handle(input, 1_000);
  const councils = [{ id: 1, version, members: NODES }];
  const configuration = { v: 1, set: 'large', councils, nodes: [], slots, registrars: [] };
  give({ type: 'configure', operation: 1, configuration });
  const specification = { v: 1, kind: 'process', command: ['web'], port: 8080 };
  const specificationOctets = new TextEncoder().encode(JSON.stringify(specification));
  for (let pool = 0; pool < POOLS; pool++) {
    const functionId = pool * NODES.length + SELF;
    const { id } = slots[pool * SLOTS];
    const assignment = {
      v: 1,
      pool: `pool-${pool}`,
      name: `pool-${pool}#1`,
      slot: { id, index: 0 },
      role: 'active',
      epoch: '0',
      addresses: [],
      council: version,
      ranking: [functionId],
    };
    give({ type: 'add', operation: 2 + pool, functionId, specification, specificationOctets, assignment });
    give({ type: 'started', functionId, run: 1, pid: 100 + pool, address: '192.0.2.1', port: 8080 });
  }
  return give;
}

const slotsTold = (outputs) => outputs.filter(({ type }) => type === 'slots-changed').length;

export function run({ emit, options, signal }) {
  const slots = definitions();
  const states = slots.map(({ id, candidates }) => ({
    id,
    state: 'holding',
    epoch: '1099511627777',
    holder: { node: SELF, functionId: candidates[0].functionId },
    candidates,
    reason: '',
  }));
  const samples = { alone: [], together: [] };
  const referenceSamples = [];
  // The first turn is of cold code.
  for (let turn = 0; turn <= (options.trials ?? 10); turn++) {
    signal.throwIfAborted();
    const give = agentFor(slots);
    for (const state of states) give({ type: 'slot', muteMs: 0, state });
    const changes = states.slice(0, 200).map((state) => ({ ...state, epoch: '1099511627778' }));
    let start = performance.now();
    let told = 0;
    for (const state of changes) told += slotsTold(give({ type: 'slot', muteMs: 0, state }));
    const ours = (performance.now() - start) / changes.length;
    if (told !== changes.length) throw new Error(`${told} of ${changes.length} changes were told`);
    start = performance.now();
    const inputs = changes.map((state) => ({
      type: 'slot',
      muteMs: 0,
      state: { ...state, epoch: '1099511627779' },
    }));
    if (slotsTold(give({ type: 'several', inputs })) !== 1)
      throw new Error('what came together was not told once');
    const together = (performance.now() - start) / changes.length;
    start = performance.now();
    let characters = 0;
    for (const state of changes) characters += JSON.stringify([state, ...states]).length;
    const reference = (performance.now() - start) / changes.length;
    if (characters === 0) throw new Error('nothing was written');
    if (turn === 0) continue;
    samples.alone.push(ours);
    samples.together.push(together);
    referenceSamples.push(reference);
  }
  const referenceName = 'all slots as JSON';
  const figures = {
    [`one of ${slots.length} slots changes`]: samples.alone,
    'each of 200 of them that change together': samples.together,
  };
  for (const [figure, each] of Object.entries(figures))
    emit({ figure, unit: 'ms', samples: each, referenceSamples, referenceName });
}
