// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import type { Process } from './process.ts';
import type { World } from './world.ts';

/** What travels: a message as it is, or octets. */
export type Frame = AsapMessage | EnrpMessage | Uint8Array;

const RETRANSMIT_MS_MIN = 200;
const RETRANSMIT_MS_MAX = 2_000;
/** Frames that wait for the network at most: beyond it somebody floods. */
const QUEUE_MAX = 20_000;

interface Item {
  /** null: the end. */
  readonly frame: Frame | null;
  readonly atMs: number;
}

/**
 * One end of an association: ordered and reliable while it lasts, as TCP and SCTP are. A cut holds messages back; one
 * that lasts breaks this end. The other end hears of that only when it sends, or by heartbeats where there are any.
 */
export class AssociationEnd {
  readonly process: Process;
  onFrame: (frame: Frame) => void = () => {};
  onClose: (reason: string) => void = () => {};
  readonly #world: World;
  readonly #life: number;
  #peer: AssociationEnd | undefined;
  #isOpen = true;
  #queue: Item[] = [];
  #lastAtMs = 0;
  #isArmed = false;
  #stalledSinceMs: number | undefined;
  #unackedSinceMs: number | undefined;
  #retryMs = RETRANSMIT_MS_MIN;

  constructor(world: World, process: Process) {
    this.#world = world;
    this.process = process;
    this.#life = process.life;
    process.ends.add(this);
  }

  static pair(world: World, near: Process, far: Process): [AssociationEnd, AssociationEnd] {
    const [a, b] = [new AssociationEnd(world, near), new AssociationEnd(world, far)];
    a.#peer = b;
    b.#peer = a;
    return [a, b];
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Who is at the other end. */
  get other(): Process {
    return this.#other.process;
  }

  send(frame: Frame): void {
    if (!this.#isOpen) return;
    this.#push(frame);
    if (this.#queue.length > QUEUE_MAX)
      this.#world.fail(`${QUEUE_MAX} frames wait on the way from ${this.process.name} to ${this.other.name}`);
  }

  /** What was sent before still arrives. */
  close(reason: string): void {
    if (!this.#isOpen) return;
    this.#push(null);
    this.#closed(reason);
  }

  /** Breaks this end at once; the other one finds out by itself. */
  lose(reason: string): void {
    if (!this.#isOpen) return;
    this.#queue = [];
    this.#closed(reason);
    const other = this.#other;
    const { heartbeatMs, breakMs } = this.#world.plan;
    if (heartbeatMs === null) return;
    this.#world.schedule.after(this.#world.random.fraction() * heartbeatMs + breakMs, () => {
      other.lose('no heartbeat');
    });
  }

  /** Its process is gone: a living machine says so, after what was sent or instead of it. */
  orphan(how: 'crash' | 'power'): void {
    if (how === 'power') {
      this.lose('power');
      return;
    }
    this.#isOpen = false;
    if (this.#world.random.chance(0.5)) this.#queue = [];
    this.#push(null);
  }

  get #other(): AssociationEnd {
    if (this.#peer === undefined) throw new Error('an association has two ends');
    return this.#peer;
  }

  #push(frame: Frame | null): void {
    const { nowMs, network } = this.#world;
    const atMs = Math.max(this.#lastAtMs, nowMs + network.delayMs(this.process, this.other));
    this.#lastAtMs = atMs;
    this.#queue.push({ frame, atMs });
    this.#arm(atMs);
  }

  #arm(atMs: number): void {
    if (this.#isArmed) return;
    this.#isArmed = true;
    this.#world.schedule.at(atMs, () => this.#arrive());
  }

  #arrive(): void {
    this.#isArmed = false;
    const { nowMs, network } = this.#world;
    const other = this.#other;
    if (this.#queue.length === 0) return;
    if (network.isCut(this.process, other.process)) {
      this.#stall(nowMs);
      return;
    }
    this.#stalledSinceMs = undefined;
    this.#retryMs = RETRANSMIT_MS_MIN;
    const isAcked = !network.isCut(other.process, this.process);
    if (!isAcked) this.#awaitAck(nowMs);
    else this.#unackedSinceMs = undefined;
    let taken = 0;
    for (const { frame, atMs } of this.#queue) {
      if (atMs > nowMs) break;
      taken += 1;
      if (!other.#isOpen) {
        // Its machine does not know the association any more.
        this.#queue = [];
        if (isAcked && frame !== null) this.lose('reset');
        return;
      }
      if (frame === null) other.#ended('closed by the peer');
      else other.#receive(frame);
    }
    this.#queue.splice(0, taken);
    const [next] = this.#queue;
    if (next !== undefined) this.#arm(next.atMs);
  }

  #stall(nowMs: number): void {
    this.#stalledSinceMs ??= nowMs;
    if (nowMs - this.#stalledSinceMs > this.#world.plan.breakMs) {
      this.lose('timed out');
      this.#queue = [];
      return;
    }
    this.#arm(nowMs + this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, RETRANSMIT_MS_MAX);
  }

  /** It arrives, but whoever sent it never hears so. */
  #awaitAck(nowMs: number): void {
    if (this.#unackedSinceMs !== undefined) return;
    this.#unackedSinceMs = nowMs;
    const { schedule, network, plan } = this.#world;
    schedule.after(plan.breakMs, () => {
      if (this.#unackedSinceMs !== nowMs) return;
      this.#unackedSinceMs = undefined;
      if (network.isCut(this.other, this.process)) this.lose('not acknowledged');
    });
  }

  #receive(frame: Frame): void {
    if (this.process.life !== this.#life) return;
    this.process.deliver(() => {
      if (this.#isOpen) this.onFrame(frame);
    });
  }

  #ended(reason: string): void {
    if (!this.#isOpen) return;
    this.process.deliver(() => {
      if (!this.#isOpen) return;
      this.#queue = [];
      this.#closed(reason);
    });
  }

  #closed(reason: string): void {
    this.#isOpen = false;
    this.process.ends.delete(this);
    if (this.process.life !== this.#life) return;
    this.#world.schedule.after(0, () => {
      if (this.process.life === this.#life) this.process.deliver(() => this.onClose(reason));
    });
  }
}
