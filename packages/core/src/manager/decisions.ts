// SPDX-License-Identifier: Apache-2.0
import type { CouncilVersion } from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import { nextVersion } from '../lease/council.ts';
import type { Decision } from '../planner/actions.ts';
import { withoutInstance, withPlaced, withTurn } from '../planner/upgrade-record.ts';
import { hex64 } from './hex64.ts';
import { beginMove } from './moves.ts';
import { drawSecret, putSecrets, useSecret } from './pool-secrets.ts';
import type { CouncilRecord, ManagerWrite, SetRecord, SlotRecord } from './records.ts';
import type { ManagerState } from './state.ts';
import { beginPoolUpgrade, endUpgrade, putUpgrade } from './upgrade.ts';

/** Carries a decision into the state and says what has to be on disk before anything follows from it. */
export function decide(
  decision: Decision,
  state: ManagerState,
  random: Random,
  wallMs: number,
): ManagerWrite[] {
  switch (decision.type) {
    case 'form-council': {
      const version = { generation: 1, number: 1, randomId: hex64(random.u64()) };
      return formCouncil(state, decision.council, { version, members: decision.members });
    }
    case 'announce-council': {
      const council = councilNamed(state, decision.council);
      if (!council) return [];
      const version = nextVersion(council.version, random.u32().toString(16).padStart(8, '0'));
      return saveCouncil(state, { ...council, next: { version, members: decision.members } });
    }
    case 'enforce-council': {
      const council = councilNamed(state, decision.council);
      if (!council?.next) return [];
      const { id, name, next, version, members } = council;
      return saveCouncil(state, { id, name, ...next, former: { version, members } });
    }
    case 'dissolve-council': {
      const left = state.set?.councils.filter(({ name }) => name !== decision.council) ?? [];
      return saveCouncils(state, { councils: left });
    }
    case 'place': {
      const functionId = (state.counters.function += 1);
      const failedOn = decision.failedOn?.map((node) => ({ node, atMs: wallMs }));
      const value = {
        functionId,
        pool: decision.pool,
        number: decision.number,
        node: decision.node,
        ...(failedOn === undefined ? {} : { failedOn }),
      };
      state.instances.set(functionId, value);
      const upgrade = state.upgrades.get(decision.pool);
      return [
        ...(upgrade ? [putUpgrade(state, decision.pool, withPlaced(upgrade, functionId))] : []),
        { table: 'counters', key: 'function', value: functionId },
        { table: 'instances', key: String(functionId), value },
      ];
    }
    case 'drop': {
      const pool = state.instances.get(decision.functionId)?.pool ?? '';
      const upgrade = state.upgrades.get(pool);
      // A move of it ends when this is on disk.
      state.instances.delete(decision.functionId);
      return [
        ...(upgrade ? [putUpgrade(state, pool, withoutInstance(upgrade, decision.functionId))] : []),
        { table: 'instances', key: String(decision.functionId), value: null },
        { table: 'told', key: String(decision.functionId), value: null },
      ];
    }
    case 'upgrade-begin':
      return beginPoolUpgrade(state, decision.pool, null, wallMs);
    case 'upgrade-turn': {
      const upgrade = state.upgrades.get(decision.pool);
      return upgrade ? [putUpgrade(state, decision.pool, withTurn(upgrade, decision.functionId))] : [];
    }
    case 'upgrade-end':
      return endUpgrade(state, decision.pool);
    case 'give-slot': {
      const slot = state.slots.get(decision.id);
      if (!slot) return [];
      const value = { ...slot, home: decision.functionId };
      state.slots.set(slot.id, value);
      return [{ table: 'slots', key: slot.id, value }];
    }
    case 'settle-sharing': {
      const { pool, level } = decision;
      if (level === null) state.sharing.delete(pool);
      else state.sharing.set(pool, { pool, level, sinceMs: wallMs });
      return [{ table: 'sharing', key: pool, value: state.sharing.get(pool) ?? null }];
    }
    case 'draw-secret':
      return drawSecret(state, decision.pool, random);
    case 'use-secret':
      return useSecret(state, decision.pool, wallMs);
    case 'drop-secret':
      return [putSecrets(state, decision.pool, null)];
    case 'move':
      return beginMove(state, decision, random, wallMs);
    case 'create-slot': {
      // The counter keeps it apart from every slot of this store, the random half from those of another one.
      const number = (state.counters.slot += 1);
      const id = random.u32().toString(16).padStart(8, '0') + number.toString(16).padStart(8, '0');
      const value: SlotRecord = {
        id,
        pool: decision.pool,
        index: decision.index,
        genesis: {
          randomId: hex64(random.u64()),
          candidates: decision.candidates,
          ...bornUnder(state.councilOfPool(decision.pool)?.version),
        },
      };
      state.slots.set(id, value);
      return [
        { table: 'counters', key: 'slot', value: number },
        { table: 'slots', key: id, value },
      ];
    }
    case 'delete-slot':
      state.slots.delete(decision.id);
      state.admitted.delete(decision.id);
      state.addressTroubles.delete(decision.id);
      state.unraised.delete(decision.id);
      state.refusals.delete(decision.id);
      state.passedOn.delete(decision.id);
      state.sharingReports.delete(decision.id);
      state.toldUnprotected.delete(decision.id);
      state.endedEpochs.delete(decision.id);
      state.acceptedLosses.delete(decision.id);
      state.overAt.delete(decision.id);
      return [
        { table: 'slots', key: decision.id, value: null },
        { table: 'holdings', key: decision.id, value: null },
      ];
  }
}

function councilNamed({ set }: ManagerState, council: string): CouncilRecord | undefined {
  return set?.councils.find(({ name }) => name === council);
}

function formCouncil(
  state: ManagerState,
  name: string,
  members: Pick<CouncilRecord, 'version' | 'members'>,
): ManagerWrite[] {
  const { councils = [], councilsFormed = 0 } = state.set ?? {};
  const id = councilsFormed + 1;
  return saveCouncils(state, { councils: [...councils, { id, name, ...members }], councilsFormed: id });
}

/** Instead of the one of its number. */
export function saveCouncil(state: ManagerState, council: CouncilRecord): ManagerWrite[] {
  const councils = state.set?.councils.map((each) => (each.id === council.id ? council : each)) ?? [];
  return saveCouncils(state, { councils });
}

function saveCouncils(
  state: ManagerState,
  councils: Pick<SetRecord, 'councils'> & Partial<Pick<SetRecord, 'councilsFormed'>>,
): ManagerWrite[] {
  if (!state.set) return [];
  state.set = { ...state.set, ...councils };
  return [{ table: 'sets', key: state.set.declared.name, value: state.set }];
}

/** Under the first council it goes without saying. */
function bornUnder(version: CouncilVersion | undefined): Pick<SlotRecord['genesis'], 'council'> {
  if (!version) return {};
  const { generation, number } = version;
  return generation === 1 && number === 1 ? {} : { council: { generation, number } };
}
