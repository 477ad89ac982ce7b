// SPDX-License-Identifier: Apache-2.0
import { instanceName, isReady, type Observed, type ObservedCouncil } from '../planner/observed.ts';
import { successorOf } from '../planner/successor.ts';
import { slotsPerInstance } from '../planner/surplus.ts';
import { targetOf } from '../planner/target.ts';
import { whichCouncil } from './council.ts';
import type { Journal } from './journal.ts';
import type { Moment } from './moves.ts';
import { lifeOf, saveNode } from './node-reports.ts';
import type { MaintenanceRecord, NodeRecord } from './records.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ManagerState } from './state.ts';

/*
 * A node in maintenance is drained, and its silence is expected: no alarm, and nobody is placed elsewhere because it is gone.
 * It ends by command or when its time is over.
 */

export interface MaintenanceRequest {
  readonly node: string;
  /** Null: until it is ended by command. */
  readonly forMs: number | null;
  readonly off: boolean;
  /** Also where a slot or the council would be left without what it needs. */
  readonly force: boolean;
}

/** Checks what a person asks for; gives the node's next record. */
export function chooseMaintenance(
  state: ManagerState,
  { node: name, forMs, off, force }: MaintenanceRequest,
  { nowMs, wallMs }: Moment,
): NodeRecord | Refusal {
  const former = state.nodes.get(name);
  if (!former || !state.set?.declared.nodes.some((each) => each.name === name))
    return refuse('NOT_FOUND', former ? `Node ${name} is not declared.` : `No node ${name} has joined.`);
  const { maintenance, ...rest } = former;
  if (off) return maintenance ? rest : refuse('NOT_READY', `${name} is not in maintenance.`);
  const risks = force || maintenance ? [] : risksOf(state, name, nowMs);
  if (risks.length > 0) return refuse('NOT_READY', `${risks.join(' ')} Say --force if that is meant.`);
  const value: MaintenanceRecord = {
    sinceMs: maintenance?.sinceMs ?? wallMs,
    untilMs: forMs === null ? null : wallMs + forMs,
  };
  return { ...rest, maintenance: value };
}

/** What would be missing without the node, a sentence each. */
function risksOf(state: ManagerState, name: string, nowMs: number): string[] {
  const observed = state.observed(nowMs);
  const councils = observed.councils.flatMap((council) => councilRisk(state, name, observed, council));
  return [...councils, ...slotRisks(state, name, observed)];
}

/** Members that run, and are not about to be switched off as well, have to be a majority. */
function councilRisk(
  state: ManagerState,
  name: string,
  observed: Observed,
  { members, name: council }: ObservedCouncil,
): string[] {
  if (!members.includes(name)) return [];
  const left = members.filter((member) => {
    const node = observed.nodes.find((each) => each.name === member);
    return member !== name && node?.state === 'registered' && !node.inMaintenance;
  });
  const needed = Math.floor(members.length / 2) + 1;
  if (left.length >= needed) return [];
  const who = left.length === 0 ? 'nobody' : left.join(', ');
  return [
    `Without ${name} ${who} of ${whichCouncil(state, council)} would be left, and leases go on only while ${needed} of ${members.length} run.`,
  ];
}

/** Every slot that is held there needs somebody else, or a node to which its holder can go. */
function slotRisks(state: ManagerState, name: string, observed: Observed): string[] {
  const { set } = state;
  if (!set) return [];
  const nodes = new Map(observed.nodes.map((node) => [node.name, node]));
  return observed.slots.flatMap((slot) => {
    const holder = observed.instances.find(({ functionId }) => functionId === slot.holder);
    if (holder?.node !== name) return [];
    const canMove = isReady(holder, nodes) && targetOf(holder, set.declared, observed) !== undefined;
    const pool = set.declared.pools.find(({ name: of }) => of === slot.pool);
    const max = pool ? slotsPerInstance(pool) : 1;
    if (canMove || successorOf(slot, observed, max, (other) => other.node !== name)) return [];
    return [
      `Slot ${slot.index} of ${slot.pool}, which ${instanceName(holder)} holds there, would be left without a holder: nobody else is ready to take it, and no node is free.`,
    ];
  });
}

/** Ends what has had its time; remembers when the next one has. */
export function watchMaintenance(state: ManagerState, journal: Journal, { nowMs, wallMs }: Moment): void {
  state.maintenanceEndMs = null;
  for (const record of state.nodes.values()) {
    const untilMs = record.maintenance?.untilMs ?? null;
    if (untilMs === null) continue;
    if (untilMs > wallMs) {
      const atMs = nowMs + (untilMs - wallMs);
      state.maintenanceEndMs = Math.min(state.maintenanceEndMs ?? atMs, atMs);
      continue;
    }
    const { maintenance: _ended, ...rest } = record;
    saveNode(state, journal, rest);
    tellEnd(state, journal, record.name, 'its time is over', wallMs);
  }
}

export function tellBegin(
  journal: Journal,
  { name, maintenance }: NodeRecord,
  former: NodeRecord | undefined,
  wallMs: number,
): void {
  const untilMs = maintenance?.untilMs ?? null;
  const end = untilMs === null ? 'until it is ended' : `for ${minutes(untilMs - wallMs)}`;
  const message = former?.maintenance
    ? `${name} stays in maintenance ${end}.`
    : `${name} is in maintenance ${end}: what it runs moves away, nothing is placed on it, and its silence is expected.`;
  journal.event(wallMs, 'node.maintenance-begun', 'info', `node ${name}`, message);
}

function minutes(ms: number): string {
  const rounded = Math.max(1, Math.round(ms / 60_000));
  return `${rounded} minute${rounded === 1 ? '' : 's'}`;
}

export function tellEnd(
  state: ManagerState,
  journal: Journal,
  name: string,
  why: string,
  wallMs: number,
): void {
  const { state: is } = lifeOf(state, name);
  const isBack = is === 'registered';
  const rest = isBack ? 'instances may be placed on it' : `it does not answer (${is})`;
  journal.event(
    wallMs,
    'node.maintenance-ended',
    isBack ? 'info' : 'error',
    `node ${name}`,
    `The maintenance of ${name} has ended, for ${why}: ${rest}.`,
  );
}
