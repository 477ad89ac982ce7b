// SPDX-License-Identifier: Apache-2.0
import type { MergeableState } from '@vnfpool/core/gossip';
import { toHex } from '@vnfpool/wire/bytes';

/** A promise that was broken. */
export class GossipViolation extends Error {
  override readonly name = 'GossipViolation';
}

/** One life of one instance, as the world counts them. */
export interface LifeOfNode {
  isOver: boolean;
  /** Dots that are there, and those that were. */
  present: ReadonlyMap<string, string>;
  readonly gone: Set<string>;
}

interface Issued {
  readonly by: LifeOfNode;
  readonly value: string;
}

/** What all instances did, whoever heard of it. */
export class Ledger {
  readonly #issued = new Map<string, Issued>();
  readonly #replacedBy = new Map<string, LifeOfNode[]>();
  /** What an heir makes its own afterwards has new dots. */
  #isClosed = false;

  /** An update was acknowledged. */
  updated(life: LifeOfNode, state: MergeableState): void {
    this.#acted(life, dotsOf(state), () => true);
  }

  /**
   * It goes on for replicas of former lives: what is in their cells is its own now, as if it had written it anew. What it has heard of
   * others may count by that, too.
   */
  inherited(life: LifeOfNode, state: MergeableState, isOwn: (name: string) => boolean): void {
    if (this.#isClosed) return;
    const after = dotsOf(state);
    const taken = new Set([...life.present.keys()].filter((dot) => isOwn(replicaIn(dot))).map(cellIn));
    this.#acted(life, after, (dot) => isOwn(replicaIn(dot)) || (taken.has(cellIn(dot)) && !after.has(dot)));
  }

  #acted(life: LifeOfNode, after: ReadonlyMap<string, string>, isItsDoing: (dot: string) => boolean): void {
    const before = life.present;
    for (const [dot, value] of after) {
      if (before.has(dot) || !isItsDoing(dot)) continue;
      const earlier = this.#issued.get(dot);
      if (earlier !== undefined && (earlier.value !== value || earlier.by !== life))
        throw new GossipViolation(`${dot} was made twice`);
      this.#issued.set(dot, { by: life, value });
    }
    for (const dot of before.keys()) {
      if (after.has(dot) || !isItsDoing(dot)) continue;
      const lives = this.#replacedBy.get(dot) ?? [];
      lives.push(life);
      this.#replacedBy.set(dot, lives);
    }
    this.#observe(life, after);
  }

  /** Something was merged. */
  heard(life: LifeOfNode, state: MergeableState): void {
    if (!this.#isClosed) this.#observe(life, dotsOf(state));
  }

  #observe(life: LifeOfNode, now: ReadonlyMap<string, string>): void {
    for (const [dot, value] of now) {
      if (life.gone.has(dot)) throw new GossipViolation(`${dot} came back`);
      const issued = this.#issued.get(dot);
      if (issued === undefined) throw new GossipViolation(`${dot} comes from nowhere`);
      if (issued.value !== value)
        throw new GossipViolation(`${dot} is ${value}, was made as ${issued.value}`);
    }
    for (const dot of life.present.keys()) if (!now.has(dot)) life.gone.add(dot);
    life.present = now;
  }

  /** All are equal: this is what they have. */
  settled(state: MergeableState): void {
    this.#isClosed = true;
    const there = dotsOf(state);
    for (const [dot, { by }] of this.#issued) {
      const replacedBy = this.#replacedBy.get(dot) ?? [];
      if (!by.isOver && replacedBy.length === 0 && !there.has(dot))
        throw new GossipViolation(`${dot} is lost, though who made it lives`);
      if (there.has(dot) && replacedBy.some((life) => !life.isOver))
        throw new GossipViolation(`${dot} is there, though who removed it lives`);
    }
  }
}

/** Of `counter key1  101.2:5`: `counter key1 `. */
function cellIn(dot: string): string {
  return dot.slice(0, dot.lastIndexOf(' '));
}

/** Of `counter key1  101.2:5`: `101.2`. */
function replicaIn(dot: string): string {
  return dot.slice(dot.lastIndexOf(' ') + 1, dot.lastIndexOf(':'));
}

/** Every entry as `cell replica:version`, with its value. */
function dotsOf(state: MergeableState): ReadonlyMap<string, string> {
  const dots = new Map<string, string>();
  for (const { place, entries } of state.cells()) {
    const cell = `${place.kind} ${String.fromCharCode(...place.key)} ${String.fromCharCode(...place.element)}`;
    for (const [name, { version, value }] of entries) {
      const what =
        value.kind === 'counter'
          ? `+${value.plus} -${value.minus}`
          : value.kind === 'register'
            ? `${value.time} ${toHex(value.value)}`
            : '';
      dots.set(`${cell} ${name}:${version}`, what);
    }
  }
  return dots;
}

/** What somebody who uses the state sees of it, as text. */
export function shownBy(state: MergeableState): string {
  return state
    .keys()
    .map((key) => {
      const value = state.register(key);
      const elements = state.elements(key).map(toHex).join(',');
      return `${toHex(key)}: ${state.counter(key) ?? '-'} ${value === undefined ? '-' : toHex(value)} {${elements}}`;
    })
    .sort()
    .join('\n');
}

/** Two equal states have this equal; `shownBy` says nothing of what decides later merges. */
export function fullyTold(state: MergeableState): string {
  const vector = [...state.vector]
    .filter(([, version]) => version > 0)
    .map(String)
    .sort();
  const floors = [...state.floors.values()]
    .map(({ origin, incarnation }) => `${origin}.${incarnation}`)
    .sort();
  return [...[...dotsOf(state)].map((dot) => dot.join(' ')).sort(), ...vector, ...floors].join('\n');
}
