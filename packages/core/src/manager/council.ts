// SPDX-License-Identifier: Apache-2.0
import type { CouncilReport } from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import { hex64 } from './hex64.ts';
import type { Journal } from './journal.ts';
import { lifeOf } from './node-reports.ts';
import type { CouncilRecord } from './records.ts';
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

/** Under which council a node works, by its own word. */
export function takeCouncilReport(
  state: ManagerState,
  journal: Journal,
  name: string,
  report: CouncilReport,
  wallMs: number,
): void {
  const life = lifeOf(state, name);
  const former = life.council;
  life.council = report;
  if (report.rival === null || former?.rival?.randomId === report.rival.randomId) return;
  const message = `${name} has heard of two councils of generation ${report.version.generation}, and acts for no slot: two persons decided, each for one. Decide once more, for one of them.`;
  journal.event(wallMs, 'council.rival', 'error', `node ${name}`, message);
}

/**
 * The council by which an operator goes on without those that he says are dead. Refused where one of them is heard of,
 * since then it is not, and where one of those named is not.
 */
export function chooseForced(
  state: ManagerState,
  names: readonly string[],
  random: Random,
  wallMs: number,
): CouncilRecord | Refusal {
  const council = state.set?.council;
  if (!council) return refuse('NOT_FOUND', 'There is no council yet.');
  const members = [...new Set(names)];
  if (![1, 3, 5].includes(members.length))
    return refuse('NOT_READY', `A council has 1, 3 or 5 members, not ${members.length}.`);
  for (const name of members) {
    if (!state.nodes.has(name)) return refuse('NOT_FOUND', `No node ${name} has joined.`);
    if (state.lives.get(name)?.state !== 'registered')
      return refuse('NOT_READY', `${name} cannot be reached, so it cannot decide.`);
  }
  const dead = council.members.filter((name) => !members.includes(name));
  const alive = reachableMembers(state, dead);
  if (alive.length > 0) {
    const message = `${alive.join(', ')} can be reached: name it too, or declare another council.`;
    return refuse('NOT_READY', message);
  }
  const { generation } = council.version;
  return {
    version: { generation: generation + 1, number: 1, randomId: hex64(random.u64()) },
    members,
    isForced: true,
    forced: { atMs: wallMs, over: councilName(council), dead },
  };
}

/** Tells what becomes of the council, and when nobody could take a slot any more. */
export class CouncilWatch {
  readonly #state: ManagerState;
  #told: CouncilRecord | null;
  #hadMajority: boolean | undefined;

  constructor(state: ManagerState) {
    this.#state = state;
    this.#told = state.set?.council ?? null;
  }

  tellChanges(journal: Journal, wallMs: number): void {
    const { set } = this.#state;
    const council = set?.council ?? null;
    if (council === null) return;
    const subject = `set ${set?.declared.name ?? ''}`;
    this.#tellCouncil(journal, council, subject, wallMs);
    const reachable = reachableMembers(this.#state, council.members).length;
    const hasMajority = reachable > council.members.length / 2;
    const before = this.#hadMajority;
    // What it was at the start is not news: nodes are still registering then.
    if (hasMajority || before !== undefined) this.#hadMajority = hasMajority;
    if (before === undefined || before === hasMajority) return;
    const of = `${reachable} of the ${council.members.length} members of council ${councilName(council)} can be reached`;
    journal.event(
      wallMs,
      hasMajority ? 'council.majority-back' : 'council.majority-lost',
      hasMajority ? 'info' : 'error',
      subject,
      hasMajority
        ? `${of}: slots can change hands again.`
        : `${of}: no majority. Unless they reach each other without this manager, nobody can take or keep a slot. If the others are dead for good, decide with: vnfpool council force`,
    );
  }

  #tellCouncil(journal: Journal, council: CouncilRecord, subject: string, wallMs: number): void {
    const former = this.#told;
    this.#told = council;
    const { next, forced, members } = council;
    if (next && next.version.randomId !== former?.next?.version.randomId) {
      const message = `Council ${councilName(next)} is announced: ${next.members.join(', ')}.`;
      journal.event(wallMs, 'council.announced', 'info', subject, message);
    }
    if (former === null || former.version.randomId === council.version.randomId) return;
    const name = `Council ${councilName(council)}`;
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
