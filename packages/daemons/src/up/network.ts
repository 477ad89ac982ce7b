// SPDX-License-Identifier: Apache-2.0
import { createNetwork, inNamespace } from '@vnfpool/platform/namespaces';
import type { LabNetwork } from './lab.ts';
import type { Layout } from './layout.ts';

/** A namespace with an address for each process, joined by a bridge in the namespace we are in. */
export function createBridgedNetwork(layout: Layout): LabNetwork {
  const places = [
    ['registrar', layout.registrar],
    ['manager', layout.manager],
    ['traffic', layout.traffic],
    ...layout.nodes,
  ] as const;
  const network = createNetwork({
    bridge: 'vnfpool',
    hosts: places.map(([name, address]) => ({ name, address: `${address}/${layout.prefixLength}` })),
  });
  return {
    inside: (host, body) => inNamespace(network.host(host).namespace.fd, body),
    cut: (host) => network.cut(host),
    heal: (host) => network.heal(host),
  };
}

/** Plain processes on loopback: nothing to enter and nothing to cut. */
export function createLoopbackNetwork(): LabNetwork {
  return { inside: (_host, body) => body(), cut: () => {}, heal: () => {} };
}
