// SPDX-License-Identifier: Apache-2.0
import type {
  CouncilReport,
  FunctionReport,
  PassedOn,
  RunningStatus,
  SharingReport,
  SlotCandidate,
  SlotRefusal,
  StallReport,
} from '@vnfpool/wire/mobility';
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import type { NodeId } from '../identity.ts';
import type { AcceptedLossView } from '../management/sharing-views.ts';
import type { EventView, FailoverView, TrafficView } from '../management/views.ts';
import type { TransferDestination } from '../mobility/types.ts';
import type { Plan } from '../planner/actions.ts';
import { specificationPrint, versionName } from '../planner/documents.ts';
import type { NodeState, Observed, ObservedMove, ObservedSlot, Topology } from '../planner/observed.ts';
import { plan } from '../planner/plan.ts';
import { observedSecrets, type PoolSecretsRecord } from '../planner/secrets-record.ts';
import type { SharingRecord } from '../planner/sharing-record.ts';
import type { UpgradeRecord } from '../planner/upgrade-record.ts';
import { isSame } from '../same.ts';
import type { PlannedFailback } from './failback.ts';
import type { NodeEvidence } from './failure-class.ts';
import type { Frozen } from './mass-failure.ts';
import type { ToldMergeable } from './mergeable.ts';
import type {
  CouncilRecord,
  HoldingRecord,
  InstanceRecord,
  MoveRecord,
  NodeRecord,
  RestoredState,
  SetRecord,
  SlotRecord,
  StoredRecord,
  ToldRecord,
} from './records.ts';
import { isSuppressed, type Trouble } from './troubles.ts';

/** What is known of a node since it registered. */
export interface NodeLife {
  state: NodeState;
  reason: string;
  heard: boolean;
  /** Function IDs of what it told before it registered, while it is being asked what it runs and has not told of them. */
  asked: ReadonlySet<number>;
  address: string | null;
  /** By the wall clock: a node tells how long it will be mute, and nothing when that is over. */
  muteUntilMs: number;
  lastHeardMs: number | null;
  /** How late its lease worker was called; null: it did not say. */
  stalls: StallReport | null;
  /** Pools whose lease is too short for that, as was said once. */
  readonly tightPools: Set<string>;
  /** Where it takes the state of functions. */
  stateAddresses: readonly string[];
  statePort: number | null;
  /** Under which councils it works, by its own word. */
  councils: readonly CouncilReport[];
}

/** What a node told of one function. */
export interface FunctionLife {
  readonly node: string;
  readonly functionId: number;
  status: RunningStatus;
  report: FunctionReport | null;
  reason: string;
}

/** What the holder of a slot told of its standbys. */
export interface ToldSharing {
  readonly epoch: number;
  readonly holder: SlotCandidate;
  readonly report: SharingReport;
  /** By the wall clock. */
  readonly atMs: number;
  /** As it was told last. */
  readonly isProtected: boolean;
}

/** An operator's word. */
export interface AcceptedLoss {
  /** Function ID. */
  readonly to: number;
  readonly epoch: number;
  /** As far as it was known. */
  readonly loss: AcceptedLossView;
}

export interface Handover {
  readonly to: number;
  readonly nonce: string;
  readonly untilMs: number;
  /** Function ID of whom an operator takes the slot from, which then stays where it is put; absent: it may be balanced as any other. */
  readonly handedFrom?: number;
}

/** An order under way: what it was for. */
export interface OpenOrder {
  readonly node: string;
  /** 0: the node itself. */
  readonly functionId: number;
  readonly kind: 'configure' | 'add' | 'assign' | 'delete' | 'prepare' | 'move' | 'cancel';
  readonly told: Partial<ToldRecord> | null;
  readonly configuration: string | null;
}

/** How an instance does at the gate of an upgrade; begins anew with every manager. */
export interface GateLife {
  /** The version that it has to prove. */
  readonly version: string;
  readonly sinceMs: number;
  /** Since when it has been ready without a break; null: it is not. */
  readySinceMs: number | null;
  /** Restarts that it had counted when it was ready first; null: it has not been. */
  restarts: number | null;
}

/** How a move goes, as far as this process has seen it. */
export interface MoveLife {
  phase: 'begun' | 'prepared' | 'ordered';
  /** What the destination was told. */
  told: ToldRecord | null;
  /** Until when a slot's holder may take to admit the destination; null: nobody waited for it yet. */
  admittedByMs: number | null;
  /** The source has said that it sends. */
  isSeen: boolean;
  /** The source has said that it ended there because it has moved. */
  hasLeft: boolean;
  /** Until when the destination may be heard of, where the source has not said that; null: nobody waits for it. */
  heardByMs: number | null;
  isCancelled: boolean;
}

/** Who has been ready for so long may be given what another one holds too much. */
export const STEADY_MS = 10_000;

const NO_REFUSALS: ReadonlyMap<string, SlotRefusal> = new Map();
const NO_NODES: readonly string[] = [];
const NOTHING = {};

export function newMoveLife(phase: MoveLife['phase']): MoveLife {
  return {
    phase,
    told: null,
    admittedByMs: null,
    isSeen: false,
    hasLeft: false,
    heardByMs: null,
    isCancelled: false,
  };
}

/** Everything that a manager knows. Durable parts are immutable records; the rest is what nodes told. */
export class ManagerState {
  #observed: Observed | null = null;
  /** With what they were made of. */
  readonly #observedSlots = new WeakMap<
    SlotRecord,
    { readonly parts: readonly unknown[]; readonly observed: ObservedSlot }
  >();
  #planned: {
    readonly declared: DeclaredSet | null;
    readonly observed: Observed;
    readonly topology: Topology;
    readonly plan: Plan;
  } | null = null;
  set: SetRecord | null;
  readonly nodes: Map<string, NodeRecord>;
  instances: Map<number, InstanceRecord>;
  readonly told: Map<number, ToldRecord>;
  moves: Map<number, MoveRecord>;
  slots: Map<string, SlotRecord>;
  /** By pool. */
  upgrades: Map<string, UpgradeRecord>;
  /** By pool. */
  sharing: Map<string, SharingRecord>;
  /** By name of the pool. */
  secrets: Map<string, PoolSecretsRecord>;
  /** By slot, the one that was left first before those that were left later. */
  readonly stored: Map<string, StoredRecord>;
  readonly holdings: Map<string, HoldingRecord>;
  readonly counters: { function: number; slot: number; event: number };
  /** Newest last. */
  failovers: FailoverView[];
  events: EventView[];

  readonly lives: Map<string, NodeLife> = new Map();
  /** By `node/functionId`. */
  readonly functions: Map<string, FunctionLife> = new Map();
  readonly orders: Map<number, OpenOrder> = new Map();
  /** By `node/functionId`: not before this moment, and how long to wait next. */
  readonly retries: Map<string, { atMs: number; waitMs: number; reason: string }> = new Map();
  readonly handovers: Map<string, Handover> = new Map();
  /** By slot: who may take it without its state, behind this epoch and no other, by an operator's word. */
  readonly acceptedLosses: Map<string, AcceptedLoss> = new Map();
  /** By Function ID. */
  readonly moveLives: Map<number, MoveLife> = new Map();
  /** By Function ID: since when it is ready. */
  readonly readySinceMs: Map<number, number> = new Map();
  /** By Function ID: what this process has seen of its gate. */
  readonly gates: Map<number, GateLife> = new Map();
  /** By Function ID: a move of it failed, and the next one waits. */
  readonly moveRetries: Map<number, { readonly atMs: number; readonly waitMs: number }> = new Map();
  readonly slotReasons: Map<string, string> = new Map();
  /** By slot and name of node: what is wrong with the slot's addresses there. */
  readonly addressTroubles: Map<string, Map<string, string>> = new Map();
  /** By slot and name of node: why the node would not serve the slot. */
  readonly refusals: Map<string, Map<string, SlotRefusal>> = new Map();
  /** By slot and name of node: that the node passed the slot on by itself. */
  readonly passedOn: Map<string, Map<string, PassedOn>> = new Map();
  /** By slot: how its state goes to its standbys, as its holder told last. */
  readonly sharingReports: Map<string, ToldSharing> = new Map();
  /** Slots of which it was told that too few have their state, and not yet that this is over, whoever has held them since. */
  readonly toldUnprotected: Set<string> = new Set();
  /** By node. */
  readonly mergeable: Map<string, ToldMergeable> = new Map();
  /** Slots whose holder does not raise their addresses, as somebody else has one. */
  readonly unraised: Set<string> = new Set();
  /** By slot: who may take it by the lease itself, from the report with the highest epoch. */
  readonly admitted: Map<string, { readonly epoch: number; readonly candidates: readonly SlotCandidate[] }> =
    new Map();
  /** By slot: council members that have seen the lease of this epoch run out. */
  readonly overAt: Map<string, { readonly epoch: number; readonly nodes: Set<string> }> = new Map();
  /**
   * By slot: the epoch that was said to be over, by its holder's own node or by whoever heard the release. What others still
   * say of it is older; of one that was released, also what its holder says.
   */
  readonly endedEpochs: Map<string, { readonly epoch: number; readonly isReleased: boolean }> = new Map();
  /** When the next maintenance has had its time; null: none ends by itself. */
  maintenanceEndMs: number | null = null;
  readonly traffic: Map<string, TrafficView> = new Map();
  /** By slot. */
  readonly failbacks: Map<string, PlannedFailback> = new Map();
  /** By `node/functionId`. */
  readonly troubles: Map<string, Trouble> = new Map();
  /** By name of the node: what its host shows. */
  readonly evidence: Map<string, NodeEvidence> = new Map();
  /** Instances that were not ready on their node for too long. */
  readonly unfit: Set<number> = new Set();
  frozen: Frozen | null = null;
  topology: Topology;

  constructor(restored: RestoredState) {
    this.set = restored.set;
    this.nodes = new Map(restored.nodes.map((node) => [node.name, node]));
    this.instances = new Map(restored.instances.map((instance) => [instance.functionId, instance]));
    this.told = new Map(restored.told);
    this.moves = new Map(restored.moves.map((move) => [move.functionId, move]));
    // Whatever was ordered before this process began: what both ends report tells how it ended.
    for (const id of this.moves.keys()) this.moveLives.set(id, { ...newMoveLife('ordered'), isSeen: true });
    this.upgrades = new Map(restored.upgrades.map((upgrade) => [upgrade.pool, upgrade]));
    this.sharing = new Map(restored.sharing.map((record) => [record.pool, record]));
    this.secrets = new Map(restored.secrets.map((record) => [record.pool, record]));
    this.slots = new Map(restored.slots.map((slot) => [slot.id, slot]));
    const stored = restored.stored.toSorted((a, b) => (a.leftMs ?? 0) - (b.leftMs ?? 0));
    this.stored = new Map(stored.map((record) => [record.slot, record]));
    this.holdings = new Map(restored.holdings);
    this.counters = { ...restored.counters };
    this.topology = { registrars: restored.registrars };
    this.failovers = [...restored.failovers];
    this.events = [...restored.events];
  }

  nodeById(id: number): NodeRecord | undefined {
    for (const node of this.nodes.values()) if (node.id === id) return node;
    return undefined;
  }

  /** Where a node takes the state of functions, as it registered it. */
  destinationAt(node: NodeId): TransferDestination {
    const life = this.lives.get(this.nodeById(node)?.name ?? '');
    return { node, addresses: life?.stateAddresses ?? [], port: life?.statePort ?? null };
  }

  functionOf(instance: Pick<InstanceRecord, 'node' | 'functionId'>): FunctionLife | undefined {
    return this.functions.get(`${instance.node}/${instance.functionId}`);
  }

  /** Who holds the slots that there are; what was reported of others is of no account. */
  holders(): SlotCandidate[] {
    return [...this.holdings].flatMap(([slot, { holder }]) =>
      holder && this.slots.has(slot) ? [holder] : [],
    );
  }

  /** The same function at the node that it moves to. */
  arrivalOf(move: MoveRecord): FunctionLife | undefined {
    return this.functions.get(`${move.to}/${move.functionId}`);
  }

  /**
   * Whether the instance may hold its slots where it goes as well as where it is. Only a slot's holder admits candidates:
   * one that left before could never be followed by itself.
   */
  isAdmitted({ functionId, from, to }: MoveRecord): boolean {
    const [source, target] = [this.nodes.get(from)?.id, this.nodes.get(to)?.id];
    return [...this.slots.keys()].every((slot) => {
      const mine = (this.admitted.get(slot)?.candidates ?? []).filter(
        (each) => each.functionId === functionId,
      );
      return !mine.some(({ node }) => node === source) || mine.some(({ node }) => node === target);
    });
  }

  /** The version that an instance was told to run; what an earlier release told is found by its whole specification. */
  versionOf(functionId: number, pool: DeclaredPool | undefined): string | null {
    const told = this.told.get(functionId);
    if (told?.version !== undefined || !told?.specification) return told?.version ?? null;
    const isDeclared = pool && specificationPrint(pool) === told.specification;
    return isDeclared ? versionName(pool) : told.specification;
  }

  /** The council that grants the slots of a pool; undefined: it was not formed yet, or there is no such pool. */
  councilOfPool(pool: string): CouncilRecord | undefined {
    const declared = this.set?.declared.pools.find(({ name }) => name === pool);
    return this.set?.councils.find(({ name }) => name === declared?.council);
  }

  /** The state as the planner reads it: the same object as the last time while nothing of it has changed, so that what follows from it is not worked out again. */
  observed(nowMs: number): Observed {
    const observed = this.#observe(nowMs);
    if (!isSame(this.#observed, observed)) this.#observed = observed;
    return this.#observed ?? observed;
  }

  /** What has to be done now. */
  plan(nowMs: number): Plan {
    const declared = this.set?.declared ?? null;
    const observed = this.observed(nowMs);
    const { topology } = this;
    const last = this.#planned;
    if (last?.declared === declared && last.observed === observed && last.topology === topology)
      return last.plan;
    this.#planned = { declared, observed, topology, plan: plan(declared, observed, topology) };
    return this.#planned.plan;
  }

  #observe(nowMs: number): Observed {
    const busy = new Set([...this.orders.values()].map(({ node, functionId }) => `${node}/${functionId}`));
    for (const [key, { atMs }] of this.retries) if (atMs > nowMs) busy.add(key);
    const pools = new Map(this.set?.declared.pools.map((pool) => [pool.name, pool]));
    return {
      councils: this.set?.councils ?? [],
      isFrozen: this.frozen !== null,
      nodes: [...this.nodes.values()].map(
        ({ name, id, endpoint, configuration, drainedSinceMs, maintenance }) => ({
          name,
          id,
          endpoint,
          configuration,
          state: this.lives.get(name)?.state ?? 'absent',
          heard: this.lives.get(name)?.heard ?? false,
          councils: this.lives.get(name)?.councils ?? [],
          stalls: this.lives.get(name)?.stalls ?? null,
          busy: busy.has(`${name}/0`),
          draining: drainedSinceMs !== undefined || maintenance !== undefined,
          inMaintenance: maintenance !== undefined,
        }),
      ),
      instances: [...this.instances.values()].map((instance) => {
        // It is made some times behind every input, for every instance there is: a copy by hand costs a fraction.
        const { functionId, pool, number, node } = instance;
        const key = `${node}/${functionId}`;
        const life = this.functions.get(key);
        const told = this.told.get(functionId);
        return {
          functionId,
          pool,
          number,
          node,
          status: life?.status ?? null,
          healthy: life?.report?.healthy ?? life?.status === 'Running',
          failing: life?.report?.failing ?? false,
          isSteady: (this.readySinceMs.get(functionId) ?? nowMs) + STEADY_MS <= nowMs,
          version: this.versionOf(functionId, pools.get(pool)),
          specification: told?.specification ?? null,
          assignment: told?.assignment ?? null,
          role: told?.role ?? null,
          busy: busy.has(key),
          move: this.#moveOf(instance, busy),
          isHeldBack: (this.moveRetries.get(functionId)?.atMs ?? nowMs) > nowMs,
          isSuppressed: isSuppressed(this, key, nowMs),
          isUnfit: this.unfit.has(functionId),
          failedOn: instance.failedOn?.map((each) => each.node) ?? NO_NODES,
        };
      }),
      slots: [...this.slots.values()].map((slot) => this.#observedSlot(slot)),
      strays: [...this.functions.values()]
        .filter(
          ({ node, functionId, status }) =>
            this.instances.get(functionId)?.node !== node &&
            this.moves.get(functionId)?.to !== node &&
            !this.#isHolder(node, functionId) &&
            status !== 'Terminating',
        )
        .map(({ node, functionId }) => ({ node, functionId, busy: busy.has(`${node}/${functionId}`) })),
      upgrades: [...this.upgrades.values()],
      sharing: [...this.sharing.values()],
      secrets: [...this.secrets.values()].map(observedSecrets),
    };
  }

  /** The same object as the last time while nothing of the slot has changed: there are many of them. */
  #observedSlot(slot: SlotRecord): ObservedSlot {
    const { id, pool, index, genesis, home } = slot;
    const holding = this.holdings.get(id);
    const handover = this.handovers.get(id);
    const acceptedLoss = this.acceptedLosses.get(id);
    const admitted = this.#admittedTo(id);
    const refusals = this.refusals.get(id) ?? NO_REFUSALS;
    const parts = [holding, handover, acceptedLoss, admitted, refusals];
    const known = this.#observedSlots.get(slot);
    if (known && parts.every((part, at) => part === known.parts[at])) return known.observed;
    const epoch = holding?.epoch ?? 0;
    const observed: ObservedSlot = {
      id,
      pool,
      index,
      genesis,
      ...(home === undefined ? NOTHING : { home }),
      epoch,
      holder: holding?.holder?.functionId ?? null,
      ...(holding?.handedFrom === undefined ? NOTHING : { handedFrom: holding.handedFrom }),
      admitted,
      refusals,
      handover: handover ? { to: handover.to, nonce: handover.nonce } : null,
      ...(acceptedLoss !== undefined && acceptedLoss.epoch === epoch && { acceptedLoss }),
    };
    this.#observedSlots.set(slot, { parts, observed });
    return observed;
  }

  /** A copy that holds its instance's slot is that instance, wherever its record says that it is. */
  #isHolder(node: string, functionId: number): boolean {
    const id = this.nodes.get(node)?.id;
    return (
      this.instances.has(functionId) &&
      this.holders().some((holder) => holder.functionId === functionId && holder.node === id)
    );
  }

  /** Of an older epoch than the last one it says nothing. */
  #admittedTo(slot: string): readonly SlotCandidate[] | null {
    const told = this.admitted.get(slot);
    return told && told.epoch >= (this.holdings.get(slot)?.epoch ?? 0) ? told.candidates : null;
  }

  #moveOf({ node, functionId }: InstanceRecord, busy: ReadonlySet<string>): ObservedMove | null {
    const move = this.moves.get(functionId);
    if (!move) return null;
    const isBusy = [node, move.to].some((name) => busy.has(`${name}/${functionId}`));
    const phase = this.moveLives.get(functionId)?.phase ?? 'begun';
    return { to: move.to, phase, busy: isBusy || (phase === 'begun' && !this.isAdmitted(move)) };
  }
}
