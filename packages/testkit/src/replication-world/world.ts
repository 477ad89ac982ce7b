// SPDX-License-Identifier: Apache-2.0
import {
  acknowledgersOf,
  type HolderOutput,
  isHeldBy,
  type KeyUpdate,
  ReplicaStore,
  type ReplicationBound,
  ReplicationHolder,
  ReplicationStandby,
  type StandbyInput,
  type StandbyOutput,
} from '@vnfpool/core/replication';
import { type ReplicaMessage, type ReplicaUpdates, replicaWeight } from '@vnfpool/wire/replication';
import type { Schedule } from '../lease-world/schedule.ts';
import type { SeededRandom } from '../lease-world/seeded-random.ts';
import type { Trace } from '../lease-world/trace.ts';
import { BlindStandby, MarkLog } from './broken-ends.ts';
import { Link, type LinkEnds } from './link.ts';
import type { LinkFault } from './link-faults.ts';
import { MemoryDamage } from './memory-damage.ts';
import type { ReplicationMutation } from './mutations.ts';
import { Oracle, ReplicationViolation, told } from './oracle.ts';
import type { ReplicationPlan } from './plan.ts';
import { type Reign, rank, sameSet } from './reign.ts';

interface WorldParts {
  readonly plan: ReplicationPlan;
  readonly random: SeededRandom;
  readonly schedule: Schedule;
  readonly trace: Trace;
  readonly mutation: ReplicationMutation;
}

const FAULTS = [
  'break',
  'break',
  'stall',
  'standby',
  'holder',
  'zombie',
  'hand-over',
  'council',
  'memory',
] as const;
const SLOT = '00000000000000a1';
const KEYS = 6;
const LEASE_MS = 60;
const EVERY_MS = 20;
/** By which a standby has looked at all that it has. */
const LOOK_MS = 1_010;
/** By which a standby that acknowledges ahead is late. */
const LATE_MS = 25;

/** A council in one place, a holder, its standbys, and a function that changes things. */
export class ReplicationWorld {
  readonly counts = {
    takeOvers: 0,
    handOvers: 0,
    lastResorts: 0,
    released: 0,
    linkFaults: 0,
    differences: 0,
    memoryFaults: 0,
    damagedTakeOvers: 0,
  };
  readonly #parts: WorldParts;
  readonly #oracle = new Oracle();
  readonly #damage = new MemoryDamage();
  /** Of nodes that are no holders, and none that do not know yet that they are none. */
  readonly #standbys = new Map<number, ReplicationStandby>();
  /** Who is connected to a standby; it has one connection. */
  readonly #incoming = new Map<number, Link>();
  /** As the council has it: nodes, and which life of theirs. */
  #listed: ReadonlyMap<number, number> = new Map();
  /** How often what a node knew was lost. */
  readonly #lives = new Map<number, number>();
  #epoch = 0;
  #reign: Reign | undefined;
  #isCalm = false;
  /** Before that the council begins no round. */
  #councilFromMs = 0;
  /** By node, of the last connection to it. */
  readonly #lastFrames = new Map<number, Link['frames']>();
  /** Weight on the connection of a node, where it acknowledges ahead. */
  readonly #received = new Map<number, number>();
  /** What was sent on the connection of a node, where holders believe more than they should. */
  readonly #marks = new Map<number, MarkLog>();

  constructor(parts: WorldParts) {
    this.#parts = parts;
  }

  begin(): void {
    const { plan, schedule } = this.#parts;
    for (let node = 0; node < plan.nodes; node++) {
      this.#standbys.set(node, this.#newStandby());
      this.#lives.set(node, 0);
    }
    this.#listed = new Map([...this.#lives].filter(([node]) => node !== 0));
    this.#reignOf(0);
    schedule.after(plan.updateEveryMs, () => this.#change());
    schedule.after(plan.faultEveryMs, () => this.#fault());
    this.#tick();
  }

  calm(): void {
    this.#isCalm = true;
    // What is damaged now is not changed by anybody any more.
    for (const node of this.#standbys.keys()) this.#damageMemory(node);
  }

  /** Behind the calm: everybody has the same, and may take over. */
  checkEqual(): void {
    const reign = this.#reign;
    if (reign === undefined) throw new ReplicationViolation('nobody holds it behind the calm');
    const { store } = reign.core;
    for (const [node, standby] of this.#standbys) {
      const { epoch, sequence } = standby.position;
      if (!standby.isWhole || epoch !== reign.epoch || sequence !== store.sequence)
        throw new ReplicationViolation(
          `behind the calm node ${node} is at ${epoch}/${sequence}, and the holder at ${reign.epoch}/${store.sequence}`,
        );
      if (told(standby.store) !== told(store))
        throw new ReplicationViolation(`node ${node} differs in the end`);
      if (!this.#listed.has(node)) throw new ReplicationViolation(`node ${node} is not listed in the end`);
    }
    if (reign.acknowledged < store.sequence)
      throw new ReplicationViolation(
        `update ${store.sequence} is not acknowledged in the end, ${reign.acknowledged} is`,
      );
    if (reign.waiting.length > 0) throw new ReplicationViolation('updates still wait in the end');
  }

  // The function ------------------------------------------------------------------------------------------

  #change(): void {
    const { plan, random, schedule } = this.#parts;
    const reign = this.#reign;
    if (!this.#isCalm) schedule.after(random.between(0, 2 * plan.updateEveryMs), () => this.#change());
    if (reign === undefined || !reign.isActing || reign.isEnding || reign.waiting.length > 0) return;
    const updates = Array.from(
      { length: 1 + random.below(4) },
      (): KeyUpdate => ({
        key: `k${random.below(KEYS)}`,
        value: random.chance(0.35) ? null : Uint8Array.of(random.below(256), random.below(256)),
      }),
    );
    this.#give(reign, updates);
  }

  #give(reign: Reign, updates: KeyUpdate[]): void {
    reign.waiting = updates;
    // One by one, so that the oracle sees every state that there was.
    while (reign.waiting.length > 0) {
      const outputs = reign.core.handle({ type: 'update', updates: reign.waiting.slice(0, 1) }, this.#nowMs);
      const taken = outputs.find((output) => output.type === 'taken');
      if (taken?.count === 1) {
        reign.waiting = reign.waiting.slice(1);
        this.#oracle.had(reign.epoch, reign.core.store, this.#nowMs);
      } else if (taken?.refused === 'full') reign.waiting = reign.waiting.slice(1);
      this.#carryOut(reign, outputs);
      if (taken?.count === 0 && taken.refused !== 'full') return;
    }
  }

  #release(reign: Reign, sequence: number): void {
    if (!reign.isActing || reign !== this.#reign) return;
    this.#oracle.released(sequence, acknowledgersOf(this.#parts.plan.bound));
    this.counts.released = Math.max(this.counts.released, sequence);
  }

  // The holder ------------------------------------------------------------------------------------------

  #reignOf(node: number): void {
    const { plan, schedule } = this.#parts;
    const standby = this.#standbys.get(node) as ReplicationStandby;
    // It is served, as the function was given it. What becomes of it then is not played.
    if (this.#damage.undo(standby.store)) this.counts.damagedTakeOvers += 1;
    this.#incoming.get(node)?.break();
    this.#incoming.delete(node);
    this.#standbys.delete(node);
    const isBirth = this.#epoch === 0;
    this.#epoch += 1;
    const bounds = { removedMax: plan.removedMax, keysMax: plan.keysMax };
    const from = isBirth ? { store: new ReplicaStore(bounds), history: [] } : standby.takeOver();
    this.#listed = new Map([...this.#listed].filter(([each]) => each !== node));
    const reign: Reign = {
      node,
      epoch: this.#epoch,
      core: new ReplicationHolder({
        slot: SLOT,
        epoch: this.#epoch,
        ...from,
        bound: this.#bound,
        startedAtMs: this.#nowMs,
        everyMs: EVERY_MS,
        batchBytes: plan.batchBytes,
      }),
      links: new Map(),
      lives: new Map(),
      wanted: new Set(this.#listed.keys()),
      stored: new Set(this.#listed.keys()),
      asked: new Set(),
      isAsking: false,
      isActing: true,
      waiting: [],
      isEnding: false,
      acknowledged: from.store.sequence,
    };
    this.#say(
      `node ${node} holds epoch ${this.#epoch} from ${from.store.sequence}; listed ${[...this.#listed.keys()].join()}`,
    );
    this.#reign = reign;
    this.#oracle.begins(reign.epoch, reign.core.store);
    this.#carryOut(
      reign,
      reign.core.handle({ type: 'list', standbys: [...this.#listed.keys()] }, this.#nowMs),
    );
    const { epoch } = reign;
    for (let other = 0; other < plan.nodes; other++) {
      if (other === node) continue;
      // As members of the council they accept the epoch, sooner or later.
      schedule.after(this.#parts.random.between(0, 30), () => {
        this.#tell(other, { type: 'epoch', epoch });
      });
      this.#connect(reign, other);
    }
  }

  get #bound(): ReplicationBound {
    const { plan, mutation } = this.#parts;
    const { ageMs, ...ageless } = plan.bound;
    return ageMs === undefined || mutation.ignoresAge ? ageless : plan.bound;
  }

  #connect(reign: Reign, to: number): void {
    const { plan, random, schedule } = this.#parts;
    schedule.after(random.between(1, 15), () => {
      if (reign !== this.#reign || reign.links.get(to)?.isUp) return;
      const blind = this.#parts.mutation.blindTo === undefined ? undefined : new BlindStandby();
      const ends: LinkEnds = {
        arrived: (end, message, fault) => {
          if (end === 'holder') this.#heard(reign, to, link, message, fault);
          else if (this.#incoming.get(to) === link)
            this.#receive(to, link, blind === undefined ? message : this.#blinded(blind, to, link, message));
        },
        rates: () => (this.#isCalm ? undefined : plan.linkFaults),
        struck: (fault) => {
          this.counts.linkFaults += 1;
          this.#say(`a frame between ${reign.node} and ${to} is ${fault}`);
        },
        ended: (end) => {
          if (end === 'standby' && this.#incoming.get(to) === link) {
            this.#incoming.delete(to);
            this.#tell(to, { type: 'detach' });
          }
          if (end === 'holder' && reign.links.get(to) === link) {
            reign.links.delete(to);
            this.#carryOut(reign, reign.core.handle({ type: 'detach', standby: to }, this.#nowMs));
            this.#connect(reign, to);
          }
        },
      };
      const link: Link = new Link(schedule, random, plan.delayMs, ends, this.#lastFrames.get(to));
      this.#lastFrames.set(to, link.frames);
      this.#marks.set(to, new MarkLog());
      reign.links.set(to, link);
      reign.lives.set(to, this.#lives.get(to) ?? 0);
      this.#incoming.get(to)?.break();
      this.#incoming.set(to, link);
      this.#received.set(to, 0);
      this.#tell(to, { type: 'attach' });
      this.#carryOut(reign, reign.core.handle({ type: 'attach', standby: to }, this.#nowMs));
    });
  }

  #heard(
    reign: Reign,
    from: number,
    link: Link,
    message: ReplicaMessage,
    fault: LinkFault | undefined,
  ): void {
    if (reign.links.get(from) !== link) return;
    const isStruckAck = fault !== undefined && message.type === 'ack';
    if (isStruckAck && this.#parts.mutation.believesAnyAcknowledgement)
      this.#believe(reign, from, message.sequence);
    if (isStruckAck && this.#parts.mutation.countsTwice && fault === 'doubled')
      for (const other of reign.links.keys())
        if (other !== from) this.#believe(reign, other, message.sequence);
    if (reign.links.get(from) !== link) return;
    this.#carryOut(reign, reign.core.handle({ type: 'message', standby: from, message }, this.#nowMs));
  }

  #believe(reign: Reign, standby: number, sequence: number): void {
    const message = this.#marks.get(standby)?.reachedBy(sequence);
    if (message !== undefined)
      this.#carryOut(reign, reign.core.handle({ type: 'message', standby, message }, this.#nowMs));
  }

  #carryOut(reign: Reign, outputs: readonly HolderOutput[]): void {
    const { bound } = this.#parts.plan;
    const isHeld = isHeldBy(bound);
    for (const output of outputs) {
      switch (output.type) {
        case 'send': {
          const link = reign.links.get(output.standby);
          if (link !== undefined) this.#marks.get(output.standby)?.sent(output.message);
          link?.send('standby', output.message);
          break;
        }
        case 'drop':
          this.#say(`node ${reign.node} drops ${output.standby}: ${output.reason}`);
          reign.links.get(output.standby)?.close('holder');
          reign.links.delete(output.standby);
          this.#connect(reign, output.standby);
          break;
        case 'taken':
          if (!isHeld || this.#parts.mutation.settlesWhenTaken) this.#release(reign, output.sequence);
          break;
        case 'acknowledged':
          reign.acknowledged = Math.max(reign.acknowledged, output.sequence);
          if (isHeld) this.#release(reign, output.sequence);
          break;
        case 'room':
          if (reign.waiting.length > 0 && reign.isActing) this.#give(reign, reign.waiting);
          break;
        case 'unlist':
          this.#say(`node ${reign.node} wants ${output.standby} off the list: ${output.reason}`);
          reign.wanted.delete(output.standby);
          this.#askCouncil(reign);
          // Its word was not said yet: nobody else will tell that it is not listed.
          if (!reign.isAsking) this.#list(reign);
          break;
        case 'caught-up':
          reign.wanted.add(output.standby);
          this.#askCouncil(reign);
          // Also when its word waits for the answer to another: it counts from now on, and not as it is by then.
          this.#list(reign);
          break;
        case 'superseded':
          this.#retire(reign);
          break;
        // Nothing is deferred here.
        case 'confirmed':
        case 'ready':
        case 'event':
          break;
      }
    }
    if (this.#parts.mutation.releasesAtFirst && bound.updates === 0) {
      for (const { sequence } of reign.core.views(this.#nowMs)) this.#release(reign, sequence ?? 0);
    }
  }

  /** One round at a time; who is in the round's list counts for the holder from its beginning. */
  #askCouncil(reign: Reign): void {
    const { random, schedule } = this.#parts;
    if (reign.isAsking || sameSet(reign.wanted, reign.stored) || reign !== this.#reign) return;
    reign.isAsking = true;
    const wanted = new Set(reign.wanted);
    const lives = new Map(
      [...wanted].map((each) => [each, reign.lives.get(each) ?? this.#listed.get(each) ?? 0]),
    );
    reign.asked = wanted;
    schedule.after(0, () => this.#list(reign));
    schedule.after(Math.max(0, this.#councilFromMs - this.#nowMs) + random.between(1, 20), () => {
      // A round of a holder that has died meanwhile may have come through or not.
      if (this.#epoch !== reign.epoch || (this.#reign !== reign && random.chance(0.5))) return;
      this.#listed = lives;
      this.#say(`the council lists ${[...wanted].join()}`);
      schedule.after(random.between(1, 10), () => {
        reign.stored = wanted;
        reign.asked = wanted;
        reign.isAsking = false;
        this.#list(reign);
        this.#askCouncil(reign);
      });
    });
  }

  /** Who counts as listed: whoever is, or may come to be by what was or will be asked. */
  #list(reign: Reign): void {
    if (reign !== this.#reign) return;
    const { mutation } = this.#parts;
    const standbys = new Set([...reign.stored, ...reign.asked, ...reign.wanted]);
    if (mutation.unlistsItselfFirst)
      for (const each of reign.stored) if (!reign.wanted.has(each)) standbys.delete(each);
    if (mutation.listsBehindHolder)
      for (const each of standbys) if (!reign.stored.has(each)) standbys.delete(each);
    this.#carryOut(reign, reign.core.handle({ type: 'list', standbys: [...standbys] }, this.#nowMs));
  }

  // The standbys ----------------------------------------------------------------------------------------

  #newStandby(kept?: ConstructorParameters<typeof ReplicationStandby>[0]['kept']): ReplicationStandby {
    const { removedMax, keysMax, windowBytes, asideBytes } = this.#parts.plan;
    const bounds = { removedMax, keysMax };
    return new ReplicationStandby(
      {
        slot: SLOT,
        bounds,
        windowBytes,
        asideBytes,
        ...(kept && { kept }),
        ...(this.#parts.mutation.neverLooks && { scrubKeys: 0 }),
      },
      this.#nowMs,
    );
  }

  #blinded(blind: BlindStandby, node: number, link: Link, message: ReplicaMessage): ReplicaMessage {
    const fault = this.#parts.mutation.blindTo;
    const standby = this.#standbys.get(node);
    if (fault === undefined || standby === undefined) return message;
    return blind.told(message, standby, link.wasStruck('standby', fault));
  }

  #receive(node: number, link: Link, message: ReplicaMessage): void {
    const { mutation, schedule } = this.#parts;
    if (mutation.acknowledgesFirst) {
      if (message.type === 'updates') this.#acknowledge(node, link, message);
      schedule.after(LATE_MS, () => {
        if (this.#incoming.get(node) === link) this.#tell(node, { type: 'message', message });
      });
      return;
    }
    this.#tell(node, { type: 'message', message });
  }

  /** Ahead of taking it. */
  #acknowledge(node: number, link: Link, { updates, mark }: ReplicaUpdates): void {
    const bytes = (this.#received.get(node) ?? 0) + replicaWeight(updates);
    this.#received.set(node, bytes);
    if (mark === null) return;
    link.send('holder', { type: 'ack', sequence: mark.sequence, bytes, clockUs: mark.clockUs });
  }

  #tell(node: number, input: StandbyInput): void {
    const standby = this.#standbys.get(node);
    if (standby === undefined) return;
    this.#carryOutAt(node, standby, standby.handle(input, this.#nowMs));
  }

  #carryOutAt(node: number, standby: ReplicationStandby, outputs: readonly StandbyOutput[]): void {
    const link = this.#incoming.get(node);
    if (standby.isWhole)
      this.#oracle.check(
        node,
        standby.position.epoch,
        standby.position.sequence,
        this.#damage.told(standby.store),
      );
    for (const output of outputs) {
      switch (output.type) {
        case 'send':
          if (output.message.type !== 'ack' || !this.#parts.mutation.acknowledgesFirst)
            link?.send('holder', this.#said(standby, output.message));
          break;
        case 'drop':
          link?.close('standby');
          this.#incoming.delete(node);
          break;
        case 'ended':
          this.#ended(node, output.sequence);
          break;
        case 'event':
          if (output.severity !== 'error') break;
          this.counts.differences += 1;
          this.#say(`node ${node}: ${output.message}`);
          if (!this.#isDamaged)
            throw new ReplicationViolation(`node ${node}, where nothing was damaged: ${output.message}`);
          break;
        case 'state':
        case 'reached':
          break;
      }
    }
  }

  #said(standby: ReplicationStandby, message: ReplicaMessage): ReplicaMessage {
    const { mutation } = this.#parts;
    const reign = this.#reign;
    if (!mutation.hidesItsWay || message.type !== 'at' || reign === undefined) return message;
    const { epoch, sequence } = standby.position;
    if (!standby.isWhole || epoch === 0 || sequence > reign.core.store.sequence) return message;
    return { ...message, epoch: reign.epoch, sequence };
  }

  // Faults ----------------------------------------------------------------------------------------------

  #fault(): void {
    const { plan, random, schedule } = this.#parts;
    if (this.#isCalm) return;
    schedule.after(random.between(0, 2 * plan.faultEveryMs), () => this.#fault());
    const reign = this.#reign;
    if (reign === undefined || reign.isEnding) return;
    const others = [...this.#standbys.keys()];
    if (others.length === 0) return;
    const other = random.pick(others);
    const link = reign.links.get(other);
    switch (random.pick(FAULTS)) {
      case 'council':
        this.#councilFromMs = this.#nowMs + random.between(50, 600);
        // The holder alone is cut off, from standbys too, and may end before it hears of anybody.
        if (random.chance(0.5))
          for (const each of reign.links.values()) each.stalledUntilMs = this.#councilFromMs;
        if (random.chance(0.5))
          schedule.at(this.#councilFromMs - random.between(0, 50), () => {
            if (this.#reign === reign && !reign.isEnding) this.#end(reign, false);
          });
        break;
      case 'memory':
        this.#damageMemory(other);
        break;
      case 'break':
        link?.break();
        break;
      case 'stall':
        if (link !== undefined) link.stalledUntilMs = this.#nowMs + random.between(10, 200);
        break;
      case 'standby':
        this.#say(`node ${other} ends and begins anew`);
        this.#incoming.get(other)?.break();
        this.#incoming.delete(other);
        this.#lose(other);
        break;
      case 'holder':
        this.#say(`node ${reign.node} ends`);
        this.#end(reign, false);
        break;
      case 'zombie':
        this.#say(`node ${reign.node} is cut off and goes on`);
        this.#end(reign, true);
        break;
      case 'hand-over':
        this.#say(`node ${reign.node} hands over`);
        reign.isEnding = true;
        this.#carryOut(reign, reign.core.handle({ type: 'end' }, this.#nowMs));
        // Nobody has taken it: it holds it no more all the same.
        schedule.after(200, () => {
          if (this.#reign === reign) this.#end(reign, false);
        });
        break;
    }
  }

  #damageMemory(node: number): void {
    const { plan, random } = this.#parts;
    const standby = this.#standbys.get(node);
    if (!plan.hasMemoryFaults || standby?.isWhole !== true) return;
    if (!this.#damage.strike(standby.store, random, this.#nowMs)) return;
    this.counts.memoryFaults += 1;
    this.#say(`a value is damaged in the memory of node ${node}`);
  }

  /** What it knew is lost: it begins with nothing. */
  #lose(node: number): void {
    this.#lives.set(node, (this.#lives.get(node) ?? 0) + 1);
    this.#standbys.set(node, this.#newStandby());
  }

  /** The holder is gone for the others. As a zombie it goes on sending, behind its fence. */
  #end(reign: Reign, isZombie: boolean): void {
    const { random, schedule } = this.#parts;
    this.#reign = undefined;
    reign.isActing = false;
    if (isZombie) {
      const { nowMs } = schedule;
      for (const link of reign.links.values()) link.stalledUntilMs = nowMs + random.between(0, 2 * LEASE_MS);
      schedule.after(LEASE_MS + random.between(50, 300), () => this.#retire(reign));
    } else {
      for (const link of reign.links.values()) link.break();
      this.#retired.add(reign);
      this.#lose(reign.node);
    }
    schedule.after(LEASE_MS, () => this.#elect(reign.node));
  }

  /** Knows that it holds it no more: its state is that of a standby from now on. */
  #retire(reign: Reign): void {
    if (reign === this.#reign || this.#retired.has(reign)) return;
    this.#retired.add(reign);
    for (const link of reign.links.values()) link.break();
    reign.links.clear();
    // It may be the standby of somebody by now; what it knew itself is the more useful state.
    this.#incoming.get(reign.node)?.break();
    this.#incoming.delete(reign.node);
    this.#standbys.set(reign.node, this.#newStandby(reign.core.kept));
  }

  readonly #retired = new Set<Reign>();

  #elect(former: number): void {
    const { random, plan } = this.#parts;
    if (this.#reign !== undefined) return;
    const alive = [...this.#standbys].filter(([node]) => node !== former);
    // Who was never filled since it began has no copy, whatever the council lists.
    const fit = alive.filter(
      ([node, { isWhole, position }]) =>
        this.#listed.get(node) === this.#lives.get(node) && isWhole && position.epoch > 0,
    );
    if (fit.length > 0) {
      const [node, standby] = random.pick(fit);
      const lost = this.#oracle.lost(standby.position.sequence);
      this.counts.takeOvers += 1;
      if (lost > plan.bound.updates)
        throw new ReplicationViolation(
          `${lost} updates are lost, and ${plan.bound.updates} may be: node ${node} is at ${standby.position.sequence}; ${this.#oracle.present}`,
        );
      const lostMs = this.#oracle.lostMs(standby.position.sequence);
      if (lostMs > (plan.bound.ageMs ?? Number.POSITIVE_INFINITY))
        throw new ReplicationViolation(
          `updates of ${lostMs} ms are lost, and of ${plan.bound.ageMs} ms may be: node ${node} is at ${standby.position.sequence}; ${this.#oracle.present}`,
        );
      this.#reignOf(node);
      return;
    }
    // Nobody of the list is left: a person decides, and what is lost is known.
    const [best] = alive.sort(([, a], [, b]) => rank(b) - rank(a));
    if (best === undefined) {
      this.#parts.schedule.after(LEASE_MS, () => this.#elect(-1));
      return;
    }
    this.counts.lastResorts += 1;
    if (!best[1].isWhole) this.#standbys.set(best[0], this.#newStandby());
    this.#reignOf(best[0]);
  }

  #ended(node: number, sequence: number): void {
    const reign = this.#reign;
    if (this.#standbys.get(node)?.isWhole !== true)
      throw new ReplicationViolation(`node ${node} says that all is there, and its state is none`);
    if (reign === undefined || !reign.isEnding || this.#listed.get(node) !== this.#lives.get(node)) return;
    const lost = this.#oracle.lost(sequence);
    if (lost > 0) throw new ReplicationViolation(`${lost} updates are lost by a planned hand-over`);
    this.counts.handOvers += 1;
    reign.isActing = false;
    this.#reign = undefined;
    this.#reignOf(node);
    this.#retire(reign);
  }

  // Time ------------------------------------------------------------------------------------------------

  #tick(): void {
    const { schedule } = this.#parts;
    const reign = this.#reign;
    if (reign !== undefined) this.#carryOut(reign, reign.core.expire(this.#nowMs));
    for (const [node, standby] of this.#standbys) {
      const outputs = standby.expire(this.#nowMs);
      if (outputs.length > 0) this.#carryOutAt(node, standby, outputs);
    }
    this.#checkMemory();
    schedule.after(5, () => this.#tick());
  }

  /** What is damaged in memory is found within a look through, while the state is whole otherwise. */
  #checkMemory(): void {
    for (const [node, standby] of this.#standbys) {
      if (!standby.isWhole) this.#damage.restartAge(standby.store, this.#nowMs);
      const ageMs = this.#damage.ageMs(standby.store, this.#nowMs);
      if (ageMs > LOOK_MS)
        throw new ReplicationViolation(
          `node ${node} has not found in ${ageMs} ms what is damaged in its memory`,
        );
    }
  }

  get #isDamaged(): boolean {
    return this.counts.linkFaults + this.counts.memoryFaults > 0;
  }

  get #nowMs(): number {
    return this.#parts.schedule.nowMs;
  }

  #say(what: string): void {
    this.#parts.trace.add(this.#nowMs, () => what);
  }
}
