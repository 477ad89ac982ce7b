// SPDX-License-Identifier: Apache-2.0

import type { AcceptedLossView, PoolSharingView, SlotSharingView } from './sharing-views.ts';

/*
 * What the management API shows. The command line and the page know these types and nothing else of the
 * inside. Lists come as `{ items: [...] }`. Times are wall-clock milliseconds since 1970 unless named otherwise.
 */

export interface List<T> {
  readonly items: readonly T[];
}

export interface SetView {
  readonly name: string;
  /** How it runs: own network namespaces, plain processes on loopback, or hosts joined by hand. */
  readonly mode: 'namespaces' | 'loopback' | 'hosts';
  /** Counts applied declarations. */
  readonly generation: number;
  readonly appliedAt: number;
  readonly pools: readonly string[];
  readonly nodes: readonly string[];
  /** Most sets have one. */
  readonly councils: readonly CouncilView[];
  readonly health: Health;
  /** So much was lost at once that nothing is placed anew, moved or deleted; absent or null: it is not so. */
  readonly frozen?: { readonly since: number; readonly reason: string } | null;
}

/** Nodes that grant the leases of slots. */
export interface CouncilView {
  readonly name: string;
  readonly version: string;
  readonly members: readonly string[];
  readonly reachable: number;
  /** Announced, and not in force yet; null: no other one is wanted, or it was not announced. */
  readonly next: readonly string[] | null;
  /** Members that cannot vote yet, since they have not taken over what was decided before. */
  readonly voiceless: readonly string[];
  /** What an operator took upon himself; null: nothing. */
  readonly forced: { readonly at: number; readonly over: string; readonly dead: readonly string[] } | null;
  /**
   * Not all that can be reached hear each other: how many of them can grant a lease together, and who hears nothing of
   * whom; absent or null: they do.
   */
  readonly cut?: { readonly together: number; readonly who: string } | null;
  /** The loss of one node that it does not survive, and the remedy, in sentences; absent or null: it survives every one. */
  readonly weakness?: string | null;
}

export type Health = 'whole' | 'degraded' | 'down';

export interface PoolView {
  readonly name: string;
  readonly set: string;
  readonly health: Health;
  /** One sentence on the health. */
  readonly reason: string;
  readonly slots: number;
  readonly slotsHeld: number;
  readonly standbys: number;
  readonly standbysReady: number;
  readonly spares: number;
  readonly sparesReady: number;
  readonly policy: string;
  readonly addresses: readonly string[];
  readonly port: number | null;
  readonly leaseMs: number;
  /** It is on its way to another version of its function, or has gone back; null: it runs what is declared. */
  readonly upgrade: UpgradeView | null;
  /** What was settled of state sharing; absent or null: the pool does not ask for it. */
  readonly sharing?: PoolSharingView | null;
}

export interface UpgradeView {
  /** `paused` by command, `stopped` as an instance failed its gate; `rolled-back`: it runs the former version, and stays. */
  readonly state: 'going' | 'paused' | 'stopped' | 'rolling-back' | 'rolled-back';
  /** Why it is in that state. */
  readonly reason: string;
  readonly startedAt: number;
  /** Which version instances are brought to. */
  readonly goal: 'new' | 'former';
  /** How many run it and have proved themselves, of how many. */
  readonly done: number;
  readonly total: number;
  /** What comes next, or what is waited for. */
  readonly next: string;
  /** Whether the former version is known. */
  readonly canRollBack: boolean;
  readonly batch: number;
  readonly gateMs: number;
  readonly deadlineMs: number;
  readonly onFailure: 'stop' | 'rollback';
  readonly instances: readonly {
    readonly name: string;
    /** `other`: an earlier one than the former, which is not known any more. */
    readonly version: 'new' | 'former' | 'other';
    /** `gate`: it has to be healthy for `gateMs`. */
    readonly state: 'waiting' | 'gate' | 'done';
  }[];
}

export interface InstanceView {
  /** `pool#n`. */
  readonly name: string;
  readonly pool: string;
  readonly functionId: number;
  readonly node: string | null;
  readonly role: 'active' | 'standby' | 'spare' | 'none';
  /** Index of the slot that it holds; null: none. */
  readonly slot: number | null;
  readonly status: 'pending' | 'starting' | 'running' | 'failing' | 'terminating' | 'unknown';
  readonly healthy: boolean;
  readonly address: string | null;
  readonly port: number | null;
  readonly pid: number | null;
  readonly restarts: number;
  readonly reason: string;
  readonly output: readonly string[];
  /** By its own word; null: it does not tell. */
  readonly sessions: number | null;
  /** It is on its way to another node; null: it is not. */
  readonly move: MoveView | null;
}

export interface MoveView {
  /** Name of the node. */
  readonly to: string;
  readonly startedAt: number;
  /** `preparing`: it is started there; `sending`: its state goes over; `switching`: its slot follows. */
  readonly phase: 'preparing' | 'sending' | 'switching';
  /** Octets of state that are over; null: not told yet. */
  readonly bytes: number | null;
  readonly bytesTotal: number | null;
  readonly bytesPerSecond: number | null;
  /** How fast the state changes, octets a second. */
  readonly changePerSecond: number | null;
  /** How long it will stand still at the end; null: no forecast. */
  readonly expectedPauseMs: number | null;
  /** Time until the end; null: no forecast. */
  readonly expectedEndMs: number | null;
}

export interface NodeView {
  readonly name: string;
  readonly nodeId: number;
  readonly status: 'absent' | 'registered' | 'suspect' | 'lost';
  readonly reason: string;
  readonly address: string | null;
  readonly council: boolean;
  readonly fence: 'bpf' | 'nft' | 'none';
  readonly muteMs: number;
  /** How late its lease worker was called in the last minutes: 99 of 100 times, and at worst. Null: not known. */
  readonly stalls?: { readonly p99Ms: number; readonly maxMs: number } | null;
  readonly functions: readonly string[];
  readonly version: string;
  readonly lastHeardAt: number | null;
  /** It is drained; null: it is not. */
  readonly drain: DrainView | null;
  /** It is in maintenance, and drained for it; null: it is not. */
  readonly maintenance: MaintenanceView | null;
}

export interface MaintenanceView {
  readonly since: number;
  /** Null: until it is ended by command. */
  readonly until: number | null;
}

export interface DrainView {
  readonly since: number;
  /** Nothing is left that could go and nothing holds a slot: the node may be switched off. */
  readonly isOver: boolean;
  /** Instances that stay because no node is free for them. */
  readonly staying: readonly string[];
}

export interface SlotView {
  readonly pool: string;
  readonly index: number;
  readonly id: string;
  /** Grows by every hand-over. */
  readonly epoch: number;
  /** Name of the instance that holds it, or null. */
  readonly holder: string | null;
  readonly node: string | null;
  /** Its node is lost to the manager, and nobody has said that its lease is over; absent: no. */
  readonly isUnheard?: true;
  /**
   * Of an N-way pool: name of the instance that an operator took it from, and in whose share it counts while it stays where it
   * was put; absent: it is balanced as any other.
   */
  readonly handedFrom?: string;
  readonly addresses: readonly string[];
  readonly standbys: readonly string[];
  readonly leaseMs: number;
  readonly since: number | null;
  readonly reason: string;
  /** Absent or null: node agents share no state of it. */
  readonly sharing?: SlotSharingView | null;
}

export interface FailoverView {
  readonly id: string;
  readonly pool: string;
  readonly slot: number;
  readonly epoch: number;
  /** Names of instances; the same one when it moved to another node. */
  readonly from: string | null;
  readonly to: string;
  /** Names of their nodes. */
  readonly fromNode: string | null;
  readonly toNode: string;
  readonly cause: string;
  readonly fencedBy: 'release' | 'timeout' | 'hook' | 'none';
  /** detected, fenced, decided, committed, switched, serving, first-served; `source` names who measured it. */
  readonly steps: readonly FailoverStepView[];
  /** What failed, as far as evidence tells; absent: of a record from before classes. */
  readonly class?: FailureClass;
  /** What speaks for it, in words. */
  readonly evidence?: string;
  /** Last success before to first success after, as the traffic source saw it; null: no traffic source. */
  readonly outageMs: number | null;
  readonly failedRequests: number | null;
  /** It was taken without some of its state by an operator's word; absent: by nobody's. */
  readonly acceptedLoss?: AcceptedLossView;
}

export interface FailoverStepView {
  readonly name: string;
  readonly at: number;
  readonly source: string;
  /** By which clock of the source it was measured; all are shown as its wall clock had them. Absent: by that. */
  readonly clock?: 'boottime' | 'wall';
}

/**
 * `function`: it ended, or its check failed; `node`: its node, agent or the way to it; `pause`: its node stood still and lives;
 * `link`: a link that the slot needs; `several`: of more than one node at once; `planned`: nothing failed.
 */
export type FailureClass = 'function' | 'node' | 'pause' | 'link' | 'several' | 'planned';

export interface EventView {
  /** Grows by one. */
  readonly id: number;
  readonly at: number;
  /** For instance `slot.taken`, `node.lost`, `declaration.applied`, `join.refused`. */
  readonly type: string;
  readonly severity: 'info' | 'warning' | 'error';
  /** `pool web`, `slot web/0`, `node node-a`, `instance web#1`, `set edge`. */
  readonly subject: string;
  readonly message: string;
}

/** What a traffic source tells every second, and at once when an outage ends. */
export interface TrafficReport {
  readonly source: string;
  readonly pool: string;
  readonly target: string;
  readonly intervalMs: number;
  readonly deadlineMs: number;
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  readonly latencyMsP50: number;
  readonly latencyMsP99: number;
  /** Outages that ended since the last report; `lastOkAt` to `firstOkAt` is the outage. */
  readonly outages: readonly Outage[];
  /** Start of an outage that goes on, or null. */
  readonly failingSince: number | null;
  /** Per 100 ms, newest last, at most 100: how many requests went well and how many failed. */
  readonly series: readonly { readonly at: number; readonly ok: number; readonly failed: number }[];
}

export interface Outage {
  readonly lastOkAt: number;
  readonly firstOkAt: number;
  readonly failed: number;
  /** Why the first of them failed, at most 200 characters: `ECONNREFUSED`, `no answer in time`. */
  readonly reason?: string;
}

export interface TrafficView extends TrafficReport {
  readonly updatedAt: number;
  /** Newest last, at most 50. */
  readonly history: readonly Outage[];
}

/** Everything at once, for the page: GET /v1/state, and each `state` event of GET /v1/stream. */
export interface StateView {
  readonly at: number;
  readonly sets: readonly SetView[];
  readonly pools: readonly PoolView[];
  readonly instances: readonly InstanceView[];
  readonly nodes: readonly NodeView[];
  readonly slots: readonly SlotView[];
  /** Newest first, at most 50. */
  readonly failovers: readonly FailoverView[];
  readonly traffic: readonly TrafficView[];
  /** Newest first, at most 100. */
  readonly events: readonly EventView[];
}

/** One line of `plan`: what would be done, to what, and why. */
export interface PlannedChange {
  readonly action: 'create' | 'change' | 'delete';
  readonly subject: string;
  readonly detail: string;
  readonly reason: string;
}

export interface PlanView {
  readonly set: string;
  readonly changes: readonly PlannedChange[];
  /** What may be declared, and is hardly meant, a few sentences each: a council that does not survive the loss of a node. Absent: nothing. */
  readonly warnings?: readonly string[];
}

/** A mistake in a declaration, with its place. */
export interface FaultView {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** For instance `pools.web.redundancy.slots`. */
  readonly path: string;
  readonly message: string;
}

/** Body of every answer with a status from 400. */
export interface ErrorView {
  readonly error: { readonly code: string; readonly message: string; readonly faults?: readonly FaultView[] };
}

/** GET /v1/explain/pools/{name}. */
export interface ExplainView {
  readonly pool: string;
  readonly lines: readonly string[];
  readonly slots: readonly {
    readonly index: number;
    readonly holder: string | null;
    readonly why: string;
    readonly candidates: readonly {
      readonly name: string;
      readonly rank: number;
      readonly verdict: string;
    }[];
    /** The planned way back to the instance that it was made for; absent or null: none. */
    readonly failback?: FailbackView | null;
    readonly sharing?: SlotSharingView | null;
  }[];
}

export interface FailbackView {
  /** Name of the instance. */
  readonly to: string;
  readonly at: number;
  readonly rule: string;
}

/** An instance of the pool, as a candidate for a slot. */
export interface SlotVerdict {
  readonly name: string;
  readonly node: string;
  /** From 1, in the order in which they try. */
  readonly rank: number;
  readonly isHolder: boolean;
  /** Which rule refuses it; null: none. */
  readonly rule:
    | 'node'
    | 'runs'
    | 'healthy'
    | 'one-slot'
    | 'admitted'
    | 'link'
    | 'address'
    | 'clock'
    | 'fence-hook'
    | 'hold-down'
    | 'own-slot'
    | 'mute'
    | 'council'
    | null;
  readonly verdict: string;
}

/** GET /v1/explain/slots/{pool}/{index}. */
export interface SlotExplainView {
  readonly pool: string;
  readonly index: number;
  readonly id: string;
  readonly epoch: number;
  readonly holder: string | null;
  readonly node: string | null;
  /** As in `SlotView`. */
  readonly isUnheard?: true;
  readonly why: string;
  readonly since: number | null;
  readonly leaseMs: number;
  /** Whether the council can grant it, in a sentence. */
  readonly council: string;
  readonly frozen: string | null;
  readonly failback: FailbackView | null;
  readonly sharing?: SlotSharingView | null;
  readonly candidates: readonly SlotVerdict[];
  readonly lastFailover: FailoverView | null;
}

/** GET /v1/lab: what can be broken on purpose. Without a lab the answer is 404. */
export interface LabView {
  readonly available: true;
  /** On loopback no link can be cut. */
  readonly mode: 'namespaces' | 'loopback';
  readonly processes: readonly LabProcessView[];
}

export interface LabProcessView {
  readonly name: string;
  readonly kind: 'manager' | 'registrar' | 'node' | 'traffic';
  readonly state: 'running' | 'paused' | 'stopped';
  /** Null while it is stopped. */
  readonly pid: number | null;
}

/** POST /v1/lab: faults on purpose; only where `vnfpool up` runs the set. */
export interface LabRequest {
  readonly action: 'kill' | 'pause' | 'resume' | 'start' | 'replace';
  /** `web#1`, `node-a`, `manager`, `registrar`. */
  readonly target: string;
}
