// SPDX-License-Identifier: Apache-2.0
import type { Entry, MergeableState, Update } from '@vnfpool/core/gossip';
import { toHex } from '@vnfpool/wire/bytes';
import { decodeGossip, encodeGossip } from '@vnfpool/wire/gossip';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import { fullyTold, GossipViolation, shownBy } from './ledger.ts';
import { type GossipNode, nodeOf, originOf } from './node.ts';

/** What the world does for whoever damages it. */
export interface DamagedWorld {
  readonly random: SeededRandom;
  readonly living: readonly GossipNode[];
  /** Goes on until this is so; false: it was not in time. */
  readonly until: (isDone: () => boolean) => boolean;
  /** What goes to an instance, from now on, goes through this. */
  readonly garble: (change: (to: number, bytes: Uint8Array) => Uint8Array) => void;
}

type Changeable = { version: number; value: { plus?: number; value?: Uint8Array } };

/** Memory fails once all are equal and nothing is lost on the way any more; nothing else happens meanwhile. */
export function damageMemory(world: DamagedWorld): void {
  turnBit(world);
  if (world.living.length < 2) return;
  turnBitOfNews(world);
  garbleNews(world);
}

/** What others have as well is as it was, also what is counted meanwhile. */
function turnBit({ random, living, until }: DamagedWorld): void {
  const victim = random.pick(living);
  const state = stateOf(victim);
  const cells = [...state.cells()];
  if (cells.length === 0) return;
  const { place, entries } = random.pick(cells);
  const shown = shownBy(state);
  const before = place.kind === 'counter' ? state.counter(place.key) : undefined;
  turn(random.pick([...entries.values()]), random);
  const isCounted = before !== undefined && living.length > 1 && random.chance(0.5);
  if (isCounted)
    victim.input({ type: 'update', update: { type: 'count', key: place.key, by: 5 }, wallMs: 0 });
  const what = `a bit that turned in ${place.kind} ${toHex(place.key)} at ${originOf(victim.number)}`;
  if (!until(() => victim.damaged > 0)) throw new GossipViolation(`${what} was not found`);
  if (living.length < 2) return;
  if (!until(() => victim.mended > 0 && areEqual(living)))
    throw new GossipViolation(`${what} was not mended`);
  for (const each of living) {
    const isAsBefore = isCounted
      ? stateOf(each).counter(place.key) === before + 5
      : shownBy(stateOf(each)) === shown;
    if (!isAsBefore) throw new GossipViolation(`${what} has changed what ${originOf(each.number)} shows`);
  }
}

/** What nobody else knows yet stays where it is, until somebody who uses the state says what it is. */
function turnBitOfNews({ random, living, until }: DamagedWorld): void {
  const victim = random.pick(living);
  const state = stateOf(victim);
  const key = Uint8Array.of(1);
  const others = living.filter((each) => each !== victim);
  const write = (value: number): Update => ({ type: 'write', key, value: Uint8Array.of(value) });
  for (const value of [7, 9]) {
    victim.input({ type: 'update', update: write(value), wallMs: 0 });
    if (value === 9) break;
    if (!until(() => areEqual(living))) throw new GossipViolation('not equal in time before a bit turns');
  }
  const cell = [...state.cells()].find(({ place }) => place.kind === 'register' && place.key[0] === 1);
  for (const entry of cell?.entries.values() ?? []) turn(entry, random);
  const found = victim.damaged;
  let rounds = 0;
  until(() => rounds++ > 30);
  if (victim.damaged === found) throw new GossipViolation('a bit that turned in what is new was not found');
  for (const each of others)
    if (stateOf(each).register(key)?.[0] !== 7)
      throw new GossipViolation(`${originOf(each.number)} took what was damaged`);
  if (!state.isDamaged)
    throw new GossipViolation('what only one knew is lost, taken from others who knew less');
  victim.input({ type: 'update', update: write(11), wallMs: 0 });
  const isMended = (): boolean =>
    areEqual(living) && living.every((each) => stateOf(each).register(key)?.[0] === 11);
  if (!until(isMended)) throw new GossipViolation('what was written anew is not everywhere');
}

/** What was damaged before anybody summed it is told by whoever has something else. */
function garbleNews({ random, living, until, garble }: DamagedWorld): void {
  const author = random.pick(living);
  const victim = random.pick(living.filter((each) => each !== author));
  const key = Uint8Array.of(2);
  garble((to, bytes) => {
    if (nodeOf(to) !== victim.number) return bytes;
    const message = decodeGossip(bytes);
    if (message.type !== 'delta' && message.type !== 'part') return bytes;
    for (const cell of message.cells)
      if (cell.kind === 'counter' && cell.key[0] === 2)
        for (const { value } of cell.entries) (value as { plus: number }).plus = 8;
    return encodeGossip(message);
  });
  author.input({ type: 'update', update: { type: 'count', key, by: 1 }, wallMs: 0 });
  if (!until(() => stateOf(victim).counter(key) === 8)) throw new GossipViolation('nothing was garbled');
  if (!until(() => author.differs > 0 || victim.differs > 0))
    throw new GossipViolation(
      `nobody told that ${originOf(author.number)} and ${originOf(victim.number)} differ`,
    );
}

export function areEqual(nodes: readonly GossipNode[]): boolean {
  const [first, ...others] = nodes.map(({ state }) => (state === null ? '' : fullyTold(state)));
  return others.every((other) => other === first);
}

function turn(entry: Entry, random: SeededRandom): void {
  const changed = entry as unknown as Changeable;
  const bit = 1 << random.below(8);
  const octets = changed.value.value;
  if (octets !== undefined && octets.length > 0 && random.chance(0.5)) {
    const at = random.below(octets.length);
    octets[at] = (octets[at] as number) ^ bit;
  } else if (changed.value.plus !== undefined && random.chance(0.5)) changed.value.plus ^= bit;
  else changed.version ^= bit;
}

function stateOf({ state, number }: GossipNode): MergeableState {
  if (state === null) throw new GossipViolation(`${originOf(number)} is not there`);
  return state;
}
