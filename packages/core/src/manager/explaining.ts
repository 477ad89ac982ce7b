// SPDX-License-Identifier: Apache-2.0
import type { ExplainView, SlotExplainView, SlotVerdict } from '../management/views.ts';
import { councilWeakness } from '../planner/council-losses.ts';
import { explainPool } from '../planner/explain.ts';
import { type CouncilHearing, cutWords } from '../planner/hearing.ts';
import { instanceName } from '../planner/observed.ts';
import { rankingOf } from '../planner/roles.ts';
import { slotsPerInstance } from '../planner/surplus.ts';
import { verdictFor, type Waiting } from '../planner/verdicts.ts';
import { hearingOf, muteMembers, reachableMembers, whichCouncil } from './council.ts';
import { ruleText } from './failback.ts';
import { mergedLines } from './mergeable.ts';
import type { Moment } from './moves.ts';
import type { ManagerState } from './state.ts';
import { slotViews } from './views/slots.ts';

/** Why a pool is as it is; undefined when it is not declared. */
export function explainPoolNow(state: ManagerState, pool: string, moment: Moment): ExplainView | undefined {
  const { set } = state;
  const view = set && explainPool(set.declared, state.observed(moment.nowMs), pool);
  if (!view) return undefined;
  const slots = view.slots.flatMap((slot) => {
    const more = explainSlotNow(state, pool, slot.index, moment);
    if (!more) return [slot];
    return [
      {
        ...slot,
        why: more.why,
        candidates: more.candidates,
        failback: more.failback,
        sharing: more.sharing ?? null,
      },
    ];
  });
  const lines = [
    ...frozenLine(state),
    ...view.lines,
    ...mergedLines(state, pool),
    ...stuckLines(state, pool),
  ];
  return { ...view, lines, slots };
}

/** Why a slot is where it is, and who could take it; undefined: there is no such slot. */
export function explainSlotNow(
  state: ManagerState,
  pool: string,
  index: number,
  { nowMs, wallMs }: Moment,
): SlotExplainView | undefined {
  const declared = state.set?.declared.pools.find(({ name }) => name === pool);
  const observed = state.observed(nowMs);
  const slot = observed.slots.find((each) => each.pool === pool && each.index === index);
  const view = slotViews(state, nowMs).find((each) => each.pool === pool && each.index === index);
  if (!declared || !slot || !view) return undefined;
  const ranking = rankingOf(declared, index, observed);
  const slotsMax = slotsPerInstance(declared);
  const others = observed.instances.filter(
    (each) => each.pool === pool && !ranking.includes(each.functionId),
  );
  const order = [
    ...ranking.flatMap((id) => observed.instances.find(({ functionId }) => functionId === id) ?? []),
    ...others,
  ];
  const candidates = order.map((instance, at): SlotVerdict => {
    const isHolder = instance.functionId === slot.holder;
    const isListed = ranking.includes(instance.functionId);
    const found = isListed
      ? byCouncil(
          state,
          pool,
          wallMs,
          isHolder,
          verdictFor(instance, slot, slotsMax, observed, waitingOf(state, instance, nowMs)),
        )
      : {
          rule: 'own-slot' as const,
          verdict: 'the pool has no standbys: every slot belongs to its own instance',
        };
    return {
      name: instanceName(instance),
      node: instance.node,
      rank: at + 1,
      isHolder,
      ...found,
      ...(isHolder && found.rule === null ? { verdict: `holds it; ${found.verdict}` } : {}),
    };
  });
  const planned = state.failbacks.get(slot.id);
  const home = planned && observed.instances.find(({ functionId }) => functionId === planned.to);
  const rule = declared.failover.failback;
  return {
    pool,
    index,
    id: slot.id,
    epoch: slot.epoch,
    holder: view.holder,
    node: view.node,
    ...(view.isUnheard ? { isUnheard: true } : {}),
    why: view.reason,
    since: view.since,
    leaseMs: view.leaseMs,
    council: councilLine(state, pool, wallMs),
    frozen: state.frozen?.reason ?? null,
    failback:
      planned && home && rule
        ? { to: instanceName(home), at: wallMs + Math.max(0, planned.atMs - nowMs), rule: ruleText(rule) }
        : null,
    sharing: view.sharing ?? null,
    candidates,
    lastFailover: state.failovers.findLast(({ id }) => id.startsWith(`${slot.id}/`)) ?? null,
  };
}

function waitingOf(
  state: ManagerState,
  { node, functionId }: { readonly node: string; readonly functionId: number },
  nowMs: number,
): Waiting | undefined {
  const trouble = state.troubles.get(`${node}/${functionId}`);
  if (!trouble) return undefined;
  const { failures, startsInPlace, penalty } = trouble.told;
  return {
    lastForMs: Math.max(0, trouble.lastUntilMs - nowMs),
    heldDownForMs: Math.max(0, trouble.heldDownUntilMs - nowMs),
    penalty,
    failures,
    startsInPlace,
  };
}

/** Who could take it needs a majority to say so. */
function byCouncil(
  state: ManagerState,
  pool: string,
  wallMs: number,
  isHolder: boolean,
  found: Pick<SlotVerdict, 'rule' | 'verdict'>,
): Pick<SlotVerdict, 'rule' | 'verdict'> {
  const { members, there, hearing, mute } = councilNow(state, pool, wallMs);
  if (found.rule !== null) return found;
  if (isMajority(there.length, members) && !isMajority(hearing.together.length, members))
    return { rule: 'council', verdict: `${found.verdict}, but no majority of the council hears each other` };
  if (!isMajority(there.length, members))
    return { rule: 'council', verdict: `${found.verdict}, but no majority of the council answers` };
  // Who is mute goes on with the holder that it knows.
  if (isHolder || isMajority(there.length - mute.length, members)) return found;
  return {
    rule: 'mute',
    verdict: `${found.verdict}, but no majority of the council votes: ${muteWords(mute)}`,
  };
}

interface CouncilNow {
  readonly name: string;
  readonly members: readonly string[];
  /** The loss of one node that it does not survive; empty: it survives every one. */
  readonly weakness: string;
  /** Those that answer the manager. */
  readonly there: readonly string[];
  readonly hearing: CouncilHearing;
  /** Those of them that do not vote yet. */
  readonly mute: readonly { readonly name: string; readonly forMs: number }[];
}

function councilNow(state: ManagerState, pool: string, wallMs: number): CouncilNow {
  const { members = [], name = '' } = state.councilOfPool(pool) ?? {};
  const declared = state.set?.declared;
  return {
    name,
    members,
    weakness: (declared && members.length > 0 && councilWeakness({ name, members }, declared)) || '',
    there: reachableMembers(state, members),
    hearing: hearingOf(state, { name, members }),
    mute: muteMembers(state, members, wallMs),
  };
}

function isMajority(count: number, members: readonly string[]): boolean {
  return count > members.length / 2;
}

function muteWords(mute: CouncilNow['mute']): string {
  const each = mute.map(
    ({ name, forMs }) => `${name} was started anew and is mute for another ${Math.ceil(forMs / 1_000)} s`,
  );
  return each.join(', ');
}

function councilLine(state: ManagerState, pool: string, wallMs: number): string {
  const { name, members, weakness, there, hearing, mute } = councilNow(state, pool, wallMs);
  const needed = Math.floor(members.length / 2) + 1;
  if (members.length === 0) return 'There is no council yet: nobody can hold a slot.';
  const verdict = !isMajority(Math.min(there.length, hearing.together.length), members)
    ? 'no lease is granted or renewed until more are back'
    : isMajority(there.length - mute.length, members)
      ? 'leases can be granted'
      : 'no lease is granted to anybody else until more of them vote';
  const answer = `${there.length} of ${members.length} members of ${whichCouncil(state, name)} answer (${needed} are needed)`;
  const cut = hearing.cuts.length === 0 ? '' : `, but ${cutWords(hearing)}`;
  return `${answer}${cut}${mute.length === 0 ? '' : `, ${muteWords(mute)}`}: ${verdict}.${weakness && ` ${weakness}`}`;
}

function frozenLine({ frozen }: ManagerState): string[] {
  return frozen ? [`Frozen: ${frozen.reason}. Nothing is placed anew, moved or deleted.`] : [];
}

function stuckLines(state: ManagerState, pool: string): string[] {
  return [...state.unfit].flatMap((id) => {
    const instance = state.instances.get(id);
    if (instance?.pool !== pool) return [];
    const tried = [...(instance.failedOn?.map(({ node }) => node) ?? []), instance.node];
    return [
      `${instanceName(instance)} was not ready for too long on ${tried.join(', ')}; no other node is free for it.`,
    ];
  });
}
