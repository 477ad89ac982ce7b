// SPDX-License-Identifier: Apache-2.0
import { type DeclaredPool, type DeclaredSet, ONLY_COUNCIL } from '@vnfpool/core/declared';
import {
  beginUpgrade,
  type Command,
  type Decision,
  goalOf,
  type NamedMembers,
  type Observed,
  type ObservedCouncil,
  type ObservedInstance,
  type ObservedNode,
  type ObservedSecrets,
  type ObservedSlot,
  plan,
  type SharingRecord,
  type UpgradeRecord,
  versionName,
  withoutInstance,
  withPlaced,
  withProven,
  withTurn,
} from '@vnfpool/core/planner';
import type { CouncilReport, SetConfiguration } from '@vnfpool/wire/mobility';

export function pool(
  name: string,
  slots: number,
  standbys = 0,
  spares = 0,
  change: Partial<DeclaredPool['function']> = {},
): DeclaredPool {
  return {
    name,
    council: ONLY_COUNCIL,
    function: {
      program: 'node',
      arguments: [`${name}.mjs`],
      environment: {},
      directory: '/srv',
      port: 8080,
      health: { type: 'tcp', intervalMs: 500, timeoutMs: 400, rise: 1, fall: 2 },
      stop: { signal: 'SIGTERM', graceMs: 2_000 },
      ...change,
    },
    redundancy: { slots, standbys, spares },
    policy: 'priority',
    addresses: [],
    failover: { leaseMs: 300 },
  };
}

export function set(nodes: readonly string[], pools: readonly DeclaredPool[]): DeclaredSet {
  return {
    name: 'edge',
    nodes: nodes.map((name) => ({ name })),
    councils: [{ name: ONLY_COUNCIL, members: nodes.slice(0, nodes.length >= 3 ? 3 : 1) }],
    pools,
    probes: [],
  };
}

export function node(name: string, id: number, change: Partial<ObservedNode> = {}): ObservedNode {
  const endpoint = {
    v: 1 as const,
    name,
    address: `10.0.0.${id}`,
    port: 7000,
    key: 'k',
    version: '0',
    fence: 'none' as const,
  };
  return {
    name,
    id,
    state: 'registered',
    heard: true,
    endpoint,
    configuration: null,
    councils: [],
    busy: false,
    draining: false,
    inMaintenance: false,
    ...change,
  };
}

function followed({ version }: NamedMembers, members: readonly string[]): NamedMembers {
  const { generation, number } = version;
  return { version: { generation, number: number + 1, randomId: `0${number}` }, members };
}

/** What a node says of the councils that it was told of; it takes everything over at once. */
function toldOf({ councils }: SetConfiguration): CouncilReport[] {
  return councils.map(({ id, version, members, next }) => ({
    id,
    version,
    members,
    next: next?.version ?? null,
    voiceless: 0,
    rival: null,
  }));
}

/** A world in which every order is carried out at once and the first of a slot's ranking takes it. */
export class World {
  nodes: ObservedNode[];
  instances: ObservedInstance[] = [];
  slots: ObservedSlot[] = [];
  strays: { node: string; functionId: number; busy: boolean }[] = [];
  councils: readonly ObservedCouncil[] = [];
  upgrades: UpgradeRecord[] = [];
  sharing: readonly SharingRecord[] = [];
  secrets: readonly ObservedSecrets[] = [];
  /** Whoever runs passes its gate at once. */
  passes = true;
  #declared: DeclaredSet | null = null;
  #next = 1;
  #formed = 0;

  constructor(nodes: readonly ObservedNode[]) {
    this.nodes = [...nodes];
  }

  get observed(): Observed {
    const { nodes, instances, slots, strays, councils, upgrades, sharing, secrets } = this;
    return { nodes, instances, slots, strays, councils, upgrades, sharing, secrets };
  }

  /** Plans and carries out until nothing is left; gives what was done. */
  settle(declared: DeclaredSet, roundsMax = 60): (Decision | Command)[] {
    const done: (Decision | Command)[] = [];
    this.declare(declared);
    for (let round = 0; round < roundsMax; round++) {
      const { decisions, commands } = plan(declared, this.observed, { registrars: [] });
      if (decisions.length + commands.length === 0) return done;
      for (const action of [...decisions, ...commands]) {
        this.carryOut(action);
        done.push(action);
      }
      if (this.passes) this.prove();
    }
    throw new Error(`not settled after ${roundsMax} rounds: ${JSON.stringify(done.slice(-3))}`);
  }

  /** As the manager does when a declaration is applied. */
  declare(declared: DeclaredSet): void {
    const former = this.#declared;
    this.#declared = declared;
    for (const { name } of declared.pools) {
      const before = former?.pools.find((each) => each.name === name);
      const after = declared.pools.find((each) => each.name === name);
      if (before && after && versionName(before) !== versionName(after)) this.#upgrade(name, before);
    }
  }

  /** Whoever runs what an upgrade is heading for has passed its gate. */
  prove(): void {
    this.upgrades = this.upgrades.map((record) =>
      this.instances
        .filter(
          ({ pool: of, version, healthy, status, functionId }) =>
            of === record.pool &&
            version === goalOf(record) &&
            status === 'Running' &&
            healthy &&
            !record.proven.includes(functionId),
        )
        .reduce((proven, { functionId }) => withProven(proven, functionId), record),
    );
  }

  #upgrade(name: string, before: DeclaredPool | null): void {
    const after = this.#declared?.pools.find((each) => each.name === name);
    const former = this.upgrades.find((each) => each.pool === name) ?? null;
    if (!after) return;
    const running = this.instances
      .filter((each) => each.pool === name)
      .map(({ functionId, version }) => ({ functionId, version }));
    const known = before && { name: versionName(before), version: { function: before.function } };
    this.#put(name, beginUpgrade(name, versionName(after), former, known, running, 0));
  }

  #put(name: string, record: UpgradeRecord | null): void {
    this.upgrades = [...this.upgrades.filter((each) => each.pool !== name), ...(record ? [record] : [])];
  }

  #changeUpgrade(name: string, change: (record: UpgradeRecord) => UpgradeRecord): void {
    this.upgrades = this.upgrades.map((record) => (record.pool === name ? change(record) : record));
  }

  carryOut(action: Decision | Command): void {
    switch (action.type) {
      case 'settle-sharing': {
        const { pool, level } = action;
        const others = this.sharing.filter((each) => each.pool !== pool);
        this.sharing = level === null ? others : [...others, { pool, level, sinceMs: 0 }];
        return;
      }
      case 'draw-secret':
        this.secrets = [...this.secrets, { pool: action.pool, secrets: ['1'.repeat(64)], hasNext: false }];
        return;
      case 'drop-secret':
        this.secrets = this.secrets.filter(({ pool }) => pool !== action.pool);
        return;
      case 'use-secret':
        this.secrets = this.secrets.map((each) =>
          each.pool === action.pool ? { ...each, hasNext: false } : each,
        );
        return;
      case 'upgrade-begin':
        this.#upgrade(action.pool, null);
        return;
      case 'upgrade-turn':
        this.#changeUpgrade(action.pool, (record) => withTurn(record, action.functionId));
        return;
      case 'upgrade-end': {
        const record = this.upgrades.find((each) => each.pool === action.pool);
        const stays =
          record?.direction === 'back' && this.#declared?.pools.some(({ name }) => name === action.pool);
        this.#put(action.pool, record && stays ? { ...record, state: 'done' } : null);
        return;
      }
      case 'give-slot':
        this.slots = this.slots.map((slot) =>
          slot.id === action.id ? { ...slot, home: action.functionId } : slot,
        );
        return;
      case 'move':
        this.#change(action.functionId, { move: { to: action.to, phase: 'begun', busy: false } });
        return;
      case 'transfer': {
        // Sent and taken in at once; the slot, which goes by function, follows.
        const move = this.instances.find(({ functionId }) => functionId === action.functionId)?.move;
        if (move) this.#change(action.functionId, { node: move.to, move: null });
        return;
      }
      case 'prepare': {
        const move = this.instances.find(({ functionId }) => functionId === action.functionId)?.move;
        if (move) this.#change(action.functionId, { move: { ...move, phase: 'prepared' } });
        return;
      }
      case 'form-council': {
        const { council: name, members } = action;
        const version = { generation: 1, number: 1, randomId: '00' };
        this.councils = [...this.councils, { id: ++this.#formed, name, version, members }];
        return;
      }
      case 'announce-council':
        this.#changeCouncil(action.council, (council) => ({
          ...council,
          next: followed(council, action.members),
        }));
        return;
      case 'enforce-council':
        this.#changeCouncil(action.council, (council) => {
          const { id, name, version, members, next } = council;
          return next ? { id, name, ...next, former: { version, members } } : council;
        });
        return;
      case 'dissolve-council':
        this.councils = this.councils.filter(({ name }) => name !== action.council);
        return;
      case 'place':
        this.#changeUpgrade(action.pool, (record) => withPlaced(record, this.#next));
        this.instances.push({
          functionId: this.#next++,
          pool: action.pool,
          number: action.number,
          node: action.node,
          status: null,
          healthy: false,
          failing: false,
          isSteady: true,
          version: null,
          specification: null,
          assignment: null,
          role: null,
          busy: false,
          move: null,
          isHeldBack: false,
        });
        return;
      case 'drop': {
        const gone = this.instances.find(({ functionId }) => functionId === action.functionId);
        this.instances = this.instances.filter((instance) => instance !== gone);
        this.#changeUpgrade(gone?.pool ?? '', (record) => withoutInstance(record, action.functionId));
        if (gone?.status) this.strays.push({ node: gone.node, functionId: gone.functionId, busy: false });
        return;
      }
      case 'create-slot':
        this.slots.push({
          id: String(this.#next++).padStart(16, '0'),
          pool: action.pool,
          index: action.index,
          epoch: 0,
          holder: null,
          admitted: action.candidates,
          genesis: { randomId: '0', candidates: action.candidates },
          handover: null,
        });
        return;
      case 'delete-slot':
        this.slots = this.slots.filter(({ id }) => id !== action.id);
        return;
      case 'configure':
        this.nodes = this.nodes.map((each) =>
          each.id === action.node
            ? { ...each, configuration: action.fingerprint, councils: toldOf(action.configuration) }
            : each,
        );
        // A holder admits whom it is told of.
        this.slots = this.slots.map((slot) => {
          const told = action.configuration.slots.find(({ id }) => id === slot.id);
          const holder = this.instances.find(({ functionId }) => functionId === slot.holder);
          const isThere = this.nodes.some(
            ({ name, state }) => name === holder?.node && state === 'registered',
          );
          return told && isThere ? { ...slot, admitted: told.candidates } : slot;
        });
        this.#elect();
        return;
      case 'add':
        this.#change(action.functionId, {
          status: 'Running',
          healthy: true,
          role: action.assignment.role,
          ...action.fingerprints,
        });
        this.#elect();
        return;
      case 'assign':
        this.#change(action.functionId, { assignment: action.fingerprint, role: action.assignment.role });
        if (action.assignment.handover) this.#hold(action.assignment.slot?.id, action.assignment.handover.to);
        return;
      case 'delete':
        this.strays = this.strays.filter(({ functionId }) => functionId !== action.functionId);
        this.#change(action.functionId, {
          status: null,
          healthy: false,
          version: null,
          specification: null,
          assignment: null,
          role: null,
        });
        this.slots = this.slots.map((slot) =>
          slot.holder === action.functionId ? { ...slot, holder: null } : slot,
        );
        this.#elect();
        return;
      case 'handover':
        this.slots = this.slots.map((slot) =>
          slot.id === action.slot ? { ...slot, handover: { to: action.to, nonce: '1' } } : slot,
        );
        return;
    }
  }

  #changeCouncil(name: string, change: (council: ObservedCouncil) => ObservedCouncil): void {
    this.councils = this.councils.map((each) => (each.name === name ? change(each) : each));
  }

  #slotsMax(name: string): number {
    return this.#declared?.pools.find((each) => each.name === name)?.redundancy.slotsPerInstance ?? 1;
  }

  #change(functionId: number, change: Partial<ObservedInstance>): void {
    this.instances = this.instances.map((instance) =>
      instance.functionId === functionId ? { ...instance, ...change } : instance,
    );
  }

  #hold(id: string | undefined, functionId: number): void {
    this.slots = this.slots.map((slot) =>
      slot.id === id ? { ...slot, holder: functionId, epoch: slot.epoch + 1, handover: null } : slot,
    );
  }

  #elect(): void {
    for (const slot of this.slots) {
      if (slot.holder !== null) continue;
      // Who holds a slot does not try for another one.
      const first = (slot.admitted ?? slot.genesis.candidates).find(
        ({ functionId }) =>
          this.instances.some((each) => each.functionId === functionId && each.status === 'Running') &&
          this.slots.filter(({ holder }) => holder === functionId).length < this.#slotsMax(slot.pool),
      );
      if (first) this.#hold(slot.id, first.functionId);
    }
  }
}
