// SPDX-License-Identifier: Apache-2.0
import type { DeclaredCouncil, DeclaredSet } from '../declared/set.ts';
import type { Decision } from './actions.ts';
import {
  councilOf,
  councilWord,
  type Observed,
  type ObservedCouncil,
  type ObservedNode,
  takesOrders,
} from './observed.ts';

/**
 * How councils become the declared ones. Each by itself: announced to all first, in force once those that can be reached
 * have it on disk, and one step only after the one before is over. A step replaces one member, or adds or removes two. One
 * that is not declared any more goes once no slot is left that it might have granted.
 */
export function decideCouncils(declared: DeclaredSet, observed: Observed): Decision[] {
  const names = new Set(declared.councils.map(({ name }) => name));
  const pools = new Set(declared.pools.map(({ name }) => name));
  const areSlotsDeclared = observed.slots.every(({ pool }) => pools.has(pool));
  const surplus = areSlotsDeclared ? observed.councils.filter(({ name }) => !names.has(name)) : [];
  return [
    ...declared.councils.flatMap((each) => decideCouncil(each, observed)),
    ...surplus.map(({ name }): Decision => {
      const reason = 'the file does not name it any more, and no slot is left that it grants';
      return { type: 'dissolve-council', council: name, reason };
    }),
  ];
}

function decideCouncil(declared: DeclaredCouncil, observed: Observed): Decision[] {
  const { name, members: wanted } = declared;
  const council = councilOf({ council: name }, observed);
  if (!council) {
    const reason =
      wanted.length === 1
        ? 'one node decides who holds a slot'
        : `a majority of ${wanted.length} nodes decides who holds a slot`;
    return [{ type: 'form-council', council: name, members: wanted, reason }];
  }
  if (council.next) {
    return waitingFor(council, observed) === null
      ? [{ type: 'enforce-council', council: name, reason: 'all that can be reached know of it' }]
      : [];
  }
  const members = nextStep(declared, council, observed);
  if (members === null || unsettled(council, observed) !== null) return [];
  return [{ type: 'announce-council', council: name, members, reason: 'the file names other members' }];
}

/** What the council waits for; null: nothing, it is the declared one. */
export function explainCouncil(declared: DeclaredCouncil, observed: Observed): string | null {
  const council = councilOf({ council: declared.name }, observed);
  if (!council) return null;
  if (council.next) {
    const waits = waitingFor(council, observed);
    return waits && `Council ${council.next.members.join(', ')} is announced and waits: ${waits}.`;
  }
  if (isSame(declared.members, council.members)) {
    const rest = council.former || council.isForced ? unsettled(council, observed) : null;
    return rest && `Council ${council.members.join(', ')} is whole once ${rest}.`;
  }
  const waits =
    unsettled(council, observed) ??
    (nextStep(declared, council, observed) === null ? 'a majority of both can be reached with it' : null);
  return waits && `The council is ${council.members.join(', ')} until ${waits}.`;
}

/** Why the announced council cannot be in force yet. */
function waitingFor({ id, members, next }: ObservedCouncil, observed: Observed): string | null {
  if (!next) return null;
  const knows = (node: ObservedNode): boolean => {
    const word = councilWord(node, id);
    return [word?.next, word?.version].some((version) => version?.randomId === next.version.randomId);
  };
  // A peer that works under it already: whoever has it stored follows.
  const isUnder = (node: ObservedNode): boolean =>
    councilWord(node, id)?.version.randomId === next.version.randomId;
  if (observed.nodes.some(isUnder)) return null;
  const missing = observed.nodes.filter(
    (node) => takesOrders(node) && node.endpoint !== null && !knows(node),
  );
  if (missing.length > 0) return `${missing.map(({ name }) => name).join(', ')} has not stored it`;
  const known = new Set(
    observed.nodes.filter((node) => takesOrders(node) && knows(node)).map(({ name }) => name),
  );
  const short = [members, next.members].find((of) => !isMajority(of, known));
  return short ? `no majority of ${short.join(', ')} can be reached` : null;
}

/** What is left of the last change: a majority of the members has to be able to vote for every slot. */
function unsettled({ id, version, members }: ObservedCouncil, observed: Observed): string | null {
  const nodes = members.map((name) => observed.nodes.find((node) => node.name === name));
  const voices = new Set(
    nodes.flatMap((node) => {
      const word = councilWord(node, id);
      return node && word?.version.randomId === version.randomId && word.voiceless === 0 ? [node.name] : [];
    }),
  );
  const silent = nodes.find((node) => takesOrders(node) && !voices.has(node.name));
  if (silent) return `${silent.name} has taken over what the former one decided`;
  return isMajority(members, voices) ? null : `a majority of ${members.join(', ')} can be reached`;
}

/** The members of the next step; null: there is none, or none that would leave a majority within reach. */
function nextStep(
  declared: DeclaredCouncil,
  { members }: ObservedCouncil,
  observed: Observed,
): readonly string[] | null {
  const reachable = new Set(
    observed.nodes.filter((node) => takesOrders(node) && node.endpoint !== null).map(({ name }) => name),
  );
  const missing = declared.members.filter((name) => !members.includes(name) && reachable.has(name));
  // Those of whom nothing is heard go first.
  const surplus = members
    .filter((name) => !declared.members.includes(name))
    .sort((a, b) => Number(reachable.has(a)) - Number(reachable.has(b)));
  const grows = declared.members.length - members.length;
  const [leaving, coming] =
    grows > 0
      ? [[], missing.slice(0, 2)]
      : grows < 0
        ? [surplus.slice(0, 2), []]
        : [surplus.slice(0, 1), missing.slice(0, 1)];
  if (leaving.length + coming.length < 2) return null;
  const next = [...members.filter((name) => !leaving.includes(name)), ...coming];
  return isMajority(members, reachable) && isMajority(next, reachable) ? next : null;
}

function isMajority(members: readonly string[], of: ReadonlySet<string>): boolean {
  return members.filter((name) => of.has(name)).length > members.length / 2;
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
