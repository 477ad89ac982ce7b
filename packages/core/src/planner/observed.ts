// SPDX-License-Identifier: Apache-2.0
import type {
  CouncilReport,
  CouncilVersion,
  LeaseEndpoint,
  Role,
  RunningStatus,
  SlotCandidate,
  SlotDefinition,
  SlotRefusal,
  StallReport,
} from '@vnfpool/wire/mobility';
import type { DeclaredPool } from '../declared/set.ts';
import type { ObservedSecrets } from './secrets-record.ts';
import type { SharingRecord } from './sharing-record.ts';
import type { UpgradeRecord } from './upgrade-record.ts';

/*
 * What the planner knows of the world: decisions made before (durable) and what nodes told. The order of
 * lists makes no difference.
 */
export interface Observed {
  /** Those that were formed. */
  readonly councils: readonly ObservedCouncil[];
  readonly nodes: readonly ObservedNode[];
  readonly instances: readonly ObservedInstance[];
  readonly slots: readonly ObservedSlot[];
  /** Functions that nodes run and nobody placed. */
  readonly strays: readonly ObservedStray[];
  /** So much is gone at once that nothing is placed anew, moved or deleted. */
  readonly isFrozen?: boolean;
  /** Pools on their way to another version, one record a pool. */
  readonly upgrades: readonly UpgradeRecord[];
  /** Levels of state sharing that were settled, one a pool; absent: none. */
  readonly sharing?: readonly SharingRecord[];
  /** Of pools with cookies; absent: there are none. */
  readonly secrets?: readonly ObservedSecrets[];
}

/** Names of nodes under a version. */
export interface NamedMembers {
  readonly version: CouncilVersion;
  readonly members: readonly string[];
}

export interface ObservedCouncil extends NamedMembers {
  /** Number in the set. */
  readonly id: number;
  readonly name: string;
  /** The one before it, in the same generation; absent: there was none. */
  readonly former?: NamedMembers;
  /** Announced, and not in force yet. */
  readonly next?: NamedMembers;
  /** An operator decided on it, saying that others are dead. */
  readonly isForced?: boolean;
}

/** The council that grants the slots of a pool; undefined: it was not formed yet. */
export function councilOf(
  { council }: Pick<DeclaredPool, 'council'>,
  { councils }: Pick<Observed, 'councils'>,
): ObservedCouncil | undefined {
  return councils.find(({ name }) => name === council);
}

/** What a node says of one council. */
export function councilWord(node: ObservedNode | undefined, id: number): CouncilReport | undefined {
  return node?.councils.find((each) => each.id === id);
}

export type NodeState = 'absent' | 'registered' | 'suspect' | 'lost';

export interface ObservedNode {
  readonly name: string;
  readonly id: number;
  readonly state: NodeState;
  /** Whether it has told which functions it runs since it registered; before that nothing is ordered. */
  readonly heard: boolean;
  /** How late its lease worker was called in the last minutes; null: not known. */
  readonly stalls?: StallReport | null;
  readonly endpoint: LeaseEndpoint | null;
  /** Fingerprint of the configuration that it has accepted; null: none. */
  readonly configuration: string | null;
  /** Under which councils it works, by its own word. */
  readonly councils: readonly CouncilReport[];
  /** An order to this node is under way, or was refused a moment ago. */
  readonly busy: boolean;
  /** It is to be left: nothing is placed on it, and what it runs moves away. */
  readonly draining: boolean;
  /** It is drained, and its silence is expected. */
  readonly inMaintenance: boolean;
}

export interface ObservedInstance {
  readonly functionId: number;
  readonly pool: string;
  /** The n of `pool#n`. */
  readonly number: number;
  /** Name of the node on which it was placed. */
  readonly node: string;
  /** Null: the node does not run it, as far as is known. */
  readonly status: RunningStatus | null;
  readonly healthy: boolean;
  /** It ends again and again. */
  readonly failing: boolean;
  /** It has been ready for a while. */
  readonly isSteady: boolean;
  /** Name of the version that it runs; null: nothing. */
  readonly version: string | null;
  /** Fingerprints of what the node has accepted for it; null: nothing. */
  readonly specification: string | null;
  readonly assignment: string | null;
  /** Role of the last assignment that it accepted. */
  readonly role: Role | null;
  readonly busy: boolean;
  /** It is on its way to another node, with its state; null: it is not. */
  readonly move: ObservedMove | null;
  /** A move of it failed a moment ago. */
  readonly isHeldBack: boolean;
  /** It failed so often lately that it ranks behind all others. */
  readonly isSuppressed?: boolean;
  /** It has not been ready for longer than its pool allows it to stay where it is. */
  readonly isUnfit?: boolean;
  /** Nodes on which it was not ready for so long, lately. */
  readonly failedOn?: readonly string[];
}

export interface ObservedMove {
  /** Name of the node. */
  readonly to: string;
  /** `begun`: nobody was told; `prepared`: the destination waits for its state; `ordered`: the source sends it. */
  readonly phase: 'begun' | 'prepared' | 'ordered';
  /** An order of this move is under way. */
  readonly busy: boolean;
}

export interface ObservedSlot {
  readonly id: string;
  readonly pool: string;
  readonly index: number;
  readonly epoch: number;
  /** Function ID of the holder, from the report with the highest epoch. */
  readonly holder: number | null;
  readonly genesis: SlotDefinition['genesis'];
  /** Function ID of whom it was given to; absent: it belongs to the first of those that it was born with. */
  readonly home?: number;
  /** Who may take it by the lease of its last known epoch; null: not told. Only its holder changes that. */
  readonly admitted: readonly SlotCandidate[] | null;
  /** Why nodes would not serve it, by name of the node; absent: none said so. */
  readonly refusals?: ReadonlyMap<string, SlotRefusal>;
  /** Function ID of whom an operator took it from, in a pool whose slots are shared; absent: nobody put it where it is. */
  readonly handedFrom?: number;
  /** A hand-over that was ordered. */
  readonly handover: { readonly to: number; readonly nonce: string } | null;
  /** An operator lets this instance take the slot without its state, which nobody has held since `epoch`; absent: nobody may. */
  readonly acceptedLoss?: { readonly to: number; readonly epoch: number };
}

export interface ObservedStray {
  readonly node: string;
  readonly functionId: number;
  readonly busy: boolean;
}

/** What is given from outside. */
export interface Topology {
  readonly registrars: readonly { readonly address: string; readonly port: number }[];
}

/** `web#1`. */
export function instanceName(instance: { readonly pool: string; readonly number: number }): string {
  return `${instance.pool}#${instance.number}`;
}

/** Whether the node can be told something now. */
export function takesOrders(node: ObservedNode | undefined): node is ObservedNode {
  return node?.state === 'registered' && node.heard;
}

export function isReady(instance: ObservedInstance, nodes: ReadonlyMap<string, ObservedNode>): boolean {
  const state = nodes.get(instance.node)?.state;
  const reachable = state === 'registered' || state === 'suspect';
  return reachable && instance.status === 'Running' && instance.healthy && !instance.failing;
}

/** Why the instance's node would not serve the slot, whatever the instance says of itself; undefined: it would. */
export function refusalOf(
  { node }: Pick<ObservedInstance, 'node'>,
  slot: Pick<ObservedSlot, 'refusals'>,
): SlotRefusal | undefined {
  return slot.refusals?.get(node);
}

/** Whether the instance is ready, and its node would serve the slot with it. */
export function isReadyFor(
  slot: Pick<ObservedSlot, 'refusals'>,
  instance: ObservedInstance,
  nodes: ReadonlyMap<string, ObservedNode>,
): boolean {
  return isReady(instance, nodes) && refusalOf(instance, slot) === undefined;
}

/** Names of nodes that would not serve some of the slots. */
export function refusingNodes(slots: readonly Pick<ObservedSlot, 'refusals'>[]): ReadonlySet<string> {
  return new Set(slots.flatMap(({ refusals }) => [...(refusals?.keys() ?? [])]));
}
