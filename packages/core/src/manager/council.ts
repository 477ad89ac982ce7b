// SPDX-License-Identifier: Apache-2.0
import { COUNCIL_ID_MAX } from '@vnfpool/wire/lease';
import type { CouncilReport } from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import type { DeclaredSet } from '../declared/set.ts';
import { type CouncilHearing, councilHearing, cutWords } from '../planner/hearing.ts';
import { hex64 } from './hex64.ts';
import type { Journal } from './journal.ts';
import { lifeOf } from './node-reports.ts';
import type { CouncilRecord, SetRecord } from './records.ts';
import { type Refusal, refuse } from './refusal.ts';
import type { ManagerState } from './state.ts';

/** `1.4`: generation and number, for people. */
export function councilName({ version }: Pick<CouncilRecord, 'version'>): string {
  return `${version.generation}.${version.number}`;
}

/** Members that are heard of. */
export function reachableMembers(state: ManagerState, members: readonly string[]): string[] {
  return members.filter((name) => state.lives.get(name)?.state === 'registered');
}

/** Who of the members that are heard of hear each other, by what nodes say of them. */
export function hearingOf(
  state: ManagerState,
  { name: council, members }: Pick<CouncilRecord, 'name' | 'members'>,
): CouncilHearing {
  const id = state.set?.councils.find((each) => each.name === council)?.id;
  const witnesses = new Set(state.set?.declared.nodes.flatMap((node) => (node.witness ? [node.name] : [])));
  const listeners = [...state.nodes.values()].flatMap((node) => {
    const life = state.lives.get(node.name);
    if (life?.state !== 'registered') return [];
    const { silent = [] } = life.councils.find((each) => each.id === id) ?? {};
    return [{ id: node.id, name: node.name, runsFunctions: !witnesses.has(node.name), silent }];
  });
  return councilHearing(reachableMembers(state, members), listeners);
}

/** Members that are heard of, and vote for nobody yet since their agents were started anew; with the time until they do. */
export function muteMembers(
  state: ManagerState,
  members: readonly string[],
  wallMs: number,
): { readonly name: string; readonly forMs: number }[] {
  return reachableMembers(state, members).flatMap((name) => {
    const forMs = (state.lives.get(name)?.muteUntilMs ?? 0) - wallMs;
    return forMs > 0 ? [{ name, forMs }] : [];
  });
}

/** `the council`; of several `council west`. */
export function whichCouncil(state: ManagerState, name: string): string {
  return isOneOfSeveral(state) ? `council ${name}` : 'the council';
}

/** Whether a council has to be called by its name. */
function isOneOfSeveral({ set }: ManagerState): boolean {
  return (set?.councils.length ?? 0) > 1;
}

/** Of a declaration that would give a slot to two councils, or that has too many of them. */
export function councilRefusal(set: SetRecord, declared: DeclaredSet): Refusal | undefined {
  for (const { name, council } of set.declared.pools) {
    const next = declared.pools.find((pool) => pool.name === name);
    if (next === undefined || next.council === council) continue;
    const message = `Slots of pool ${name} are granted by council ${council}, and by no other one as long as there is the pool: two councils would not know of each other's leases. Declare another pool for ${next.council}.`;
    return refuse('NOT_READY', message);
  }
  const fresh = declared.councils.filter(({ name }) => !set.councils.some((each) => each.name === name));
  if (set.councilsFormed + fresh.length <= COUNCIL_ID_MAX) return undefined;
  return refuse(
    'TOO_LARGE',
    `A set has had at most ${COUNCIL_ID_MAX} councils in its life, and no number twice.`,
  );
}

/** Under which councils a node works, by its own word. */
export function takeCouncilReports(
  state: ManagerState,
  journal: Journal,
  name: string,
  reports: readonly CouncilReport[],
  wallMs: number,
): void {
  const life = lifeOf(state, name);
  const former = life.councils;
  life.councils = reports;
  for (const { id, version, rival } of reports) {
    const before = former.find((each) => each.id === id)?.rival;
    if (rival === null || before?.randomId === rival.randomId) continue;
    const message = `${name} has heard of two councils of generation ${version.generation}, and acts for no slot of them: two persons decided, each for one. Decide once more, for one of them.`;
    journal.event(wallMs, 'council.rival', 'error', `node ${name}`, message);
  }
}

interface ForcedChoice {
  readonly members: readonly string[];
  /** Name of the council; undefined: the only one. */
  readonly council: string | undefined;
}

/**
 * The council by which an operator goes on without those that he says are dead. Refused where one of them is heard of,
 * since then it is not, and where one of those named is not.
 */
export function chooseForced(
  state: ManagerState,
  { members: names, council: name }: ForcedChoice,
  random: Random,
  wallMs: number,
): CouncilRecord | Refusal {
  const councils = state.set?.councils ?? [];
  const all = councils.map((each) => each.name).join(', ');
  if (name === undefined && councils.length > 1)
    return refuse(
      'NOT_READY',
      `Each of the councils ${all} grants slots of its own: say for which you decide.`,
    );
  const council = name === undefined ? councils[0] : councils.find((each) => each.name === name);
  if (!council)
    return refuse(
      'NOT_FOUND',
      name === undefined || all === ''
        ? 'There is no council yet.'
        : `There is no council ${name}, but ${all}.`,
    );
  const members = [...new Set(names)];
  if (![1, 3, 5].includes(members.length))
    return refuse('NOT_READY', `A council has 1, 3 or 5 members, not ${members.length}.`);
  for (const member of members) {
    if (!state.nodes.has(member)) return refuse('NOT_FOUND', `No node ${member} has joined.`);
    if (state.lives.get(member)?.state !== 'registered')
      return refuse('NOT_READY', `${member} cannot be reached, so it cannot decide.`);
  }
  const dead = council.members.filter((member) => !members.includes(member));
  const alive = reachableMembers(state, dead);
  if (alive.length > 0) {
    const message = `${alive.join(', ')} can be reached: name it too, or declare another council.`;
    return refuse('NOT_READY', message);
  }
  const { generation } = council.version;
  return {
    id: council.id,
    name: council.name,
    version: { generation: generation + 1, number: 1, randomId: hex64(random.u64()) },
    members,
    isForced: true,
    forced: { atMs: wallMs, over: councilName(council), dead },
  };
}

/** What was told last of one council. */
interface Told {
  readonly council: CouncilRecord;
  /** Undefined while nodes register after a start. */
  hadMajority: boolean | undefined;
}

/** Tells what becomes of the councils, and when nobody could take a slot any more. */
export class CouncilWatch {
  readonly #state: ManagerState;
  readonly #told: Map<number, Told>;

  constructor(state: ManagerState) {
    this.#state = state;
    const councils = state.set?.councils ?? [];
    this.#told = new Map(councils.map((council) => [council.id, { council, hadMajority: undefined }]));
  }

  tellChanges(journal: Journal, wallMs: number): void {
    const { set } = this.#state;
    const subject = `set ${set?.declared.name ?? ''}`;
    const councils = set?.councils ?? [];
    for (const council of councils) this.#tellChanges(journal, council, subject, wallMs);
    for (const [id, { council }] of this.#told) {
      if (councils.some((each) => each.id === id)) continue;
      this.#told.delete(id);
      const message = `Council ${council.name} grants nothing any more: the file does not name it.`;
      journal.event(wallMs, 'council.dissolved', 'info', subject, message);
    }
  }

  #tellChanges(journal: Journal, council: CouncilRecord, subject: string, wallMs: number): void {
    const former = this.#told.get(council.id);
    const { hadMajority: before } = former ?? {};
    this.#tellCouncil(journal, council, former?.council ?? null, subject, wallMs);
    const reachable = reachableMembers(this.#state, council.members).length;
    const hearing = hearingOf(this.#state, council);
    const isCut = hearing.together.length < reachable;
    const hasMajority = hearing.together.length > council.members.length / 2;
    // What it was at the start is not news: nodes are still registering then.
    const hadMajority = hasMajority || before !== undefined ? hasMajority : undefined;
    this.#told.set(council.id, { council, hadMajority });
    if (before === undefined || before === hasMajority) return;
    const of = `${reachable} of the ${council.members.length} members of council ${this.#titleOf(council)} can be reached`;
    const cut = `at most ${hearing.together.length} of them hear each other (${cutWords(hearing)})`;
    const force = isOneOfSeveral(this.#state) ? ` --council ${council.name}` : '';
    journal.event(
      wallMs,
      hasMajority ? 'council.majority-back' : 'council.majority-lost',
      hasMajority ? 'info' : 'error',
      subject,
      hasMajority
        ? `${of}: slots can change hands again.`
        : isCut && reachable > council.members.length / 2
          ? `${of}, but ${cut}: no majority. Nobody can take or keep a slot until lease datagrams (UDP) pass between them again.`
          : `${of}: no majority. Unless they reach each other without this manager, nobody can take or keep a slot. If the others are dead for good, decide with: vnfpool council force${force}`,
    );
  }

  /** `1.4`; of several `west 1.4`. */
  #titleOf(council: Pick<CouncilRecord, 'version' | 'name'>): string {
    return `${isOneOfSeveral(this.#state) ? `${council.name} ` : ''}${councilName(council)}`;
  }

  #tellCouncil(
    journal: Journal,
    council: CouncilRecord,
    former: CouncilRecord | null,
    subject: string,
    wallMs: number,
  ): void {
    const { next, forced, members, name: own } = council;
    if (next && next.version.randomId !== former?.next?.version.randomId) {
      const message = `Council ${this.#titleOf({ ...next, name: own })} is announced: ${next.members.join(', ')}.`;
      journal.event(wallMs, 'council.announced', 'info', subject, message);
    }
    if (former === null || former.version.randomId === council.version.randomId) return;
    const name = `Council ${this.#titleOf(council)}`;
    const whose = members.join(', ');
    journal.event(
      wallMs,
      forced ? 'council.forced' : 'council.changed',
      forced ? 'warning' : 'info',
      subject,
      forced
        ? `${name} was decided on by an operator: ${whose}. It goes on without ${forced.dead.join(', ') || 'anyone else'}; if they live after all, a slot may have been held twice.`
        : `${name} is in force: ${whose}.`,
    );
  }
}
