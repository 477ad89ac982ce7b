// SPDX-License-Identifier: Apache-2.0
import type { StandbyPlace } from '@vnfpool/runtime/replication';
import type { LeasePeer, SlotCandidate, SlotDefinition } from '@vnfpool/wire/mobility';

/** Where a copy is kept, and with which key secrets can be sealed to it. */
export interface SecretPlace extends StandbyPlace {
  /** Absent: it takes no secrets. */
  readonly sealKey?: string;
}

/** Where the other candidates of a slot keep their copies: one a node, as many as there are ports for it. */
export function placesOf(
  { candidates }: SlotDefinition,
  nodes: readonly LeasePeer[],
  self: number,
): SecretPlace[] {
  const peers = new Map(nodes.map((peer) => [peer.node, peer]));
  const others = new Set(candidates.map(({ node }) => node).filter((node) => node !== self));
  return [...others].flatMap((standby) => {
    const { address: host, replicationPort: port, sealKey } = peers.get(standby) ?? {};
    if (host === undefined || port === undefined) return [];
    return [{ standby, host, port, ...(sealKey === undefined ? {} : { sealKey }) }];
  });
}

/** Nodes as the council lists them: each with its candidate. */
export function candidatesAt({ candidates }: SlotDefinition, nodes: readonly number[]): SlotCandidate[] {
  return candidates.filter(
    ({ node }, index) => nodes.includes(node) && candidates.findIndex((each) => each.node === node) === index,
  );
}
