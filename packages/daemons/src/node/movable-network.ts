// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import type { PrivateNetworkPlan } from '@vnfpool/platform/namespaces';
import type { NetworkSpecification } from '@vnfpool/wire/mobility';

/**
 * The network of a function whose connections move: closed until it is its turn, with the hardware addresses that it has on
 * every node, and with every connection equipped to tell of its changes, where the specification does not say otherwise.
 */
export function movableNetwork(network: NetworkSpecification): PrivateNetworkPlan {
  return {
    ...network,
    interfaces: network.interfaces.map((link) => ({
      ...link,
      ...(link.addresses.length === 0 ? {} : { hardwareAddress: hardwareAddressOf(link.addresses) }),
    })),
    sysctls: { 'net.netfilter.nf_conntrack_events': '1', ...network.sysctls },
    isClosed: true,
  };
}

/**
 * The same wherever these addresses are, and another for other addresses: two links that share one share their IP addresses,
 * too. A unicast address of local administration.
 */
function hardwareAddressOf(addresses: readonly string[]): Uint8Array {
  const digest = createHash('sha256').update(addresses.join(' ')).digest();
  return Uint8Array.of(0x02, ...digest.subarray(0, 5));
}
