// SPDX-License-Identifier: Apache-2.0
import type { SimProcess } from './process.ts';
import type { World } from './world.ts';

/** How long a sender tries to get through before it gives the connection up. */
const BREAK_MS = 3_000;
const RETRANSMIT_MS = 100;
/** As the transports have the kernel ask through a connection of which nothing was heard. */
const KEEP_ALIVE_MS = 10_000;
const KEEP_ALIVE_AGAIN_MS = 1_000;
const KEEP_ALIVES_MAX = 10;
/** Frames that wait for the network at most: beyond it somebody floods. */
const QUEUE_MAX = 5_000;

type Accept = (end: StreamEnd, fromHost: number) => void;

interface Pending {
  readonly open: (end: StreamEnd) => void;
  readonly fail: (reason: string) => void;
  readonly timeoutMs: number;
}

/** Reliable ordered streams. A cut holds frames back; one that lasts breaks the connection, end by end. */
export class StreamNetwork {
  readonly #world: World;
  readonly #listeners = new Map<number, { readonly process: SimProcess; readonly accept: Accept }>();
  readonly #ends = new Set<StreamEnd>();
  /** Hosts without power: nothing answers there, not even a reset. */
  readonly dark: Set<number> = new Set();

  constructor(world: World) {
    this.#world = world;
  }

  /** For this life of the process. */
  listen(process: SimProcess, accept: Accept): void {
    this.#listeners.set(process.host, { process, accept });
  }

  connect(process: SimProcess, toHost: number, pending: Pending): void {
    const world = this.#world;
    const { life } = process;
    const untilMs = world.nowMs + pending.timeoutMs;
    let isOver = false;
    const fail = (reason: string): void => {
      if (isOver) return;
      isOver = true;
      if (process.life === life) process.deliver(() => pending.fail(reason));
    };
    const attempt = (): void => {
      if (isOver || process.life !== life) return;
      if (this.isCut(process.host, toHost)) {
        world.schedule.after(RETRANSMIT_MS, attempt);
        return;
      }
      const listener = this.#listeners.get(toHost);
      if (!listener?.process.isAlive) {
        world.schedule.after(this.delayMs(), () => fail('refused'));
        return;
      }
      listener.process.deliver(() => {
        if (isOver || process.life !== life) return;
        const near = new StreamEnd(world, process);
        const far = new StreamEnd(world, listener.process);
        near.join(far);
        this.#ends.add(near).add(far);
        listener.accept(far, process.host);
        world.schedule.after(this.delayMs(), () => {
          if (process.life !== life) return;
          if (isOver) {
            near.close('too late');
            return;
          }
          isOver = true;
          process.deliver(() => {
            if (near.isOpen) pending.open(near);
            else pending.fail('closed');
          });
        });
      });
    };
    world.schedule.after(this.delayMs(), attempt);
    world.schedule.at(untilMs, () => fail('timed out'));
  }

  /** Whether anything from one host to the other, or its acknowledgement, is held back. */
  isCut(a: number, b: number): boolean {
    const { network } = this.#world;
    return network.isCut(a, b) || network.isCut(b, a) || this.dark.has(a) || this.dark.has(b);
  }

  /** One way; a lost segment costs a retransmission. */
  delayMs(): number {
    const { random, plan, isCalm } = this.#world;
    if (isCalm) return plan.delayMsMin;
    if (plan.loss > 0 && random.chance(plan.loss / 2)) return random.between(50, 300);
    return random.between(plan.delayMsMin, plan.delayMsMax);
  }

  /** The kernel closes what the process had open; without power nobody does. */
  processEnded(process: SimProcess, hasPower: boolean): void {
    for (const end of this.#ends) {
      if (end.isGone) this.#ends.delete(end);
      else if (end.process === process) end.orphan(hasPower);
    }
  }
}

/** One end of a stream. */
export class StreamEnd {
  readonly process: SimProcess;
  onFrame: (frame: Uint8Array) => void = () => {};
  onClose: (reason: string) => void = () => {};
  readonly #world: World;
  readonly #life: number;
  #peer: StreamEnd | undefined;
  #isOpen = true;
  /** Frames on their way; null is the end. */
  #queue: (Uint8Array | null)[] = [];
  #isSending = false;
  #stalledSinceMs: number | undefined;

  constructor(world: World, process: SimProcess) {
    this.#world = world;
    this.process = process;
    this.#life = process.life;
  }

  join(peer: StreamEnd): void {
    this.#peer = peer;
    peer.#peer = this;
    for (const end of [this, peer]) end.#keepAlive(KEEP_ALIVE_MS, 0);
  }

  /** An end that is gone without the other's knowing is found so where nothing is sent. */
  #keepAlive(afterMs: number, unanswered: number): void {
    const { schedule, streams } = this.#world;
    schedule.after(afterMs, () => {
      const peer = this.#peer;
      if (!this.#isOpen || peer === undefined) return;
      // What is sent asks as well.
      if (this.#isSending) this.#keepAlive(KEEP_ALIVE_MS, 0);
      else if (!streams.isCut(this.process.host, peer.process.host)) {
        if (peer.#isOpen) this.#keepAlive(KEEP_ALIVE_MS, 0);
        else if (peer.#queue.length === 0) this.#end('reset');
        else this.#keepAlive(KEEP_ALIVE_AGAIN_MS, 0);
      } else if (unanswered === KEEP_ALIVES_MAX) this.#end('timed out');
      else this.#keepAlive(KEEP_ALIVE_AGAIN_MS, unanswered + 1);
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get isGone(): boolean {
    return !this.#isOpen && this.#peer?.isOpen !== true;
  }

  send(frame: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#queue.push(frame);
    if (this.#queue.length > QUEUE_MAX) this.#world.fail(`${QUEUE_MAX} frames wait at ${this.process.name}`);
    this.#transmit();
  }

  close(reason: string): void {
    if (!this.#isOpen) return;
    this.#end(reason);
    this.#queue.push(null);
    this.#transmit();
  }

  /** Its process is gone. */
  orphan(hasPower: boolean): void {
    this.#isOpen = false;
    if (hasPower) this.#queue.push(null);
    else this.#queue = [];
    this.#transmit();
  }

  #transmit(): void {
    if (this.#isSending || this.#queue.length === 0) return;
    this.#isSending = true;
    this.#world.schedule.after(this.#world.streams.delayMs(), () => this.#arrive());
  }

  #arrive(): void {
    this.#isSending = false;
    const peer = this.#peer;
    if (peer === undefined || this.#queue.length === 0) return;
    const { nowMs, streams, schedule } = this.#world;
    if (streams.isCut(this.process.host, peer.process.host)) {
      this.#stalledSinceMs ??= nowMs;
      if (nowMs - this.#stalledSinceMs > BREAK_MS) {
        this.#queue = [];
        this.#end('timed out');
        return;
      }
      this.#isSending = true;
      schedule.after(RETRANSMIT_MS, () => this.#arrive());
      return;
    }
    this.#stalledSinceMs = undefined;
    // What was sent meanwhile travels in the same packets.
    const arrived = this.#queue.splice(0);
    for (const frame of arrived) {
      if (!peer.isOpen) {
        if (frame !== null) this.#end('reset');
        this.#queue = [];
        return;
      }
      if (frame === null) peer.#end('closed by the peer');
      else peer.#receive(frame);
    }
    this.#transmit();
  }

  #receive(frame: Uint8Array): void {
    if (this.process.life !== this.#life) return;
    this.process.deliver(() => {
      if (this.#isOpen) this.onFrame(frame);
    });
  }

  /** What came before is taken first. */
  #end(reason: string): void {
    if (!this.#isOpen) return;
    const finish = (): void => {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      this.onClose(reason);
    };
    if (this.process.life !== this.#life) return;
    if (this.process.isPaused) this.process.deliver(finish);
    else {
      this.#isOpen = false;
      this.#world.schedule.after(0, () => {
        if (this.process.life === this.#life) this.process.deliver(() => this.onClose(reason));
      });
    }
  }
}
