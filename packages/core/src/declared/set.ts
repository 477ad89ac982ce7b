// SPDX-License-Identifier: Apache-2.0
import type {
  ContainerSpecification,
  FunctionLimits,
  HealthCheck,
  Hooks,
  NetworkSpecification,
  SlotAddressing,
} from '@vnfpool/wire/mobility';
import type { DeclaredFailback, DeclaredFlap, DeclaredGuard, DeclaredRestart } from './detection.ts';
import type { DeclaredSharing, DeclaredState } from './sharing.ts';
import type { DeclaredUpgrade } from './upgrade.ts';

/**
 * A VNF set as declared: the normal form of one YAML file, defaults filled in. The same file always gives
 * an equal value, so comparing two of them tells what changed.
 */
export interface DeclaredSet {
  readonly name: string;
  /** Execution nodes by name, in the order of the file. */
  readonly nodes: readonly DeclaredNode[];
  /** Who grants the leases, at least one; of a file that names none the first three nodes, or one. */
  readonly councils: readonly DeclaredCouncil[];
  readonly pools: readonly DeclaredPool[];
  /** What makes sure that a node is off; absent: nothing does. */
  readonly fence?: { readonly hook: readonly string[]; readonly timeoutMs: number };
  readonly probes: readonly DeclaredProbe[];
  /** Absent: `GUARD_DEFAULT`. */
  readonly guard?: DeclaredGuard;
}

/** Name of the council of a set that has one. */
export const ONLY_COUNCIL = 'main';

export interface DeclaredCouncil {
  readonly name: string;
  /** Names of 1, 3 or 5 nodes. */
  readonly members: readonly string[];
}

export interface DeclaredNode {
  readonly name: string;
  /** It runs no functions, and is there for its voice in the council only. */
  readonly witness?: true;
}

export interface DeclaredPool {
  readonly name: string;
  /** Name of the council that grants its slots, as long as there is the pool. */
  readonly council: string;
  readonly function: {
    /** Empty: none, only the kernel's rules in `netns`, or that of the container's bundle. */
    readonly program: string;
    readonly arguments: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    /** Absolute. Empty: of a container, as it says itself. */
    readonly directory: string;
    readonly port: number;
    readonly health: HealthCheck;
    readonly stop: { readonly signal: string; readonly graceMs: number };
    readonly limits?: FunctionLimits;
    /** How its state is taken and given when it moves; absent: it has none that could. */
    readonly state?: DeclaredState;
    readonly hooks?: Hooks;
    /** A network namespace of its own; absent: it has the node's network. */
    readonly netns?: NetworkSpecification;
    /** Absent: it sees the node's files and processes. */
    readonly container?: ContainerSpecification;
  };
  readonly redundancy: DeclaredRedundancy;
  readonly policy: 'round-robin' | 'least-used' | 'priority';
  /**
   * Virtual addresses, an entry a slot: one, or a list of several, as `10.0.0.1/24` or `10.0.0.1%eth1/24`; a list of one is never
   * written. Empty: reached through the registrar only.
   */
  readonly addresses: readonly (string | readonly string[])[];
  /** How they are raised, announced and guarded; absent: as it is by default. Of several slots the first has `vrid`. */
  readonly addressing?: SlotAddressing;
  readonly failover: {
    readonly leaseMs: number;
    /** The outage that was asked for, when the lease was computed from it. */
    readonly withinMs?: number;
    /** Absent: as node agents are made. */
    readonly flap?: DeclaredFlap;
    /** For so long an instance does not try for a slot after it lost one by a failure; absent: 0. */
    readonly holdDownMs?: number;
    /** Absent: a slot stays where it is. */
    readonly failback?: DeclaredFailback;
  };
  /** What is asked of state sharing; absent: nothing, and nothing is shared. */
  readonly sharing?: DeclaredSharing;
  /** Absent: a slot is let go at once, and an instance stays on its node. */
  readonly restart?: DeclaredRestart;
  /** Absent: `UPGRADE_DEFAULT`. */
  readonly upgrade?: DeclaredUpgrade;
}

export interface DeclaredRedundancy {
  readonly slots: number;
  readonly standbys: number;
  readonly spares: number;
  /** N-way: so many instances share the slots, each may take those of others, and there are no standbys and spares. */
  readonly instances?: number;
  /** How many slots one instance may hold at a time; absent: one. */
  readonly slotsPerInstance?: number;
}

/** A traffic source that `vnfpool up` runs. */
export interface DeclaredProbe {
  readonly pool: string;
  readonly everyMs: number;
  readonly deadlineMs: number;
  /** Path requested; pools with an address are asked there, others through the registrar. */
  readonly path: string;
}

/** The virtual addresses of one slot of a pool. */
export function slotAddresses({ addresses }: DeclaredPool, index: number): readonly string[] {
  const entry = addresses[index] ?? [];
  return typeof entry === 'string' ? [entry] : entry;
}

/** How those are raised. */
export function slotAddressing({ addressing }: DeclaredPool, index: number): SlotAddressing | undefined {
  const vrid = addressing?.sameMac?.vrid;
  return vrid === undefined ? addressing : { ...addressing, sameMac: { vrid: vrid + index } };
}
