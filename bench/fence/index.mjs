// SPDX-License-Identifier: Apache-2.0
import { createLinuxClocks } from '@vnfpool/platform/clocks';
import { BpfGate, createFence, createNftFence, FencePrograms, tableOf } from '@vnfpool/platform/fence';
import { createNamespace, createNetwork, inNamespace } from '@vnfpool/platform/namespaces';
import { NaiveFence } from './naive.mjs';

export const description =
  'a renewal of 1, 64 and 1,000 slots in the kernel: programs, nftables by one horizon, and an interval element a slot';

export const limitMs = 5 * 60_000;

const COUNTS = [1, 64, 1000];
const ROUNDS = 15;
/** The naive form takes seconds for a thousand. */
const NAIVE_ROUNDS = { 1: 15, 64: 9, 1000: 3 };
const LEASE_MS = 60_000;
/** Writes of one sample: what takes microseconds is measured over many. */
const WRITES = 20;

function measure(count, network, emit) {
  const clocks = createLinuxClocks();
  const addresses = Array.from({ length: count }, (_, at) => `10.20.${at >> 8}.${at & 255}`);
  const slots = addresses.map((address, at) => ({
    slot: `slot ${at}`,
    guarded: [{ what: 'address', address }],
  }));
  const on = (host, work) => inNamespace(network.host(host).namespace.fd, work);
  // As an agent has it: renewals that went out together end together.
  const ends = () => {
    const untilMs = clocks.boottimeMs() + LEASE_MS;
    return new Map(slots.map(({ slot }) => [slot, untilMs]));
  };
  const options = { interfaces: ['eth0'], clocks };
  // Each in a namespace of its own: the rules of one are not another's.
  const gate = on('a', () => new BpfGate(['eth0'], new FencePrograms(clocks), []));
  const bpf = on('b', () => createFence(options));
  const nft = on('c', () => createNftFence(options));
  const naive = on('d', () => new NaiveFence('eth0', addresses));
  if (bpf.kind !== 'bpf') throw new Error(bpf.guarantee);
  gate.guard(tableOf(slots), []);
  bpf.guard(slots);
  nft.guard(slots);

  const samples = { gate: [], bpf: [], nft: [], naive: [] };
  const take = (name, writes, write) => {
    const start = performance.now();
    for (let turn = 0; turn < writes; turn++) write();
    samples[name].push((performance.now() - start) / writes);
  };
  for (const write of [gate, bpf, nft]) for (let turn = 0; turn < 5; turn++) write.openUntil(ends());
  naive.refresh(LEASE_MS);
  for (let round = 0; round < ROUNDS; round++) {
    take('gate', WRITES, () => gate.openUntil(ends()));
    take('bpf', WRITES, () => bpf.openUntil(ends()));
    take('nft', WRITES, () => nft.openUntil(ends()));
    if (round < NAIVE_ROUNDS[count]) take('naive', 1, () => naive.refresh(LEASE_MS));
  }
  for (const fence of [gate, bpf, nft, naive]) fence.dispose();

  const what = `renewal of ${count} ${count === 1 ? 'slot' : 'slots'}`;
  const reference = { referenceSamples: samples.naive, referenceName: 'an interval element a slot' };
  emit({ figure: `${what}, programs alone`, unit: 'ms', samples: samples.gate, ...reference });
  emit({ figure: `${what}, nftables alone`, unit: 'ms', samples: samples.nft, ...reference });
  emit({
    figure: `${what}, programs with nftables beneath`,
    unit: 'ms',
    samples: samples.bpf,
    ...reference,
  });
}

export async function run({ emit, cleanup }) {
  const home = createNamespace();
  cleanup.add(() => home.close());
  const hosts = ['a', 'b', 'c', 'd'].map((name, at) => ({ name, address: `10.9.0.${at + 1}/24` }));
  const network = inNamespace(home.fd, () => createNetwork({ bridge: 'br0', hosts }));
  cleanup.add(() => network.close());
  for (const count of COUNTS) measure(count, network, emit);
}
