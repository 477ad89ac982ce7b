// SPDX-License-Identifier: Apache-2.0
import {
  type CellPlace,
  type CellValue,
  FLOORS_MAX,
  type GossipCell,
  type GossipDelta,
  type GossipFloor,
  type GossipPart,
  type GossipReplica,
  OCTETS_MAX,
  REPLICAS_MAX,
  type ReplicaVersion,
} from '@vnfpool/wire/gossip';
import { GOSSIP_BOUNDS, type GossipBounds } from './bounds.ts';
import { type Cell, ENTRY_OCTETS, type Entry, idOf, joinVectors, textOf, type Vector } from './cell.ts';
import { CellTable } from './cell-table.ts';
import { HybridClock } from './hybrid-clock.ts';
import { isCovered, nameOf, replicaOf } from './replica.ts';
import { GossipRules } from './rules.ts';
import { StepLog } from './step-log.ts';
import { tellDelta, tellPart } from './telling.ts';
import type { ForgetRefusal, Refusal, Update } from './types.ts';

const NOTHING = new Uint8Array(0);
/** What others bring may be this many times what is allowed to be made here. */
const OVERSHOOT = 2;
/** A register with more entries is written anew with the one that it shows: all have to fit a message. */
const SIBLINGS_MAX = 40;

export interface MergeableStateOptions {
  /** This life: its incarnation must never have been used by this origin before. */
  readonly replica: GossipReplica;
  readonly bounds?: Partial<GossipBounds>;
  readonly rules?: GossipRules;
}

/** What became of a message. */
export interface Merged {
  /** False: it was too much, and nothing of it was taken. */
  readonly isTaken: boolean;
  /** By their text, the keys of which entries changed. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

type Knowledge = Pick<GossipDelta, 'replicas' | 'floors'>;

/**
 * Counters, registers and sets by key, of which any number of instances may change each at any time. States that
 * have the same steps are equal, in whatever order and however often they came: merging is commutative, associative
 * and idempotent.
 *
 * Each change is one step with a version of its own, and touches one cell. The invariant: with a version in the vector
 * every step of that replica up to it is in the cells, as itself or as what replaced it.
 */
export class MergeableState {
  readonly self: string;
  readonly bounds: GossipBounds;
  readonly #rules: GossipRules;
  readonly #cells = new CellTable();
  readonly #vector = new Map<string, number>();
  readonly #logs = new Map<string, StepLog>();
  readonly #floors = new Map<number, GossipFloor>();
  readonly #clock = new HybridClock();
  /** Empty cells; they go when nobody has to be told of them. */
  readonly #empties = new Set<Cell>();
  /** Cells that came to know more than the vector says, and how often that was looked at since. */
  readonly #ahead = new Map<Cell, number>();
  /** The vector when they were last looked at. */
  #vectorThen: Vector = new Map();
  #isReused = false;

  constructor({ replica, bounds, rules }: MergeableStateOptions) {
    this.self = nameOf(replica);
    this.bounds = { ...GOSSIP_BOUNDS, ...bounds };
    this.#rules = rules ?? new GossipRules();
  }

  get vector(): Vector {
    return this.#vector;
  }

  get floors(): ReadonlyMap<number, GossipFloor> {
    return this.#floors;
  }

  /** Registers, counters and elements that are there. */
  get cellCount(): number {
    return this.#cells.filled;
  }

  get octets(): number {
    return this.#cells.octets;
  }

  /** Removed cells of which peers may not know yet. */
  get emptyCount(): number {
    return this.#cells.size - this.#cells.filled;
  }

  /** Steps that are kept. */
  get stepCount(): number {
    let count = 0;
    for (const log of this.#logs.values()) count += log.length;
    return count;
  }

  /** Why this life cannot change anything any more; null: it can. */
  get retired(): 'gone' | 'incarnation' | null {
    if (this.isForgotten(this.self)) return 'gone';
    return this.#isReused ? 'incarnation' : null;
  }

  /** Undefined: nobody counts there, or it was removed. */
  counter(key: Uint8Array): number | undefined {
    const cell = this.#filled('counter', key);
    return cell?.count();
  }

  register(key: Uint8Array): Uint8Array | undefined {
    return this.#filled('register', key)?.latest()?.value.value;
  }

  /** In the order of their octets. */
  elements(key: Uint8Array): readonly Uint8Array[] {
    return [...this.#cells.ofKey(key)]
      .filter((cell) => cell.kind === 'element' && !cell.isEmpty)
      .sort((one, other) => (one.id < other.id ? -1 : 1))
      .map(({ place }) => place.element);
  }

  hasElement(key: Uint8Array, element: Uint8Array): boolean {
    return this.#filled('element', key, element) !== undefined;
  }

  /** Keys that have anything. */
  keys(): readonly Uint8Array[] {
    const keys = new Map<string, Uint8Array>();
    for (const { isEmpty, place } of this.#cells.all()) if (!isEmpty) keys.set(textOf(place.key), place.key);
    return [...keys.values()];
  }

  /** Cells and their entries as they are; for tests and views. */
  *cells(): Generator<{ readonly place: CellPlace; readonly entries: ReadonlyMap<string, Entry> }> {
    for (const { place, entries } of this.#cells.between(null, null))
      if (entries.size > 0) yield { place, entries };
  }

  isForgotten(name: string): boolean {
    if (this.#floors.size === 0) return false;
    const floor = this.#floors.get(replicaOf(name).origin);
    return floor !== undefined && isCovered(name, floor);
  }

  /** Null: done. */
  update(update: Update, wallMs: number): Refusal | null {
    const refusal = this.#mayChange() ?? this.#do(update, wallMs);
    this.#limitSteps();
    return refusal;
  }

  #do(update: Update, wallMs: number): Refusal | null {
    if (update.key.length > OCTETS_MAX) return 'value';
    switch (update.type) {
      case 'count':
        return this.#count(update.key, update.by);
      case 'write':
        return this.#write(update.key, update.value, wallMs);
      case 'add':
        if (update.element.length > OCTETS_MAX) return 'value';
        return this.#put({ kind: 'element', key: update.key, element: update.element }, { kind: 'element' });
      case 'discard': {
        const cell = this.#filled('element', update.key, update.element);
        if (cell !== undefined) this.#clear(cell);
        return null;
      }
      case 'remove':
        for (const cell of this.#cells.ofKey(update.key)) if (!cell.isEmpty) this.#clear(cell);
        return null;
    }
  }

  /**
   * Declares an origin gone up to and with this incarnation: what it left becomes ours, its steps are not told any more
   * and never taken again. Null: done. A value
   * that was removed elsewhere at the same time stays: to make it ours is to write it.
   */
  forget(gone: GossipReplica): ForgetRefusal | null {
    const retired = this.#mayChange();
    if (retired !== null) return retired;
    const { origin, incarnation } = replicaOf(this.self);
    if (gone.origin === origin && gone.incarnation >= incarnation) return 'self';
    const floor = this.#floors.get(gone.origin);
    if (floor === undefined && this.#floors.size >= FLOORS_MAX) return 'floors';
    if (floor !== undefined && floor.incarnation >= gone.incarnation) return null;
    const isGone = (name: string): boolean => isCovered(name, gone);
    for (const cell of this.#cells.all()) {
      const refusal = this.#adopt(cell, isGone);
      if (refusal !== null) return refusal;
    }
    this.#apply({ ...gone, heir: { origin, incarnation, version: this.#version(this.self) } }, new Map());
    this.#limitSteps();
    return null;
  }

  /** Takes steps that somebody told, with the cells that they touched. */
  mergeDelta(delta: Knowledge & Pick<GossipDelta, 'cells' | 'runs'>): Merged {
    return this.#merge(delta, delta.cells, [], (cells) => {
      for (const { replica, from, steps } of delta.runs) {
        const name = this.#nameIn(delta, replica);
        if (name === null) continue;
        const known = this.#version(name);
        const until = from + steps.length;
        if (until <= known || !this.#rules.takesRun(known, from)) continue;
        const log = this.#log(name);
        if (from > known) this.#release(log.cut(from));
        for (let version = Math.max(known, from) + 1; version <= until; version += 1)
          log.push(cells[steps[version - from - 1] as number] as Cell);
        this.#vector.set(name, until);
      }
    });
  }

  /** Takes a part of everything: what we have within its borders, and its sender knows and has not, is no more. */
  mergePart(part: Knowledge & Pick<GossipPart, 'after' | 'until' | 'cells'>): Merged {
    const listed = new Set(part.cells.map(idOf));
    const { after, until } = part;
    const missing = [...this.#cells.between(after && idOf(after), until && idOf(until))];
    return this.#merge(
      part,
      part.cells,
      missing.filter(({ id }) => !listed.has(id)),
      () => {},
    );
  }

  /** All parts have come: what their sender knew when it sent the first one is known here as well. */
  finishWalk(target: Vector, floors: readonly GossipFloor[]): ReadonlyMap<string, Uint8Array> {
    for (const [name, version] of target) {
      if (this.isForgotten(name) || version <= this.#version(name)) continue;
      this.#release(this.#log(name).cut(version));
      this.#vector.set(name, version);
    }
    for (const cell of this.#cells.all()) this.#keepAhead(cell);
    const keys = new Map<string, Uint8Array>();
    for (const floor of floors) this.#consider(floor, keys);
    this.#sweep();
    return keys;
  }

  /** Joins with all that the other one has. */
  merge(other: MergeableState): Merged {
    const whole = other.tellPart(null, Number.POSITIVE_INFINITY);
    const merged = this.mergePart(whole);
    if (!merged.isTaken) return merged;
    const target = new Map(whole.replicas.map((replica) => [nameOf(replica), replica.version]));
    return { isTaken: true, keys: new Map([...merged.keys, ...this.finishWalk(target, whole.floors)]) };
  }

  /** The vector as messages have it. */
  tellKnowledge(): { readonly replicas: readonly ReplicaVersion[]; readonly floors: readonly GossipFloor[] } {
    const replicas = [...this.#vector].map(([name, version]) => ({ ...replicaOf(name), version }));
    return { replicas, floors: [...this.#floors.values()] };
  }

  /** What somebody with this vector lacks; null: nothing; `behind`: what it lacks is not kept step by step. */
  tellDelta(
    known: Vector,
    bytesMax: number,
    first = 0,
  ): Pick<GossipDelta, 'replicas' | 'floors' | 'hasMore' | 'cells' | 'runs'> | 'behind' | null {
    const lacking: {
      readonly name: string;
      readonly from: number;
      readonly until: number;
      readonly log: StepLog;
    }[] = [];
    for (const [name, until] of this.#vector) {
      const from = known.get(name) ?? 0;
      if (from >= until) continue;
      const log = this.#log(name);
      if (!this.#rules.tellsSteps(from, log.base)) return 'behind';
      lacking.push({ name, from: Math.max(from, log.base), until, log });
    }
    if (lacking.length === 0) return null;
    const turn = first % lacking.length;
    const inTurn = [...lacking.slice(turn), ...lacking.slice(0, turn)];
    return tellDelta(this.tellKnowledge(), this.#vector, inTurn, bytesMax);
  }

  tellPart(
    after: CellPlace | null,
    bytesMax: number,
  ): Pick<GossipPart, 'replicas' | 'floors' | 'after' | 'until' | 'cells'> {
    const cells = this.#cells.between(after && idOf(after), null);
    return tellPart(this.tellKnowledge(), this.#vector, after, cells, bytesMax);
  }

  /** Everybody who may ask knows each replica's steps up to what this says: they need not be kept. */
  forgetSteps(isKnownToAll: (name: string) => number): void {
    for (const [name, log] of this.#logs)
      this.#release(log.cut(Math.min(isKnownToAll(name), this.#version(name))));
    this.#sweep();
  }

  /**
   * Makes steps of ours of what only cells know: they came along with other steps, and their own ones do not come, as
   * whoever made them is gone. Nobody else would ever hear of it. To be called now and then, not while much is arriving.
   */
  retell(): void {
    const then = this.#vectorThen;
    this.#vectorThen = new Map(this.#vector);
    for (const [cell, times] of this.#ahead) {
      this.#keepAhead(cell);
      const isStuck = [...cell.seen.keys()].some((name) => this.#version(name) === (then.get(name) ?? 0));
      if (cell.seen.size > 0 && !(times > 0 && isStuck)) this.#ahead.set(cell, times + 1);
      else {
        this.#ahead.delete(cell);
        if (cell.seen.size > 0 && this.#mayChange() === null) this.#step(cell);
      }
    }
    this.#limitSteps();
  }

  #mayChange(): Refusal | null {
    if (this.retired !== null) return this.retired;
    if (!this.#vector.has(this.self) && this.#vector.size >= this.bounds.replicasMax) return 'replicas';
    return null;
  }

  #count(key: Uint8Array, by: number): Refusal | null {
    const place = { kind: 'counter' as const, key, element: NOTHING };
    const mine = this.#cells.get(place)?.entries.get(this.self)?.value;
    if (by === 0 && mine !== undefined) return null;
    const before = mine?.kind === 'counter' ? mine : { plus: 0, minus: 0 };
    const plus = before.plus + Math.max(by, 0);
    const minus = before.minus + Math.max(-by, 0);
    const sum = (this.counter(key) ?? 0) + by;
    if (![by, plus, minus, sum].every(Number.isSafeInteger)) return 'value';
    return this.#put(place, { kind: 'counter', plus, minus });
  }

  #write(key: Uint8Array, value: Uint8Array, wallMs: number): Refusal | null {
    if (value.length > OCTETS_MAX) return 'value';
    const time = this.#clock.tick(wallMs);
    if (time === null) return 'clock';
    const place = { kind: 'register' as const, key, element: NOTHING };
    return this.#put(place, { kind: 'register', time, value: value.slice() });
  }

  /** Leaves this value in the cell: in place of all that is there, in a counter of our own. */
  #put(place: CellPlace, value: CellValue): Refusal | null {
    const cell = this.#cells.get(place);
    const isNew = cell === undefined || cell.isEmpty;
    if (isNew && this.#cells.filled >= this.bounds.cellsMax) return 'cells';
    const octets = ENTRY_OCTETS + (value.kind === 'register' ? value.value.length : 0);
    const names = place.key.length + place.element.length;
    // In a counter the entries of others stay.
    const isMore = value.kind === 'counter' && cell?.entries.has(this.self) !== true;
    const added = isNew ? octets + names : isMore ? octets : octets + names - cell.octets;
    if (added > 0 && this.#cells.octets + added > this.bounds.octetsMax) return 'octets';
    const taken = this.#cells.take(place);
    if (value.kind !== 'counter') taken.entries.clear();
    taken.entries.set(this.self, { version: this.#step(taken), value });
    this.#changed(taken);
    return null;
  }

  #clear(cell: Cell): void {
    this.#step(cell);
    cell.entries.clear();
    this.#changed(cell);
  }

  /** Makes what the gone ones left in this cell our own. */
  #adopt(cell: Cell, isGone: (name: string) => boolean): Refusal | null {
    const gone = [...cell.entries].filter(([name]) => isGone(name));
    if (gone.length === 0) return null;
    const mine = cell.entries.get(this.self)?.value;
    let value: CellValue = { kind: 'element' };
    if (cell.kind === 'register') {
      // With its own time: what was written elsewhere since stays later.
      const latest = cell.latest();
      if (latest !== undefined) ({ value } = latest);
    } else if (cell.kind === 'counter') {
      let { plus, minus } = mine?.kind === 'counter' ? mine : { plus: 0, minus: 0 };
      for (const [, entry] of gone) {
        if (entry.value.kind !== 'counter') continue;
        plus += entry.value.plus;
        minus += entry.value.minus;
      }
      if (!Number.isSafeInteger(plus) || !Number.isSafeInteger(minus)) return 'value';
      value = { kind: 'counter', plus, minus };
    }
    if (cell.kind !== 'counter') cell.entries.clear();
    for (const [name] of gone) cell.entries.delete(name);
    cell.entries.set(this.self, { version: this.#step(cell), value });
    this.#changed(cell);
    return null;
  }

  /** Version of the next step of ours, which touches this cell. */
  #step(cell: Cell): number {
    const version = this.#version(this.self) + 1;
    this.#log(this.self).push(cell);
    this.#vector.set(this.self, version);
    return version;
  }

  #merge(
    { replicas, floors }: Knowledge,
    cells: readonly GossipCell[],
    missing: readonly Cell[],
    takeSteps: (cells: readonly Cell[]) => void,
  ): Merged {
    const keys = new Map<string, Uint8Array>();
    const names = replicas.map((replica) => {
      const name = nameOf(replica);
      return this.isForgotten(name) ? null : name;
    });
    if (!this.#hasRoom(names, cells)) return { isTaken: false, keys };
    const theirs = new Map<string, number>();
    replicas.forEach(({ version }, at) => {
      const name = names[at];
      if (name !== null && name !== undefined) theirs.set(name, version);
    });
    const strangers = [...theirs.keys()].filter((name) => !this.#vector.has(name));
    if ((theirs.get(this.self) ?? 0) > this.#version(this.self)) this.#isReused = true;
    // Whoever forgot an origin has what its heir made of it: in each cell, also before the whole floor counts here.
    for (const name of this.#vector.keys())
      if (floors.some((floor) => isCovered(name, floor))) theirs.set(name, Number.MAX_SAFE_INTEGER);

    const before = new Map<Cell, Vector>();
    const touched = cells.map((told) => {
      const cell = this.#cells.take(told);
      before.set(cell, cell.seen);
      this.#mergeCell(cell, told, names, theirs, keys);
      return cell;
    });
    for (const cell of missing) {
      before.set(cell, cell.seen);
      const isChanged = cell.merge(
        new Map(),
        (name) => theirs.get(name) ?? 0,
        () => 0,
        this.#rules,
      );
      if (isChanged) this.#note(cell, keys);
      this.#see(cell, theirs);
    }
    // Everybody that may be in an entry has a place in the vector, and with it in messages.
    for (const name of strangers) this.#vector.set(name, 0);
    takeSteps(touched);
    for (const [cell, seen] of before) {
      this.#keepAhead(cell);
      if ([...cell.seen].some(([name, version]) => version > (seen.get(name) ?? 0))) this.#ahead.set(cell, 0);
    }
    for (const floor of floors) this.#consider(floor, keys);
    for (const cell of touched) if (cell.entries.size > SIBLINGS_MAX) this.#rewrite(cell);
    this.#limitSteps();
    return { isTaken: true, keys };
  }

  #mergeCell(
    cell: Cell,
    told: GossipCell,
    names: readonly (string | null)[],
    theirs: Vector,
    keys: Map<string, Uint8Array>,
  ): void {
    const entries = new Map<string, Entry>();
    for (const { replica, version, value } of told.entries) {
      const name = names[replica];
      if (name === null || name === undefined) continue;
      if (value.kind === 'register') this.#clock.observe(value.time);
      // It shares memory with the message.
      const own = value.kind === 'register' ? { ...value, value: value.value.slice() } : value;
      entries.set(name, { version, value: own });
    }
    let seen = theirs;
    if (told.seen.length > 0) {
      const dots = told.seen.flatMap(({ replica, version }): [string, number][] => {
        const name = names[replica];
        return name === null || name === undefined ? [] : [[name, version]];
      });
      seen = joinVectors(theirs, new Map(dots));
    }
    const weKnow = (name: string): number => Math.max(this.#version(name), cell.seen.get(name) ?? 0);
    if (cell.merge(entries, (name) => seen.get(name) ?? 0, weKnow, this.#rules)) this.#note(cell, keys);
    this.#see(cell, seen);
  }

  /** Not for what is known of all cells, which the vector says: see `#keepAhead`. */
  #see(cell: Cell, seen: Vector): void {
    if (this.#rules.keepsSeen()) cell.seen = joinVectors(cell.seen, seen);
    if (cell.isEmpty) this.#empties.add(cell);
  }

  /** Leaves in `seen` what is ahead of the vector. */
  #keepAhead(cell: Cell): void {
    if (cell.seen.size === 0) return;
    let ahead = 0;
    for (const [name, version] of cell.seen) if (this.#isAhead(name, version)) ahead += 1;
    if (ahead === cell.seen.size) return;
    cell.seen =
      ahead === 0
        ? new Map()
        : new Map([...cell.seen].filter(([name, version]) => this.#isAhead(name, version)));
  }

  #isAhead(name: string, version: number): boolean {
    return version > this.#version(name) && !this.isForgotten(name);
  }

  #hasRoom(names: readonly (string | null)[], cells: readonly GossipCell[]): boolean {
    const strangers = names.filter((name) => name !== null && !this.#vector.has(name)).length;
    if (strangers > 0 && this.#vector.size + strangers > REPLICAS_MAX) return false;
    let added = 0;
    let octets = 0;
    for (const cell of cells) {
      const mine = this.#cells.get(cell);
      if (mine === undefined) added += 1;
      octets += cell.key.length + cell.element.length - (mine?.octets ?? 0);
      for (const { value } of cell.entries)
        octets += ENTRY_OCTETS + (value.kind === 'register' ? value.value.length : 0);
    }
    const { cellsMax, octetsMax, stepsMax } = this.bounds;
    return (
      this.#cells.size + added <= OVERSHOOT * cellsMax + stepsMax &&
      (octets <= 0 || this.#cells.octets + octets <= OVERSHOOT * octetsMax)
    );
  }

  /** A floor counts from the moment on when what its heir made its own is here. */
  #consider(floor: GossipFloor, keys: Map<string, Uint8Array>): void {
    const known = this.#floors.get(floor.origin);
    if (known !== undefined && known.incarnation >= floor.incarnation) return;
    if (known === undefined && this.#floors.size >= FLOORS_MAX) return;
    const heir = nameOf(floor.heir);
    if (this.#version(heir) < floor.heir.version && !this.isForgotten(heir)) return;
    this.#apply(floor, keys);
  }

  #apply(floor: GossipFloor, keys: Map<string, Uint8Array>): void {
    this.#floors.set(floor.origin, floor);
    const gone = [...this.#vector.keys()].filter((name) => this.isForgotten(name));
    for (const name of gone) {
      this.#release(this.#log(name).cut(Number.MAX_SAFE_INTEGER));
      this.#logs.delete(name);
      this.#vector.delete(name);
    }
    for (const cell of this.#cells.all()) {
      if (gone.filter((name) => cell.entries.delete(name)).length > 0) this.#note(cell, keys);
      this.#keepAhead(cell);
    }
    this.#sweep();
  }

  #rewrite(cell: Cell): void {
    const latest = cell.latest();
    if (cell.kind !== 'register' || latest === undefined || this.#mayChange() !== null) return;
    cell.entries.clear();
    cell.entries.set(this.self, { version: this.#step(cell), value: latest.value });
    this.#changed(cell);
  }

  #note(cell: Cell, keys: Map<string, Uint8Array>): void {
    keys.set(textOf(cell.place.key), cell.place.key);
    this.#changed(cell);
  }

  #changed(cell: Cell): void {
    this.#cells.changed(cell);
    if (cell.isEmpty) this.#empties.add(cell);
    else this.#empties.delete(cell);
  }

  #limitSteps(): void {
    if (this.stepCount <= this.bounds.stepsMax) return;
    while (this.stepCount > this.bounds.stepsMax) {
      let longest: StepLog | undefined;
      for (const log of this.#logs.values())
        if (longest === undefined || log.length > longest.length) longest = log;
      if (longest === undefined) break;
      this.#release(longest.cut(longest.base + Math.ceil(longest.length / 2)));
    }
    this.#sweep();
  }

  #release(cells: readonly Cell[]): void {
    for (const cell of cells) if (cell.isEmpty) this.#empties.add(cell);
  }

  /** Empty cells go when no step of them is kept and the vector says all that they say. */
  #sweep(): void {
    for (const cell of this.#empties) {
      if (!cell.isEmpty) this.#empties.delete(cell);
      if (!cell.isEmpty || cell.steps > 0) continue;
      this.#keepAhead(cell);
      if (cell.seen.size > 0) continue;
      this.#empties.delete(cell);
      this.#ahead.delete(cell);
      this.#cells.delete(cell);
    }
  }

  #filled(kind: CellPlace['kind'], key: Uint8Array, element: Uint8Array = NOTHING): Cell | undefined {
    const cell = this.#cells.get({ kind, key, element });
    return cell === undefined || cell.isEmpty ? undefined : cell;
  }

  #nameIn({ replicas }: Knowledge, at: number): string | null {
    const replica = replicas[at];
    const name = replica === undefined ? null : nameOf(replica);
    return name === null || this.isForgotten(name) ? null : name;
  }

  #log(name: string): StepLog {
    let log = this.#logs.get(name);
    if (log === undefined) this.#logs.set(name, (log = new StepLog(this.#version(name))));
    return log;
  }

  #version(name: string): number {
    return this.#vector.get(name) ?? 0;
  }
}
