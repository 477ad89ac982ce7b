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
} from '@vnfpool/wire/gossip';
import { AheadCells } from './ahead-cells.ts';
import { GOSSIP_BOUNDS, type GossipBounds } from './bounds.ts';
import { type Cell, ENTRY_OCTETS, type Entry, idOf, joinVectors, textOf, type Vector } from './cell.ts';
import { CellTable } from './cell-table.ts';
import { DamagedCells } from './damaged-cells.ts';
import { HybridClock } from './hybrid-clock.ts';
import { Knowledge, type ToldKnowledge } from './knowledge.ts';
import { isCovered, nameOf, replicaOf } from './replica.ts';
import { GossipRules } from './rules.ts';
import { StepLogs } from './step-logs.ts';
import { type Lacking, tellDelta, tellPart } from './telling.ts';
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

/** A cell as somebody told it, and which steps count in it. */
interface ReadCell {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly seen: Vector;
}

/** What became of a message. */
export interface Merged {
  /** False: it was too much, and nothing of it was taken. */
  readonly isTaken: boolean;
  /** By their text, the keys of which entries changed. */
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

type ToldDelta = Pick<GossipDelta, 'replicas' | 'floors' | 'digest' | 'hasMore' | 'cells' | 'runs'>;
type ToldPart = Pick<GossipPart, 'replicas' | 'floors' | 'after' | 'until' | 'cells'>;

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
  readonly #knowledge = new Knowledge();
  readonly #vector: Map<string, number> = this.#knowledge.vector;
  readonly #logs = new StepLogs(this.#vector);
  readonly #ahead = new AheadCells(this.#knowledge);
  readonly #damaged = new DamagedCells(this.#cells);
  readonly #clock = new HybridClock();
  /** Empty cells; they go when nobody has to be told of them. */
  readonly #empties = new Set<Cell>();
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
    return this.#knowledge.floors;
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
    return this.#logs.length;
  }

  /** Why this life cannot change anything any more; null: it can. */
  get retired(): 'gone' | 'incarnation' | null {
    if (this.isForgotten(this.self)) return 'gone';
    return this.#isReused ? 'incarnation' : null;
  }

  /** Sum over the entries of all cells: equal where the same is known. Null: not where cells are ahead, or damaged. */
  get digest(): bigint | null {
    return !this.isDamaged && this.#ahead.isNone ? this.#cells.digest : null;
  }

  /** Cells that were found damaged so far. */
  get damagedCount(): number {
    return this.#damaged.found;
  }

  /** Some of them are not mended. */
  get isDamaged(): boolean {
    return this.#damaged.size > 0;
  }

  /** Those that are not. */
  get damaged(): readonly CellPlace[] {
    return Array.from(this.#damaged.all(), ({ place }) => place);
  }

  /** Undefined: nobody counts there, or it was removed. */
  counter(key: Uint8Array): number | undefined {
    const cell = this.#filled('counter', key);
    const held = cell && this.#damaged.held(cell);
    return cell && cell.count() + (held ? held.plus - held.minus : 0);
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
    return this.#knowledge.isForgotten(name);
  }

  /** Whether somebody knows the same steps, and the same origins gone for good. */
  knowsAs(told: ToldKnowledge): boolean {
    return this.#knowledge.isSameAs(told);
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
        for (const cell of this.#cells.ofKey(update.key))
          if (!cell.isEmpty || this.#damaged.held(cell) !== undefined) this.#clear(cell);
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
    const floor = this.#knowledge.floors.get(gone.origin);
    if (floor === undefined && this.#knowledge.floors.size >= FLOORS_MAX) return 'floors';
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
  mergeDelta(delta: ToldKnowledge & Pick<GossipDelta, 'cells' | 'runs'>): Merged {
    return this.#merge(delta, delta.cells, [], (cells) => {
      for (const { replica, from, steps } of delta.runs) {
        const name = this.#nameIn(delta, replica);
        if (name === null) continue;
        const known = this.#version(name);
        const until = from + steps.length;
        if (until <= known || !this.#rules.takesRun(known, from)) continue;
        const log = this.#logs.of(name);
        if (from > known) this.#release(log.cut(from));
        for (let version = Math.max(known, from) + 1; version <= until; version += 1)
          log.push(cells[steps[version - from - 1] as number] as Cell);
        this.#vector.set(name, until);
      }
    });
  }

  /** Takes a part of everything: what we have within its borders, and its sender knows and has not, is no more. */
  mergePart(part: ToldKnowledge & Pick<GossipPart, 'after' | 'until' | 'cells'>): Merged {
    const listed = new Set(part.cells.map(idOf));
    const { after, until } = part;
    const [from, to] = [after && idOf(after), until && idOf(until)];
    const missing = [...this.#cells.between(from, to)];
    const merged = this.#merge(
      part,
      part.cells,
      missing.filter(({ id }) => !listed.has(id)),
      () => {},
    );
    if (merged.isTaken) this.#ahead.given(from, to, this.#knowledge.read(part).theirs);
    return merged;
  }

  /** All parts have come: what their sender knew when it sent the first one is known here as well. */
  finishWalk(target: Vector, floors: readonly GossipFloor[]): ReadonlyMap<string, Uint8Array> {
    for (const [name, version] of target) {
      if (this.isForgotten(name) || version <= this.#version(name)) continue;
      this.#release(this.#logs.of(name).cut(version));
      this.#vector.set(name, version);
    }
    for (const cell of this.#cells.all()) this.#knowledge.keepAhead(cell);
    const keys = new Map<string, Uint8Array>();
    for (const floor of floors) this.#consider(floor, keys);
    this.#sweep();
    return keys;
  }

  /** Joins with all that the other one has. */
  merge(other: MergeableState): Merged {
    const whole = other.tellPart(null, Number.POSITIVE_INFINITY);
    if (whole === null || whole.until !== null) return { isTaken: false, keys: new Map() };
    const merged = this.mergePart(whole);
    if (!merged.isTaken) return merged;
    const target = new Map(whole.replicas.map((replica) => [nameOf(replica), replica.version]));
    return { isTaken: true, keys: new Map([...merged.keys, ...this.finishWalk(target, whole.floors)]) };
  }

  /** The vector as messages have it. */
  tellKnowledge(): ToldKnowledge {
    return this.#knowledge.tell();
  }

  /** What somebody with this vector lacks; null: nothing that can be told; `behind`: what it lacks is not kept step by step. */
  tellDelta(known: Vector, bytesMax: number, first = 0): ToldDelta | 'behind' | null {
    const lacking: Lacking[] = [];
    for (const [name, until] of this.#vector) {
      const from = known.get(name) ?? 0;
      if (from >= until) continue;
      const log = this.#logs.of(name);
      if (!this.#rules.tellsSteps(from, log.base)) return 'behind';
      lacking.push({ name, from: Math.max(from, log.base), until, log });
    }
    if (lacking.length === 0) return null;
    const turn = first % lacking.length;
    const inTurn = [...lacking.slice(turn), ...lacking.slice(0, turn)];
    const told = tellDelta(this.tellKnowledge(), this.#vector, inTurn, bytesMax, this.#damaged);
    return told.runs.length === 0 ? null : { ...told, digest: this.digest };
  }

  /** Null: the first cell behind this place cannot be told. */
  tellPart(after: CellPlace | null, bytesMax: number): ToldPart | null {
    const cells = this.#cells.between(after && idOf(after), null);
    return tellPart(this.tellKnowledge(), this.#vector, after, cells, bytesMax, this.#damaged);
  }

  /** About how many octets of cells somebody with this vector lacks. */
  octetsBehind(known: Vector): number {
    return this.#logs.octetsBehind(known, this.octets);
  }

  /** Everybody who may ask knows each replica's steps up to what this says: they need not be kept. */
  forgetSteps(isKnownToAll: (name: string) => number): void {
    for (const [name, log] of this.#logs.all())
      this.#release(log.cut(Math.min(isKnownToAll(name), this.#version(name))));
    this.#sweep();
  }

  /**
   * Makes steps of ours of what only cells know: they came along with other steps, and their own ones do not come, as
   * whoever made them is gone. Nobody else would ever hear of it. To be called now and then, not while much is arriving.
   */
  retell(): void {
    for (const cell of this.#ahead.stuck()) {
      if (this.#mayChange() !== null) continue;
      this.#step(cell);
      this.#ahead.tell(cell);
    }
    this.#limitSteps();
  }

  /** Looks whether memory has the next cells as they came. To be called in each round. */
  lookAtMemory(): void {
    this.#damaged.look();
  }

  /** Counts the digest anew. False: memory had another one. */
  recount(): boolean {
    return this.#cells.recount();
  }

  /** Behind which place to ask for the next cell that is damaged; undefined: none is. */
  askToMend(): CellPlace | null | undefined {
    for (const cell of this.#damaged.all()) {
      this.#damaged.postpone(cell);
      return this.#cells.before(cell);
    }
    return undefined;
  }

  /** Takes damaged cells from a part, where its sender has all that we know of them. */
  mend(part: GossipPart): ReadonlyMap<string, Uint8Array> {
    const keys = new Map<string, Uint8Array>();
    const { names, theirs } = this.#knowledge.read(part);
    if (!this.#hasRoom(names, [])) return keys;
    const after = part.after && idOf(part.after);
    const until = part.until && idOf(part.until);
    for (const cell of this.#damaged.all()) {
      if ((after !== null && cell.id <= after) || (until !== null && cell.id > until)) continue;
      const told = part.cells.find((each) => idOf(each) === cell.id);
      const { entries, seen } = this.#readCell(told, names, theirs);
      const isLess = [...cell.seen].some(
        ([name, version]) => this.#knowledge.isAhead(name, version) && version > (seen.get(name) ?? 0),
      );
      if (!this.#rules.mends(!isLess && !this.#logs.hasTouched(cell, seen))) continue;
      for (const name of theirs.keys()) if (!this.#vector.has(name)) this.#vector.set(name, 0);
      const held = this.#damaged.held(cell);
      this.#restore(cell);
      for (const [name, entry] of entries) cell.set(name, entry);
      this.#see(cell, seen);
      this.#knowledge.keepAhead(cell);
      if (cell.seen.size > 0) this.#ahead.note(cell);
      this.#note(cell, keys);
      if (held !== undefined && held.plus + held.minus > 0)
        this.#countBy(cell.place.key, held.plus, held.minus);
    }
    this.#limitSteps();
    return keys;
  }

  #mayChange(): Refusal | null {
    if (this.retired !== null) return this.retired;
    if (!this.#vector.has(this.self) && this.#vector.size >= this.bounds.replicasMax) return 'replicas';
    return null;
  }

  #count(key: Uint8Array, by: number): Refusal | null {
    return this.#countBy(key, Math.max(by, 0), Math.max(-by, 0));
  }

  #countBy(key: Uint8Array, up: number, down: number): Refusal | null {
    const place = { kind: 'counter' as const, key, element: NOTHING };
    const cell = this.#cells.get(place);
    const mine = cell?.entries.get(this.self)?.value;
    if (up === 0 && down === 0 && mine !== undefined) return null;
    const before = mine?.kind === 'counter' ? mine : { plus: 0, minus: 0 };
    const sum = (this.counter(key) ?? 0) + up - down;
    // How much was counted before is not known, so that it waits.
    const held = cell && !this.#damaged.isSound(cell) ? this.#damaged.held(cell) : undefined;
    const plus = (held ?? before).plus + up;
    const minus = (held ?? before).minus + down;
    if (![up, down, plus, minus, sum].every(Number.isSafeInteger)) return 'value';
    if (held === undefined) return this.#put(place, { kind: 'counter', plus, minus });
    held.plus = plus;
    held.minus = minus;
    return null;
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
    const taken = this.#take(place);
    if (value.kind !== 'counter') this.#restore(taken);
    taken.set(this.self, { version: this.#step(taken), value });
    this.#changed(taken);
    return null;
  }

  #take(place: CellPlace): Cell {
    const known = this.#cells.get(place);
    if (known !== undefined) return known;
    const cell = this.#cells.take(place);
    this.#ahead.begin(cell);
    return cell;
  }

  #clear(cell: Cell): void {
    this.#step(cell);
    this.#restore(cell);
    this.#changed(cell);
  }

  /** Nothing of what was in it counts any more. */
  #restore(cell: Cell): void {
    this.#damaged.delete(cell);
    cell.clear();
  }

  /** Makes what the gone ones left in this cell our own. */
  #adopt(cell: Cell, isGone: (name: string) => boolean): ForgetRefusal | null {
    const gone = [...cell.entries].filter(([name]) => isGone(name));
    if (gone.length === 0) return null;
    if (!this.#damaged.isSound(cell)) return 'damaged';
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
    if (cell.kind !== 'counter') this.#restore(cell);
    for (const [name] of gone) cell.delete(name);
    cell.set(this.self, { version: this.#step(cell), value });
    this.#changed(cell);
    return null;
  }

  /** Version of the next step of ours, which touches this cell. */
  #step(cell: Cell): number {
    const version = this.#version(this.self) + 1;
    this.#logs.of(this.self).push(cell);
    this.#vector.set(this.self, version);
    return version;
  }

  #merge(
    told: ToldKnowledge,
    cells: readonly GossipCell[],
    missing: readonly Cell[],
    takeSteps: (cells: readonly Cell[]) => void,
  ): Merged {
    const { floors } = told;
    const keys = new Map<string, Uint8Array>();
    const { names, theirs } = this.#knowledge.read(told);
    if (!this.#hasRoom(names, cells)) return { isTaken: false, keys };
    const strangers = [...theirs.keys()].filter((name) => !this.#vector.has(name));
    if ((theirs.get(this.self) ?? 0) > this.#version(this.self)) this.#isReused = true;
    const before = new Map<Cell, Vector>();
    const touched = cells.map((each) => {
      const cell = this.#take(each);
      before.set(cell, cell.seen);
      this.#mergeCell(cell, this.#readCell(each, names, theirs), keys);
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
      this.#knowledge.keepAhead(cell);
      if ([...cell.seen].some(([name, version]) => version > (seen.get(name) ?? 0))) this.#ahead.note(cell);
    }
    for (const floor of floors) this.#consider(floor, keys);
    for (const cell of touched) if (cell.entries.size > SIBLINGS_MAX) this.#rewrite(cell);
    this.#limitSteps();
    return { isTaken: true, keys };
  }

  #mergeCell(cell: Cell, { entries, seen }: ReadCell, keys: Map<string, Uint8Array>): void {
    const weKnow = (name: string): number => Math.max(this.#version(name), cell.seen.get(name) ?? 0);
    if (cell.merge(entries, (name) => seen.get(name) ?? 0, weKnow, this.#rules)) this.#note(cell, keys);
    this.#see(cell, seen);
  }

  /** A cell that somebody told, or of which it told by leaving it out that there is nothing. */
  #readCell(told: GossipCell | undefined, names: readonly (string | null)[], theirs: Vector): ReadCell {
    const entries = new Map<string, Entry>();
    if (told === undefined) return { entries, seen: theirs };
    for (const { replica, version, value } of told.entries) {
      const name = names[replica];
      if (name === null || name === undefined) continue;
      if (value.kind === 'register') this.#clock.observe(value.time);
      // It shares memory with the message.
      const own = value.kind === 'register' ? { ...value, value: value.value.slice() } : value;
      entries.set(name, { version, value: own });
    }
    if (told.seen.length === 0) return { entries, seen: theirs };
    const dots = told.seen.flatMap(({ replica, version }): [string, number][] => {
      const name = names[replica];
      return name === null || name === undefined ? [] : [[name, version]];
    });
    return { entries, seen: joinVectors(theirs, new Map(dots)) };
  }

  /** Not for what is known of all cells, which the vector says: see `#keepAhead`. */
  #see(cell: Cell, seen: Vector): void {
    if (this.#rules.keepsSeen()) cell.seen = joinVectors(cell.seen, seen);
    if (cell.isEmpty) this.#empties.add(cell);
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
    const known = this.#knowledge.floors.get(floor.origin);
    if (known !== undefined && known.incarnation >= floor.incarnation) return;
    if (known === undefined && this.#knowledge.floors.size >= FLOORS_MAX) return;
    const heir = nameOf(floor.heir);
    if (this.#version(heir) < floor.heir.version && !this.isForgotten(heir)) return;
    this.#apply(floor, keys);
  }

  #apply(floor: GossipFloor, keys: Map<string, Uint8Array>): void {
    this.#knowledge.floors.set(floor.origin, floor);
    const gone = [...this.#vector.keys()].filter((name) => this.isForgotten(name));
    for (const name of gone) {
      this.#release(this.#logs.delete(name));
      this.#vector.delete(name);
    }
    for (const cell of this.#cells.all()) {
      if (gone.filter((name) => cell.delete(name)).length > 0) this.#note(cell, keys);
      this.#knowledge.keepAhead(cell);
    }
    this.#sweep();
  }

  #rewrite(cell: Cell): void {
    const latest = cell.latest();
    if (cell.kind !== 'register' || latest === undefined || this.#mayChange() !== null) return;
    if (!this.#damaged.isSound(cell)) return;
    cell.clear();
    cell.set(this.self, { version: this.#step(cell), value: latest.value });
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
    while (this.stepCount > this.bounds.stepsMax) this.#release(this.#logs.halve());
    this.#sweep();
  }

  #release(cells: readonly Cell[]): void {
    for (const cell of cells) if (cell.isEmpty) this.#empties.add(cell);
  }

  /** Empty cells go when no step of them is kept and the vector says all that they say. */
  #sweep(): void {
    for (const cell of this.#empties) {
      if (!cell.isEmpty) this.#empties.delete(cell);
      if (!cell.isEmpty || cell.steps > 0 || this.#damaged.held(cell) !== undefined) continue;
      this.#knowledge.keepAhead(cell);
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

  #nameIn({ replicas }: ToldKnowledge, at: number): string | null {
    const replica = replicas[at];
    const name = replica === undefined ? null : nameOf(replica);
    return name === null || this.isForgotten(name) ? null : name;
  }

  #version(name: string): number {
    return this.#vector.get(name) ?? 0;
  }
}
