// SPDX-License-Identifier: Apache-2.0
import {
  type HolderOutput,
  isHeldBy,
  ReplicaStore,
  type ReplicationBound,
  ReplicationHolder,
  type ReplicationStandby,
} from '@vnfpool/core/replication';
import type { ReplicaMessage } from '@vnfpool/wire/replication';
import { BlindStandby, MarkLog } from './broken-ends.ts';
import { Council } from './council.ts';
import { Link, type LinkEnds } from './link.ts';
import type { LinkFault } from './link-faults.ts';
import { MemoryDamage } from './memory-damage.ts';
import { Oracle, ReplicationViolation } from './oracle.ts';
import { REFILL_PAUSE_MS, RefillPauses } from './refill-pauses.ts';
import { type Reign, rank } from './reign.ts';
import { SharingFunction } from './sharing-function.ts';
import { LOOK_MS, StandbyNodes } from './standby-nodes.ts';
import { checkEqual, checkTakeOver } from './verdicts.ts';
import { EVERY_MS, LEASE_MS, SLOT, type WorldCounts, type WorldParts } from './world-parts.ts';

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

/** A council in one place, a holder, its standbys, and a function that changes things. */
export class ReplicationWorld {
  readonly counts: WorldCounts = {
    takeOvers: 0,
    handOvers: 0,
    lastResorts: 0,
    released: 0,
    linkFaults: 0,
    differences: 0,
    memoryFaults: 0,
    damagedTakeOvers: 0,
    holderFaults: 0,
    toldAnew: 0,
  };
  readonly #parts: WorldParts;
  readonly #damage = new MemoryDamage();
  readonly #oracle = new Oracle((store) => this.#damage.told(store));
  readonly #council: Council;
  readonly #standbys: StandbyNodes;
  readonly #function: SharingFunction;
  /** How often what a node knew was lost. */
  readonly #lives = new Map<number, number>();
  #epoch = 0;
  #reign: Reign | undefined;
  #isCalm = false;
  /** By node, of the last connection to it. */
  readonly #lastFrames = new Map<number, Link['frames']>();
  /** What was sent on the connection of a node, where holders believe more than they should. */
  readonly #marks = new Map<number, MarkLog>();

  constructor(parts: WorldParts) {
    this.#parts = parts;
    this.#council = new Council(parts, {
      epoch: () => this.#epoch,
      reign: () => this.#reign,
      list: (reign) => this.#list(reign),
      say: (what) => this.#say(what),
    });
    this.#standbys = new StandbyNodes(parts, {
      oracle: this.#oracle,
      damage: this.#damage,
      counts: this.counts,
      reign: () => this.#reign,
      ended: (node, sequence) => this.#ended(node, sequence),
      say: (what) => this.#say(what),
    });
    this.#function = new SharingFunction(parts, {
      oracle: this.#oracle,
      damage: this.#damage,
      counts: this.counts,
      reign: () => this.#reign,
      isCalm: () => this.#isCalm,
      carryOut: (reign, outputs) => this.#carryOut(reign, outputs),
    });
  }

  begin(): void {
    const { plan, schedule } = this.#parts;
    for (let node = 0; node < plan.nodes; node++) {
      this.#standbys.nodes.set(node, this.#standbys.fresh());
      this.#lives.set(node, 0);
    }
    this.#council.listed = new Map([...this.#lives].filter(([node]) => node !== 0));
    this.#reignOf(0);
    schedule.after(plan.updateEveryMs, () => this.#function.change());
    schedule.after(plan.faultEveryMs, () => this.#fault());
    if (plan.hasHolderFaults) this.#faultOfHolder();
    this.#tick();
  }

  calm(): void {
    this.#isCalm = true;
    // What is damaged now is not changed by anybody any more.
    for (const node of this.#standbys.nodes.keys()) this.#damageMemory(node);
    this.#damageHolder();
    // It is what a function that tells nothing anew does sooner or later.
    const { plan, schedule } = this.#parts;
    if (!plan.tellsAnew)
      for (let afterMs = LOOK_MS; afterMs < 2 * LOOK_MS; afterMs += 100)
        schedule.after(afterMs, () => this.#function.changeDamaged());
  }

  checkEqual(): void {
    checkEqual(this.#reign, this.#standbys.nodes, this.#council.listed);
  }

  // The holder ------------------------------------------------------------------------------------------

  #reignOf(node: number): void {
    const { plan, schedule, mutation } = this.#parts;
    const standby = this.#standbys.nodes.get(node) as ReplicationStandby;
    // It is served, as the function was given it. What becomes of it then is not played.
    if (this.#damage.undo(standby.store)) this.counts.damagedTakeOvers += 1;
    this.#standbys.incoming.get(node)?.break();
    this.#standbys.incoming.delete(node);
    this.#standbys.nodes.delete(node);
    const isBirth = this.#epoch === 0;
    this.#epoch += 1;
    const bounds = { removedLeast: plan.removedLeast, keysMax: plan.keysMax };
    const from = isBirth ? { store: new ReplicaStore(bounds), history: [] } : standby.takeOver();
    this.#council.listed = new Map([...this.#council.listed].filter(([each]) => each !== node));
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
        refillPauseMs: mutation.fillsAtOnce ? 0 : REFILL_PAUSE_MS,
        ...(mutation.holderNeverLooks && { scrubKeys: 0 }),
      }),
      pauses: new RefillPauses(),
      links: new Map(),
      lives: new Map(),
      wanted: new Set(this.#council.listed.keys()),
      stored: new Set(this.#council.listed.keys()),
      asked: new Set(),
      isAsking: false,
      isActing: true,
      waiting: [],
      isEnding: false,
      acknowledged: from.store.sequence,
    };
    this.#say(
      `node ${node} holds epoch ${this.#epoch} from ${from.store.sequence}; listed ${[...this.#council.listed.keys()].join()}`,
    );
    this.#reign = reign;
    this.#oracle.begins(reign.epoch, reign.core.store);
    this.#carryOut(
      reign,
      reign.core.handle({ type: 'list', standbys: [...this.#council.listed.keys()] }, this.#nowMs),
    );
    const { epoch } = reign;
    for (let other = 0; other < plan.nodes; other++) {
      if (other === node) continue;
      // As members of the council they accept the epoch, sooner or later.
      schedule.after(this.#parts.random.between(0, 30), () => {
        this.#standbys.tell(other, { type: 'epoch', epoch });
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
          else if (this.#standbys.incoming.get(to) === link)
            this.#standbys.receive(
              to,
              link,
              blind === undefined ? message : this.#standbys.blinded(blind, to, link, message),
            );
        },
        rates: () => (this.#isCalm ? undefined : plan.linkFaults),
        struck: (fault) => {
          this.counts.linkFaults += 1;
          this.#say(`a frame between ${reign.node} and ${to} is ${fault}`);
        },
        ended: (end) => {
          if (end === 'standby' && this.#standbys.incoming.get(to) === link) {
            this.#standbys.incoming.delete(to);
            this.#standbys.tell(to, { type: 'detach' });
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
      this.#standbys.connect(to, link);
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
    const outputs = reign.core.handle({ type: 'message', standby: from, message }, this.#nowMs);
    if (message.type === 'differs' && !outputs.some(({ type }) => type === 'drop'))
      reign.pauses.differed(from, this.#nowMs);
    this.#carryOut(reign, outputs);
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
      reign.pauses.check(output, this.#nowMs);
      switch (output.type) {
        case 'send': {
          this.#checkSent(reign, output.message);
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
          if (!isHeld || this.#parts.mutation.settlesWhenTaken)
            this.#function.release(reign, output.sequence);
          break;
        case 'acknowledged':
          reign.acknowledged = Math.max(reign.acknowledged, output.sequence);
          if (isHeld) this.#function.release(reign, output.sequence);
          break;
        case 'room':
          if (reign.waiting.length > 0 && reign.isActing) this.#function.give(reign, reign.waiting);
          break;
        case 'unlist':
          this.#say(`node ${reign.node} wants ${output.standby} off the list: ${output.reason}`);
          reign.wanted.delete(output.standby);
          this.#council.ask(reign);
          // Its word was not said yet: nobody else will tell that it is not listed.
          if (!reign.isAsking) this.#list(reign);
          break;
        case 'caught-up':
          reign.wanted.add(output.standby);
          this.#council.ask(reign);
          // Also when its word waits for the answer to another: it counts from now on, and not as it is by then.
          this.#list(reign);
          break;
        case 'superseded':
          this.#retire(reign);
          break;
        case 'damaged':
          this.#say(
            `node ${reign.node} knows what is damaged at it: ${output.keys.join() || 'nothing any more'}`,
          );
          if (output.keys.length > 0) this.#function.askAnew(reign);
          break;
        // Nothing is deferred here.
        case 'confirmed':
        case 'ready':
        case 'event':
          break;
      }
    }
    if (this.#parts.mutation.releasesAtFirst && bound.updates === 0) {
      for (const { sequence } of reign.core.views(this.#nowMs)) this.#function.release(reign, sequence ?? 0);
    }
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

  // Faults ----------------------------------------------------------------------------------------------

  #fault(): void {
    const { plan, random, schedule } = this.#parts;
    if (this.#isCalm) return;
    schedule.after(random.between(0, 2 * plan.faultEveryMs), () => this.#fault());
    const reign = this.#reign;
    if (reign === undefined || reign.isEnding) return;
    const others = [...this.#standbys.nodes.keys()];
    if (others.length === 0) return;
    const other = random.pick(others);
    const link = reign.links.get(other);
    switch (random.pick(FAULTS)) {
      case 'council':
        this.#council.fromMs = this.#nowMs + random.between(50, 600);
        // The holder alone is cut off, from standbys too, and may end before it hears of anybody.
        if (random.chance(0.5))
          for (const each of reign.links.values()) each.stalledUntilMs = this.#council.fromMs;
        if (random.chance(0.5))
          schedule.at(this.#council.fromMs - random.between(0, 50), () => {
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
        this.#standbys.incoming.get(other)?.break();
        this.#standbys.incoming.delete(other);
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
    const standby = this.#standbys.nodes.get(node);
    if (!plan.hasMemoryFaults || standby?.isWhole !== true) return;
    if (!this.#damage.strike(standby.store, random, this.#nowMs)) return;
    this.counts.memoryFaults += 1;
    this.#say(`a value is damaged in the memory of node ${node}`);
  }

  #faultOfHolder(): void {
    const { more, schedule } = this.#parts;
    if (this.#isCalm) return;
    schedule.after(more.between(0, 400), () => this.#faultOfHolder());
    this.#damageHolder();
  }

  #damageHolder(): void {
    const { plan, more } = this.#parts;
    const reign = this.#reign;
    if (!plan.hasHolderFaults || reign === undefined) return;
    if (!this.#damage.strike(reign.core.store, more, this.#nowMs)) return;
    this.counts.holderFaults += 1;
    this.#say(`a value is damaged in the memory of node ${reign.node}, the holder`);
  }

  /** What it knew is lost: it begins with nothing. */
  #lose(node: number): void {
    this.#lives.set(node, (this.#lives.get(node) ?? 0) + 1);
    this.#standbys.nodes.set(node, this.#standbys.fresh());
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
    this.#standbys.incoming.get(reign.node)?.break();
    this.#standbys.incoming.delete(reign.node);
    // It begins to look anew.
    this.#damage.restartAge(reign.core.store, this.#nowMs);
    this.#standbys.nodes.set(reign.node, this.#standbys.fresh(reign.core.kept));
  }

  readonly #retired = new Set<Reign>();

  #elect(former: number): void {
    const { random, plan } = this.#parts;
    if (this.#reign !== undefined) return;
    const alive = [...this.#standbys.nodes].filter(([node]) => node !== former);
    // Who was never filled since it began has no copy, whatever the council lists.
    const fit = alive.filter(
      ([node, { isWhole, position }]) =>
        this.#council.listed.get(node) === this.#lives.get(node) && isWhole && position.epoch > 0,
    );
    if (fit.length > 0) {
      const [node, standby] = random.pick(fit);
      this.counts.takeOvers += 1;
      checkTakeOver(this.#oracle, plan.bound, node, standby.position.sequence);
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
    if (!best[1].isWhole) this.#standbys.nodes.set(best[0], this.#standbys.fresh());
    this.#reignOf(best[0]);
  }

  #ended(node: number, sequence: number): void {
    const reign = this.#reign;
    if (this.#standbys.nodes.get(node)?.isWhole !== true)
      throw new ReplicationViolation(`node ${node} says that all is there, and its state is none`);
    if (reign === undefined || !reign.isEnding || this.#council.listed.get(node) !== this.#lives.get(node))
      return;
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
    if (reign !== undefined) {
      this.#carryOut(reign, reign.core.expire(this.#nowMs));
      this.#checkHolder(reign);
    }
    for (const [node, standby] of this.#standbys.nodes) {
      const outputs = standby.expire(this.#nowMs);
      if (outputs.length > 0) this.#standbys.carryOutAt(node, standby, outputs);
    }
    this.#standbys.checkMemory();
    schedule.after(5, () => this.#tick());
  }

  /** Of the holder's own copy the same is promised as of a standby's, whatever else is so. */
  #checkHolder({ node, core: { store } }: Reign): void {
    const ageMs = this.#damage.ageMs(store, this.#nowMs);
    if (ageMs > LOOK_MS)
      throw new ReplicationViolation(
        `node ${node}, the holder, has not found in ${ageMs} ms what is damaged in its memory`,
      );
  }

  #checkSent({ node, core: { store } }: Reign, message: ReplicaMessage): void {
    if (message.type !== 'updates') return;
    for (const { key, value } of message.updates)
      if (this.#damage.isOf(store, value))
        throw new ReplicationViolation(`node ${node} sends what is damaged in its memory: ${key}`);
  }

  get #nowMs(): number {
    return this.#parts.schedule.nowMs;
  }

  #say(what: string): void {
    this.#parts.trace.add(this.#nowMs, () => what);
  }
}
