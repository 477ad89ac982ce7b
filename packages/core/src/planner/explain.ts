// SPDX-License-Identifier: Apache-2.0
import type { DeclaredPool, DeclaredSet } from '../declared/set.ts';
import { formatEpoch } from '../identity.ts';
import { stallAdvice } from '../lease/index.ts';
import type { ExplainView } from '../management/views.ts';
import { explainCouncil } from './council.ts';
import { councilWeakness, failoverWords } from './council-losses.ts';
import { indexed } from './indexed.ts';
import {
  councilOf,
  instanceName,
  isReady,
  type Observed,
  type ObservedInstance,
  type ObservedNode,
  type ObservedSlot,
  refusalOf,
} from './observed.ts';
import { rankingOf, rolesOf, slotsOf } from './roles.ts';
import { sharingLines } from './sharing.ts';
import { upgradeLines } from './upgrade-words.ts';
import { nodeTrouble, runTrouble } from './verdicts.ts';

/** Why a pool is as it is; undefined when it is not declared. */
export function explainPool(
  declared: DeclaredSet,
  observed: Observed,
  name: string,
): ExplainView | undefined {
  const pool = declared.pools.find((each) => each.name === name);
  if (!pool) return undefined;
  const nodes = indexed(observed).nodes;
  const roles = rolesOf(pool, observed);
  const lines = roles.map(
    ({ instance, role, slot }) =>
      `${instanceName(instance)} on ${instance.node} is wanted as ${role}${slot ? ` of slot ${slot.index}` : ''}: ${verdictOf(instance, slot, nodes)}.`,
  );
  const own = declared.councils.filter((each) => each.name === pool.council);
  const { members = own.flatMap((each) => each.members) } = councilOf(pool, observed) ?? {};
  const missing = members.filter((member) => !nodes.has(member));
  if (missing.length > 0)
    lines.push(`Slots wait until ${missing.join(', ')} has joined: the council is not complete.`);
  lines.push(...own.flatMap((each) => explainCouncil(each, observed) ?? []));
  lines.push(...upgradeLines(pool, observed), ...sharingLines(pool, observed));
  const slots = slotsOf(pool, observed);
  for (let index = slots.length; index < pool.redundancy.slots; index++) {
    if (!slots.some((slot) => slot.index === index))
      lines.push(`Slot ${index} does not exist yet: none of its candidates is on a node that has joined.`);
  }
  lines.push(`Failover ${failoverWords(pool, declared, members)}.`);
  const weakness = councilWeakness({ name: pool.council, members }, declared);
  if (weakness !== null) lines.push(weakness);
  for (const name of leaseNodesOf(pool, observed)) {
    const stalls = nodes.get(name)?.stalls;
    const advice = stalls ? stallAdvice(pool.failover.leaseMs, stalls) : undefined;
    if (advice) lines.push(`${name} ${advice}.`);
  }
  return {
    pool: name,
    lines,
    slots: slots.map((slot) => explainSlot(pool, slot, observed, nodes)),
  };
}

/** Nodes on whose pace the pool's leases depend: members of the council, and hosts of its instances. */
function leaseNodesOf(pool: DeclaredPool, observed: Observed): ReadonlySet<string> {
  const hosts = indexed(observed)
    .instancesOf(pool.name)
    .map(({ node }) => node);
  return new Set([...(councilOf(pool, observed)?.members ?? []), ...hosts]);
}

function explainSlot(
  pool: DeclaredPool,
  slot: Observed['slots'][number],
  observed: Observed,
  nodes: ReadonlyMap<string, ObservedNode>,
): ExplainView['slots'][number] {
  const byId = indexed(observed).instances;
  const holder = slot.holder === null ? undefined : byId.get(slot.holder);
  const why = holder
    ? `${instanceName(holder)} holds it since epoch ${formatEpoch(slot.epoch)}: a majority of the council granted it the lease.`
    : slot.epoch === 0
      ? 'Nobody has held it yet.'
      : `Nobody is known to hold it; the last epoch is ${formatEpoch(slot.epoch)}.`;
  return {
    index: slot.index,
    holder: holder ? instanceName(holder) : null,
    why,
    candidates: rankingOf(pool, slot.index, observed).flatMap((functionId, rank) => {
      const instance = byId.get(functionId);
      return instance
        ? [{ name: instanceName(instance), rank: rank + 1, verdict: verdictOf(instance, slot, nodes) }]
        : [];
    }),
  };
}

function verdictOf(
  instance: ObservedInstance,
  slot: ObservedSlot | null,
  nodes: ReadonlyMap<string, ObservedNode>,
): string {
  const node = nodes.get(instance.node);
  const trouble = nodeTrouble(node, instance) ?? runTrouble(instance);
  if (trouble !== null) return trouble;
  if (!instance.healthy) return 'its health check fails';
  if (!isReady(instance, nodes)) return 'not ready';
  const refusal = slot === null ? undefined : refusalOf(instance, slot);
  if (refusal) return refusal.why;
  return node?.draining
    ? `ready; it stays on ${instance.node}, which is drained, until a node is free`
    : 'ready';
}
