// SPDX-License-Identifier: Apache-2.0
import { ipv4Bytes } from '../netlink/ipv4.ts';
import { checkInterfaceName } from '../netlink/link.ts';
import { NFPROTO_INET, NFPROTO_NETDEV, type SetPlace } from '../netlink/nftables.ts';

/** Ahead of connection tracking (-200) and of what others put at `raw` (-300). */
const PRIORITY = -450;

/** The two tables of a fence; both hold the sets `guarded` and `lease`. */
export function fenceTables(table: string): readonly { readonly family: number; readonly table: string }[] {
  return [
    { family: NFPROTO_NETDEV, table },
    { family: NFPROTO_INET, table },
  ];
}

/** The two places of one of the fence's sets. */
export function setPlaces(table: string, set: 'guarded' | 'lease'): readonly SetPlace[] {
  return fenceTables(table).map((place) => ({ ...place, set }));
}

/** What the rules are made for. */
export interface FenceRules {
  readonly table: string;
  /** Links whose frames are checked, ARP included. */
  readonly interfaces: readonly string[];
  /** Addresses that are under the fence from the first moment. */
  readonly guarded: readonly string[];
  /** Whether the kernel has the netdev egress hook. */
  readonly withEgress: boolean;
}

/**
 * The rule set in nft's language, replacing an older one in the same transaction.
 *
 * An element of `lease` is an address with an interval of the wall clock and a timeout. A rule reads: a packet that
 * names a guarded address, at a time that no element covers, is dropped. ARP requests *for* a guarded address are
 * dropped on their way in, so that the kernel does not answer, unless the sender is guarded too: this lets
 * the announcement of another holder through to our neighbour table. ARP replies about it pass, and so do
 * packets to and from whoever holds it elsewhere.
 */
export function fenceRuleset(rules: FenceRules): string {
  const devices = rules.interfaces.map((name) => `"${checkInterfaceName(name)}"`).join(', ');
  const elements = rules.guarded.map((address) => ipv4Bytes(address).join('.')).join(', ');
  const sets = `
  set guarded { type ipv4_addr${elements === '' ? '' : `; elements = { ${elements} }`}; }
  set lease { typeof ip saddr . meta time; flags interval,timeout; }`;
  const hook = (name: string, on: string): string =>
    `type filter hook ${name}${on === '' ? '' : ` devices = { ${on} }`} priority ${PRIORITY}; policy accept;`;
  const silent = (field: string): string => `${field} @guarded ${field} . meta time != @lease counter drop`;
  const asked =
    'arp operation request arp daddr ip @guarded arp saddr ip != @guarded arp daddr ip . meta time != @lease counter drop';
  const egress = `
  chain out {
    ${hook('egress', devices)}
    ${silent('ip saddr')}
    ${silent('arp saddr ip')}
  }`;
  return `add table netdev ${rules.table}
delete table netdev ${rules.table}
add table inet ${rules.table}
delete table inet ${rules.table}
table netdev ${rules.table} {${sets}
  chain in {
    ${hook('ingress', devices)}
    ${silent('ip daddr')}
    ${asked}
  }${rules.withEgress ? egress : ''}
}
table inet ${rules.table} {${sets}
  chain in {
    ${hook('input', '')}
    ${silent('ip daddr')}
  }
  chain out {
    ${hook('output', '')}
    ${silent('ip saddr')}
  }
}
`;
}
