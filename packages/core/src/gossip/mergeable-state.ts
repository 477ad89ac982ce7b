// SPDX-License-Identifier: Apache-2.0
import {
  type CellPlace,
  FLOORS_MAX,
  type GossipCell,
  type GossipDelta,
  type GossipFloor,
  type GossipPart,
  type GossipReplica,
} from '@vnfpool/wire/gossip';
import { GOSSIP_BOUNDS, type GossipBounds } from './bounds.ts';
import { type Cell, type Entry, idOf, joinVectors, textOf, type Vector } from './cell.ts';
import { CellStore } from './cell-store.ts';
import type { ToldKnowledge } from './knowledge.ts';
import { OwnChanges } from './own-changes.ts';
import { isCovered, nameOf, replicaOf } from './replica.ts';
import { GossipRules } from './rules.ts';
import { type Lacking, tellDelta, tellPart } from './telling.ts';
import type { ForgetRefusal, Refusal, Update } from './types.ts';

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
  readonly #store: CellStore;
  readonly #own: OwnChanges;

  constructor({ replica, bounds, rules }: MergeableStateOptions) {
    this.#store = new CellStore(nameOf(replica), { ...GOSSIP_BOUNDS, ...bounds }, rules ?? new GossipRules());
    this.#own = new OwnChanges(this.#store);
  }

  /** Name of the replica. */
  get self(): string {
    return this.#store.self;
  }

  get bounds(): GossipBounds {
    return this.#store.bounds;
  }

  /** Why this life cannot change anything any more; null: it can. */
  get retired(): 'gone' | 'incarnation' | null {
    return this.#store.retired;
  }

  get vector(): Vector {
    return this.#store.vector;
  }

  get floors(): ReadonlyMap<number, GossipFloor> {
    return this.#store.knowledge.floors;
  }

  /** Registers, counters and elements that are there. */
  get cellCount(): number {
    return this.#store.cells.filled;
  }

  get octets(): number {
    return this.#store.cells.octets;
  }

  /** Removed cells of which peers may not know yet. */
  get emptyCount(): number {
    return this.#store.cells.size - this.#store.cells.filled;
  }

  /** Steps that are kept. */
  get stepCount(): number {
    return this.#store.logs.length;
  }

  /** Sum over the entries of all cells: equal where the same is known. Null: not where cells are ahead, or damaged. */
  get digest(): bigint | null {
    return !this.isDamaged && this.#store.ahead.isNone ? this.#store.cells.digest : null;
  }

  /** Cells that were found damaged so far. */
  get damagedCount(): number {
    return this.#store.damaged.found;
  }

  /** Some of them are not mended. */
  get isDamaged(): boolean {
    return this.#store.damaged.size > 0;
  }

  /** Those that are not. */
  get damaged(): readonly CellPlace[] {
    return Array.from(this.#store.damaged.all(), ({ place }) => place);
  }

  /** Undefined: nobody counts there, or it was removed. */
  counter(key: Uint8Array): number | undefined {
    return this.#store.counter(key);
  }

  register(key: Uint8Array): Uint8Array | undefined {
    return this.#store.filled('register', key)?.latest()?.value.value;
  }

  /** In the order of their octets. */
  elements(key: Uint8Array): readonly Uint8Array[] {
    return [...this.#store.cells.ofKey(key)]
      .filter((cell) => cell.kind === 'element' && !cell.isEmpty)
      .sort((one, other) => (one.id < other.id ? -1 : 1))
      .map(({ place }) => place.element);
  }

  hasElement(key: Uint8Array, element: Uint8Array): boolean {
    return this.#store.filled('element', key, element) !== undefined;
  }

  /** Keys that have anything. */
  keys(): readonly Uint8Array[] {
    const keys = new Map<string, Uint8Array>();
    for (const { isEmpty, place } of this.#store.cells.all())
      if (!isEmpty) keys.set(textOf(place.key), place.key);
    return [...keys.values()];
  }

  /** Cells and their entries as they are; for tests and views. */
  *cells(): Generator<{ readonly place: CellPlace; readonly entries: ReadonlyMap<string, Entry> }> {
    for (const { place, entries } of this.#store.cells.between(null, null))
      if (entries.size > 0) yield { place, entries };
  }

  isForgotten(name: string): boolean {
    return this.#store.knowledge.isForgotten(name);
  }

  /** Whether somebody knows the same steps, and the same origins gone for good. */
  knowsAs(told: ToldKnowledge): boolean {
    return this.#store.knowledge.isSameAs(told);
  }

  /** Null: done. */
  update(update: Update, wallMs: number): Refusal | null {
    const refusal = this.#store.mayChange() ?? this.#own.do(update, wallMs);
    this.#store.limitSteps();
    return refusal;
  }

  /**
   * Declares an origin gone up to and with this incarnation: what it left becomes ours, its steps are not told any more
   * and never taken again. Null: done. A value
   * that was removed elsewhere at the same time stays: to make it ours is to write it.
   */
  forget(gone: GossipReplica): ForgetRefusal | null {
    const retired = this.#store.mayChange();
    if (retired !== null) return retired;
    const { origin, incarnation } = replicaOf(this.self);
    if (gone.origin === origin && gone.incarnation >= incarnation) return 'self';
    const floor = this.#store.knowledge.floors.get(gone.origin);
    if (floor === undefined && this.#store.knowledge.floors.size >= FLOORS_MAX) return 'floors';
    if (floor !== undefined && floor.incarnation >= gone.incarnation) return null;
    const isGone = (name: string): boolean => isCovered(name, gone);
    for (const cell of this.#store.cells.all()) {
      const refusal = this.#own.adopt(cell, isGone);
      if (refusal !== null) return refusal;
    }
    this.#apply(
      { ...gone, heir: { origin, incarnation, version: this.#store.version(this.self) } },
      new Map(),
    );
    this.#store.limitSteps();
    return null;
  }

  /** Takes steps that somebody told, with the cells that they touched. */
  mergeDelta(delta: ToldKnowledge & Pick<GossipDelta, 'cells' | 'runs'>): Merged {
    return this.#merge(delta, delta.cells, [], (cells) => {
      for (const { replica, from, steps } of delta.runs) {
        const name = this.#nameIn(delta, replica);
        if (name === null) continue;
        const known = this.#store.version(name);
        const until = from + steps.length;
        if (until <= known || !this.#store.rules.takesRun(known, from)) continue;
        const log = this.#store.logs.of(name);
        if (from > known) this.#store.release(log.cut(from));
        for (let version = Math.max(known, from) + 1; version <= until; version += 1)
          log.push(cells[steps[version - from - 1] as number] as Cell);
        this.#store.vector.set(name, until);
      }
    });
  }

  /** Takes a part of everything: what we have within its borders, and its sender knows and has not, is no more. */
  mergePart(part: ToldKnowledge & Pick<GossipPart, 'after' | 'until' | 'cells'>): Merged {
    const listed = new Set(part.cells.map(idOf));
    const { after, until } = part;
    const [from, to] = [after && idOf(after), until && idOf(until)];
    const missing = [...this.#store.cells.between(from, to)];
    const merged = this.#merge(
      part,
      part.cells,
      missing.filter(({ id }) => !listed.has(id)),
      () => {},
    );
    if (merged.isTaken) this.#store.ahead.given(from, to, this.#store.knowledge.read(part).theirs);
    return merged;
  }

  /** All parts have come: what their sender knew when it sent the first one is known here as well. */
  finishWalk(target: Vector, floors: readonly GossipFloor[]): ReadonlyMap<string, Uint8Array> {
    for (const [name, version] of target) {
      if (this.isForgotten(name) || version <= this.#store.version(name)) continue;
      this.#store.release(this.#store.logs.of(name).cut(version));
      this.#store.vector.set(name, version);
    }
    for (const cell of this.#store.cells.all()) this.#store.knowledge.keepAhead(cell);
    const keys = new Map<string, Uint8Array>();
    for (const floor of floors) this.#consider(floor, keys);
    this.#store.sweep();
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
    return this.#store.knowledge.tell();
  }

  /** What somebody with this vector lacks; null: nothing that can be told; `behind`: what it lacks is not kept step by step. */
  tellDelta(known: Vector, bytesMax: number, first = 0): ToldDelta | 'behind' | null {
    const lacking: Lacking[] = [];
    for (const [name, until] of this.#store.vector) {
      const from = known.get(name) ?? 0;
      if (from >= until) continue;
      const log = this.#store.logs.of(name);
      if (!this.#store.rules.tellsSteps(from, log.base)) return 'behind';
      lacking.push({ name, from: Math.max(from, log.base), until, log });
    }
    if (lacking.length === 0) return null;
    const turn = first % lacking.length;
    const inTurn = [...lacking.slice(turn), ...lacking.slice(0, turn)];
    const told = tellDelta(this.tellKnowledge(), this.#store.vector, inTurn, bytesMax, this.#store.damaged);
    return told.runs.length === 0 ? null : { ...told, digest: this.digest };
  }

  /** Null: the first cell behind this place cannot be told. */
  tellPart(after: CellPlace | null, bytesMax: number): ToldPart | null {
    const cells = this.#store.cells.between(after && idOf(after), null);
    return tellPart(this.tellKnowledge(), this.#store.vector, after, cells, bytesMax, this.#store.damaged);
  }

  /** About how many octets of cells somebody with this vector lacks. */
  octetsBehind(known: Vector): number {
    return this.#store.logs.octetsBehind(known, this.octets);
  }

  /** Everybody who may ask knows each replica's steps up to what this says: they need not be kept. */
  forgetSteps(isKnownToAll: (name: string) => number): void {
    for (const [name, log] of this.#store.logs.all())
      this.#store.release(log.cut(Math.min(isKnownToAll(name), this.#store.version(name))));
    this.#store.sweep();
  }

  /**
   * Makes steps of ours of what only cells know: they came along with other steps, and their own ones do not come, as
   * whoever made them is gone. Nobody else would ever hear of it. To be called now and then, not while much is arriving.
   */
  retell(): void {
    for (const cell of this.#store.ahead.stuck()) {
      if (this.#store.mayChange() !== null) continue;
      this.#store.step(cell);
      this.#store.ahead.tell(cell);
    }
    this.#store.limitSteps();
  }

  /** Looks whether memory has the next cells as they came. To be called in each round. */
  lookAtMemory(): void {
    this.#store.damaged.look();
  }

  /** Counts the digest anew. False: memory had another one. */
  recount(): boolean {
    return this.#store.cells.recount();
  }

  /** Behind which place to ask for the next cell that is damaged; undefined: none is. */
  askToMend(): CellPlace | null | undefined {
    for (const cell of this.#store.damaged.all()) {
      this.#store.damaged.postpone(cell);
      return this.#store.cells.before(cell);
    }
    return undefined;
  }

  /** Takes damaged cells from a part, where its sender has all that we know of them. */
  mend(part: GossipPart): ReadonlyMap<string, Uint8Array> {
    const keys = new Map<string, Uint8Array>();
    const { names, theirs } = this.#store.knowledge.read(part);
    if (!this.#store.hasRoom(names, [])) return keys;
    const after = part.after && idOf(part.after);
    const until = part.until && idOf(part.until);
    for (const cell of this.#store.damaged.all()) {
      if ((after !== null && cell.id <= after) || (until !== null && cell.id > until)) continue;
      const told = part.cells.find((each) => idOf(each) === cell.id);
      const { entries, seen } = this.#readCell(told, names, theirs);
      const isLess = [...cell.seen].some(
        ([name, version]) => this.#store.knowledge.isAhead(name, version) && version > (seen.get(name) ?? 0),
      );
      if (!this.#store.rules.mends(!isLess && !this.#store.logs.hasTouched(cell, seen))) continue;
      for (const name of theirs.keys()) if (!this.#store.vector.has(name)) this.#store.vector.set(name, 0);
      const held = this.#store.damaged.held(cell);
      this.#store.restore(cell);
      for (const [name, entry] of entries) cell.set(name, entry);
      this.#store.see(cell, seen);
      this.#store.knowledge.keepAhead(cell);
      if (cell.seen.size > 0) this.#store.ahead.note(cell);
      this.#store.note(cell, keys);
      if (held !== undefined && held.plus + held.minus > 0)
        this.#own.countBy(cell.place.key, held.plus, held.minus);
    }
    this.#store.limitSteps();
    return keys;
  }

  #merge(
    told: ToldKnowledge,
    cells: readonly GossipCell[],
    missing: readonly Cell[],
    takeSteps: (cells: readonly Cell[]) => void,
  ): Merged {
    const { floors } = told;
    const keys = new Map<string, Uint8Array>();
    const { names, theirs } = this.#store.knowledge.read(told);
    if (!this.#store.hasRoom(names, cells)) return { isTaken: false, keys };
    const strangers = [...theirs.keys()].filter((name) => !this.#store.vector.has(name));
    if ((theirs.get(this.self) ?? 0) > this.#store.version(this.self)) this.#store.isReused = true;
    const before = new Map<Cell, Vector>();
    const touched = cells.map((each) => {
      const cell = this.#store.take(each);
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
        this.#store.rules,
      );
      if (isChanged) this.#store.note(cell, keys);
      this.#store.see(cell, theirs);
    }
    // Everybody that may be in an entry has a place in the vector, and with it in messages.
    for (const name of strangers) this.#store.vector.set(name, 0);
    takeSteps(touched);
    for (const [cell, seen] of before) {
      this.#store.knowledge.keepAhead(cell);
      if ([...cell.seen].some(([name, version]) => version > (seen.get(name) ?? 0)))
        this.#store.ahead.note(cell);
    }
    for (const floor of floors) this.#consider(floor, keys);
    for (const cell of touched) if (cell.entries.size > SIBLINGS_MAX) this.#own.rewrite(cell);
    this.#store.limitSteps();
    return { isTaken: true, keys };
  }

  #mergeCell(cell: Cell, { entries, seen }: ReadCell, keys: Map<string, Uint8Array>): void {
    const weKnow = (name: string): number => Math.max(this.#store.version(name), cell.seen.get(name) ?? 0);
    if (cell.merge(entries, (name) => seen.get(name) ?? 0, weKnow, this.#store.rules))
      this.#store.note(cell, keys);
    this.#store.see(cell, seen);
  }

  /** A cell that somebody told, or of which it told by leaving it out that there is nothing. */
  #readCell(told: GossipCell | undefined, names: readonly (string | null)[], theirs: Vector): ReadCell {
    const entries = new Map<string, Entry>();
    if (told === undefined) return { entries, seen: theirs };
    for (const { replica, version, value } of told.entries) {
      const name = names[replica];
      if (name === null || name === undefined) continue;
      if (value.kind === 'register') this.#store.clock.observe(value.time);
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

  /** A floor counts from the moment on when what its heir made its own is here. */
  #consider(floor: GossipFloor, keys: Map<string, Uint8Array>): void {
    const known = this.#store.knowledge.floors.get(floor.origin);
    if (known !== undefined && known.incarnation >= floor.incarnation) return;
    if (known === undefined && this.#store.knowledge.floors.size >= FLOORS_MAX) return;
    const heir = nameOf(floor.heir);
    if (this.#store.version(heir) < floor.heir.version && !this.isForgotten(heir)) return;
    this.#apply(floor, keys);
  }

  #apply(floor: GossipFloor, keys: Map<string, Uint8Array>): void {
    this.#store.knowledge.floors.set(floor.origin, floor);
    const gone = [...this.#store.vector.keys()].filter((name) => this.isForgotten(name));
    for (const name of gone) {
      this.#store.release(this.#store.logs.delete(name));
      this.#store.vector.delete(name);
    }
    for (const cell of this.#store.cells.all()) {
      if (gone.filter((name) => cell.delete(name)).length > 0) this.#store.note(cell, keys);
      this.#store.knowledge.keepAhead(cell);
    }
    this.#store.sweep();
  }

  #nameIn({ replicas }: ToldKnowledge, at: number): string | null {
    const replica = replicas[at];
    const name = replica === undefined ? null : nameOf(replica);
    return name === null || this.isForgotten(name) ? null : name;
  }
}
