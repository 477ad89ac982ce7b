// SPDX-License-Identifier: Apache-2.0
import type { DeclaredCouncil, DeclaredPool, DeclaredSet } from '../declared/set.ts';
import { describeFailover, describePace } from '../lease/index.ts';
import { instancesOf, slotsPerInstance } from './surplus.ts';

/** What a council is judged by: of the declaration its nodes, councils and pools. */
type Declared = Pick<DeclaredSet, 'nodes' | 'councils' | 'pools'>;

/** Pools that are named; of more than these only how many they are. */
const POOLS_NAMED_MAX = 5;

/**
 * What becomes of a slot for which nobody waits. An instance that is made anew elsewhere (`restart.elsewhere`) does not get it while
 * nothing is heard of the dead node: whoever has it there may hold its address.
 */
const ALONE =
  'nobody else could take a slot: it is back when its own instance is ready again, and where the node has died, not before that is back';

/**
 * Members without any one of which no majority is left: nobody can take a slot then, or keep one. None, from three
 * members on. A witness is a member like any other.
 */
export function fatalMembers(members: readonly string[]): readonly string[] {
  return members.length - 1 > members.length / 2 ? [] : members;
}

/**
 * What comes of the loss of one node that a council does not survive, and the remedy, in sentences; null: it survives
 * every one, or the set has one node, so that there is nobody to go on.
 *
 * @param council its members now, or as they are declared
 */
export function councilWeakness(council: DeclaredCouncil, declared: Declared): string | null {
  const { name, members } = council;
  const fatal = fatalMembers(members);
  if (fatal.length === 0 || declared.nodes.length < 2) return null;
  const own = declared.pools.filter((pool) => pool.council === name).map((pool) => pool.name);
  const isOnly = declared.councils.length < 2;
  const which = isOnly ? 'The council' : `Council ${name}`;
  const slots = isOnly || own.length === 0 ? 'no slot' : `no slot of ${poolWords(own)}`;
  const loss = `${which} is ${members.join(', ')} alone: when ${fatal.join(' or ')} is gone, ${slots} is granted or renewed, so nobody takes over, and whoever holds one elsewhere loses it.`;
  return `${loss} ${remedy(council, declared)}`;
}

/** What is said of a declaration that is taken as it is; nothing where there is nothing to say. */
export function warningsOf(declared: Declared): { readonly warnings?: readonly string[] } {
  const warnings = councilWeaknesses(declared);
  return warnings.length === 0 ? {} : { warnings };
}

/** The weaknesses of a declaration's councils, as they are declared; mostly none. */
export function councilWeaknesses(declared: Declared): string[] {
  return declared.councils.flatMap((council) => councilWeakness(council, declared) ?? []);
}

/**
 * What a pool's lease means, in one line: `…; a dead node is replaced within 348 ms`, as long as its council lives. Where nobody
 * could take a slot but the instance that it belongs to, nothing is replaced, and what it waits for is said instead.
 *
 * @param members of its council now; default: as they are declared
 */
export function failoverWords(
  pool: Pick<DeclaredPool, 'council' | 'failover' | 'redundancy'>,
  declared: Declared,
  members: readonly string[] = declared.councils.find(({ name }) => name === pool.council)?.members ?? [],
): string {
  if (!hasFollowers(pool, declared)) return `${describePace(pool.failover)}; ${ALONE}`;
  const pace = describeFailover(pool.failover);
  const fatal = fatalMembers(members);
  if (fatal.length === 0) return pace;
  const condition = fatal.length === 1 ? 'which alone is its council' : 'of whom its council needs each';
  return `${pace}, as long as ${fatal.join(' and ')} ${fatal.length === 1 ? 'lives' : 'live'}, ${condition}`;
}

/**
 * Whether the instances could hold more slots than there are, so that somebody could take one that is free: by what is declared,
 * and by the nodes, each of which runs one instance of a pool at most.
 */
function hasFollowers({ redundancy }: Pick<DeclaredPool, 'redundancy'>, { nodes }: Declared): boolean {
  const homes = nodes.filter(({ witness }) => !witness).length;
  const there = Math.min(instancesOf({ redundancy }), homes);
  return there > 1 && there * slotsPerInstance({ redundancy }) > redundancy.slots;
}

function poolWords(names: readonly string[]): string {
  const more = names.length - POOLS_NAMED_MAX;
  return more > 0 ? `${names.slice(0, POOLS_NAMED_MAX).join(', ')} and ${more} more` : names.join(' or ');
}

function remedy({ name }: DeclaredCouncil, { councils, nodes }: Declared): string {
  const wanted = councils.find((each) => each.name === name);
  if (wanted && fatalMembers(wanted.members).length === 0)
    return `The declared one is ${wanted.members.join(', ')}: it survives any one of them, once it is in force.`;
  const key = councils.length < 2 ? '`council`' : `\`councils.${name}\``;
  return nodes.length < 3
    ? `Declare a third node, which may be a witness (\`witness: true\`: it votes and runs nothing), and name all three in ${key}, or nobody there.`
    : `Name three nodes in ${key}.`;
}
