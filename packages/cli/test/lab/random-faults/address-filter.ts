// SPDX-License-Identifier: Apache-2.0
import { ipBytes } from '@vnfpool/platform/netlink';

/**
 * What tcpdump is to show of an address: everything that somebody says in its name. Packets from it, ARP with it as the
 * sender, and neighbour advertisements about it, which need not come from it.
 */
export function saidBy(address: string): string {
  const words = (Buffer.from(ipBytes(address)).toString('hex').match(/.{8}/g) ?? []).map(
    (word) => `0x${word}`,
  );
  const claims =
    words.length === 1
      ? `arp and arp[14:4] = ${words[0]}`
      : `icmp6 and ip6[40] = 136 and ${words.map((word, at) => `ip6[${48 + 4 * at}:4] = ${word}`).join(' and ')}`;
  return `src host ${address} or (${claims})`;
}
