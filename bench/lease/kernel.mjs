// SPDX-License-Identifier: Apache-2.0
import { LinkGate, SlotKeeper } from '@vnfpool/core/agent';
import { FAILOVER_PROFILES, NodeLeases } from '@vnfpool/core/lease';
import { createVirtualAddresses } from '@vnfpool/platform/addresses';
import { createLinuxClocks } from '@vnfpool/platform/clocks';
import { createFence, createNoFence } from '@vnfpool/platform/fence';
import { createNamespace, createNetwork, inNamespace } from '@vnfpool/platform/namespaces';
import { systemRandom } from '@vnfpool/runtime/random';
// Inside of the package: what carries it out in an agent.
import { LeaseHands } from '../../packages/daemons/dist/node/lease-hands.js';
import { COUNCIL, NODES, SLOTS, slotDefinitions } from './engines.mjs';
import { LEASE_MS, Survivors } from './failover.mjs';

const TRIALS = 5;
/** An agent plays failovers through at its start; here the first one is left out, since its code was never run. */
const WARM_UP = 1;
const FENCE_SAMPLES = 14;
const FENCE_WARM_UP = 3;
/** What takes some milliseconds is counted over many. */
const FENCE_RENEWALS = 20;
/** Of the reference, which needs it only to stay open. */
const LONG_MS = 60_000;

/** What the worker of an agent is made of, but for its sockets: keeper, hands, fence and addresses of a namespace. */
class KernelSeat {
  #keeper;
  #hands;
  #later = [];

  constructor(node, world, kernel) {
    const leases = new NodeLeases({
      node,
      incarnation: 1n,
      startedAtMs: world.nowMs() - 100_000,
      restored: [],
      random: systemRandom(),
    });
    this.#keeper = new LinkGate(new SlotKeeper(leases, node), node, 'eth0');
    const { fence, addresses } = kernel;
    const clocks = { boottimeMs: () => world.nowMs(), wallMs: () => world.nowMs() };
    this.#hands = new LeaseHands(this.#keeper, {
      clocks,
      fence: waiting(fence, world, kernel.clocks),
      addresses,
      journal: { restored: [], append: (records) => world.write(records), close: () => {} },
      send: (_council, to, messages) => world.send(to, messages),
      tell: (told) => {
        if (told.type === 'failover') world.served(told.record.slot);
      },
      muteMs: () => 0,
      later: (input) => this.#later.push(input),
    });
  }

  configure(slots) {
    this.give({ type: 'configure', councils: [{ id: 1, version: COUNCIL, members: NODES }], slots });
  }

  nextDeadline() {
    return this.#keeper.nextDeadline();
  }

  give(input) {
    this.#hands.handle(input);
    for (let next = this.#later.shift(); next; next = this.#later.shift()) this.#hands.handle(next);
  }

  wake() {
    this.#hands.expire();
  }
}

/** A fence whose waits for the kernel count, and with ends of the bench's clock as ends of the kernel's. */
function waiting(fence, world, clocks) {
  const real = (endMs) => endMs - world.nowMs() + clocks.boottimeMs();
  return {
    get guarded() {
      return fence.guarded;
    },
    guard: (...given) => fence.guard(...given),
    openUntil: (ends) => {
      const realEnds = new Map([...ends].map(([slot, endMs]) => [slot, real(endMs)]));
      world.waitFor(() => fence.openUntil(realEnds));
    },
    expect: (untilMs) => world.waitFor(() => fence.expect(real(untilMs))),
    close: (slot) => world.waitFor(() => fence.close(slot)),
  };
}

/** A namespace for each of the two that take over, and for the reference; node 1 needs nothing of the kernel. */
function openKernels(cleanup) {
  const home = createNamespace();
  cleanup.add(() => home.close());
  const hosts = ['b', 'c', 'd'].map((name, at) => ({ name, address: `10.9.0.${at + 1}/24` }));
  const network = inNamespace(home.fd, () => createNetwork({ bridge: 'br0', hosts }));
  cleanup.add(() => network.close());
  const clocks = createLinuxClocks();
  const open = (name) =>
    inNamespace(network.host(name).namespace.fd, () => {
      const fence = createFence({ interfaces: ['eth0'], clocks });
      const addresses = createVirtualAddresses({ interface: 'eth0' });
      cleanup.add(() => addresses.close());
      cleanup.add(() => fence.dispose());
      return { fence, addresses, clocks };
    });
  return new Map([
    [1, { fence: createNoFence(clocks), addresses: null, clocks }],
    [2, open('b')],
    [3, open('c')],
    ['alone', open('d')],
  ]);
}

/** What the fence adds to the processor of a holder: it is written once a renewal of all slots, by an open fence. */
export async function measureFenceLoad(emit, cleanup) {
  const slots = slotDefinitions(LEASE_MS, NODES).map(({ id }, at) => ({
    slot: id,
    guarded: [{ what: 'address', address: `10.20.${at >> 8}.${at & 255}` }],
  }));
  const cpuMs = await cleanup.part((own) => {
    const { fence, clocks } = openKernels(own).get(2);
    fence.guard(slots);
    // As an agent has it: renewals that went out together end together.
    const renew = () => {
      const untilMs = clocks.boottimeMs() + LEASE_MS;
      fence.openUntil(new Map(slots.map(({ slot }) => [slot, untilMs])));
    };
    return Array.from({ length: FENCE_SAMPLES }, () => {
      const before = process.cpuUsage();
      for (let n = 0; n < FENCE_RENEWALS; n++) renew();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000 / FENCE_RENEWALS;
    }).slice(FENCE_WARM_UP);
  });
  for (const profile of ['normal', 'fast']) {
    const everyMs = FAILOVER_PROFILES[profile] / 3;
    emit({
      figure: `processor of the holder in the fence alone, ${SLOTS} slots, ${profile}`,
      unit: '% of a core',
      samples: cpuMs.map((ms) => (ms / everyMs) * 100),
      referenceSamples: null,
      referenceName: null,
    });
  }
}

/** The same failover down to the kernel: addresses raised and announced, and a fence opened, on two links. */
export async function measureFailoverInKernel(emit, cleanup) {
  const slots = slotDefinitions(LEASE_MS, NODES).map((slot, at) => ({
    ...slot,
    addresses: [`10.20.${at >> 8}.${at & 255}/24`],
  }));
  const samples = [];
  const referenceSamples = [];
  for (let trial = -WARM_UP; trial < TRIALS; trial++) {
    const [ours, alone] = await cleanup.part((own) => {
      const kernels = openKernels(own);
      const seat = (node, world) => new KernelSeat(node, world, kernels.get(node));
      const survivors = new Survivors(own.folder(), slots, seat);
      return [failOver(survivors, trial >= 0), slotBySlot(kernels.get('alone'), slots)];
    });
    if (trial < 0) continue;
    samples.push(ours);
    referenceSamples.push(alone);
  }
  emit({
    figure: `${SLOTS} slots fail over at once, with addresses and fence: the last one served, after the lease`,
    unit: 'ms',
    samples,
    referenceSamples,
    referenceName: 'an address, a write of the fence and an announcement for each slot, nothing decided',
  });
}

/** With code that was never run leases run out on the way, and it may not come to an end. */
function failOver(survivors, counts) {
  try {
    return survivors.failOver();
  } catch (error) {
    if (counts) throw error;
    return 0;
  }
}

/** What the kernel takes when it is asked for one slot after the other. */
function slotBySlot({ fence, addresses, clocks }, slots) {
  const hosts = slots.map(({ id, addresses: [address] }) => ({ slot: id, address: address.split('/')[0] }));
  fence.guard(hosts.map(({ slot, address }) => ({ slot, guarded: [{ what: 'address', address }] })));
  const startMs = performance.now();
  for (const { slot, address } of hosts) {
    addresses.raise(address);
    fence.openUntil(new Map([[slot, clocks.boottimeMs() + LONG_MS]]));
    addresses.announce(address, 2);
  }
  return performance.now() - startMs;
}
