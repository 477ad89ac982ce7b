// SPDX-License-Identifier: Apache-2.0
import type { IpText } from '@vnfpool/wire/parameters';
import { AssociationEnd } from './association.ts';
import type { Protocol } from './options.ts';
import type { Process } from './process.ts';
import type { World } from './world.ts';

const SYN_RETRY_MS = 500;

/** Who cannot reach whom. */
interface Cut {
  readonly from: ReadonlySet<Process>;
  readonly to: ReadonlySet<Process>;
}

interface Connecting {
  readonly timeoutMs: number;
  readonly opened: (end: AssociationEnd) => void;
  readonly failed: (reason: string) => void;
}

/** Paths between machines: delays, cuts (also one way), slow machines; associations and multicast on them. */
export class Network {
  readonly #world: World;
  readonly #cuts = new Set<Cut>();
  readonly #slowMs = new Map<Process, number>();
  readonly #machines = new Map<IpText, Process>();
  /** Lost copies of a multicast datagram. */
  multicastLoss = 0;

  constructor(world: World) {
    this.#world = world;
  }

  add(process: Process): void {
    this.#machines.set(process.address, process);
  }

  machineAt(address: string): Process | undefined {
    return this.#machines.get(address);
  }

  /** Nothing gets from one group to the other; returns how to heal it. */
  cut(from: Iterable<Process>, to: Iterable<Process>): () => void {
    const cut = { from: new Set(from), to: new Set(to) };
    this.#cuts.add(cut);
    this.#touch(cut);
    return () => {
      if (this.#cuts.delete(cut)) this.#touch(cut);
    };
  }

  /** Every message to and from this machine takes longer. */
  slow(process: Process, byMs: number): void {
    process.touch();
    if (byMs > 0) this.#slowMs.set(process, byMs);
    else this.#slowMs.delete(process);
  }

  isCut(from: Process, to: Process): boolean {
    if (from.isDark || to.isDark) return true;
    for (const cut of this.#cuts) if (cut.from.has(from) && cut.to.has(to)) return true;
    return false;
  }

  /** Whether a fault of the network concerns this machine now. */
  isImpaired(process: Process): boolean {
    if (this.#slowMs.has(process)) return true;
    for (const cut of this.#cuts) if (cut.from.has(process) || cut.to.has(process)) return true;
    return false;
  }

  calm(): void {
    for (const cut of this.#cuts) this.#touch(cut);
    this.#cuts.clear();
    for (const process of this.#slowMs.keys()) process.touch();
    this.#slowMs.clear();
    this.multicastLoss = 0;
  }

  delayMs(from: Process, to: Process): number {
    const { plan, random } = this.#world;
    const slowMs = (this.#slowMs.get(from) ?? 0) + (this.#slowMs.get(to) ?? 0);
    return random.between(plan.delayMsMin, plan.delayMsMax) + slowMs;
  }

  /** Opens an association; returns how to give it up. Exactly one of the two callbacks is called, unless given up. */
  connect(process: Process, address: string, protocol: Protocol, how: Connecting): () => void {
    const world = this.#world;
    const { life } = process;
    const target = this.#machines.get(address);
    let isOver = false;
    const fail = (reason: string): void => {
      if (isOver) return;
      isOver = true;
      if (process.life === life) process.deliver(() => how.failed(reason));
    };
    const attempt = (): void => {
      if (isOver || process.life !== life) return;
      if (target === undefined || this.isCut(process, target) || this.isCut(target, process)) {
        world.schedule.after(SYN_RETRY_MS, attempt);
        return;
      }
      const accept = target.listeners.get(protocol);
      if (accept === undefined) {
        world.schedule.after(this.delayMs(target, process), () => fail('refused'));
        return;
      }
      // The machine accepts, whether or not its process runs just now.
      const [near, far] = AssociationEnd.pair(world, process, target);
      target.deliver(() => {
        if (far.isOpen) accept(far);
      });
      world.schedule.after(this.delayMs(target, process), () => {
        if (isOver || process.life !== life) {
          near.close('too late');
          return;
        }
        isOver = true;
        process.deliver(() => {
          if (near.isOpen) how.opened(near);
          else how.failed('closed');
        });
      });
    };
    world.schedule.after(target === undefined ? 0 : this.delayMs(process, target), attempt);
    world.schedule.after(how.timeoutMs, () => fail('timed out'));
    return () => {
      isOver = true;
    };
  }

  /** One datagram to many: each copy may be lost. */
  multicast(from: Process, receivers: readonly Process[], take: (receiver: Process) => void): void {
    const { random, schedule, plan } = this.#world;
    const loss = Math.max(this.multicastLoss, plan.multicastLoss);
    schedule.after(random.between(plan.delayMsMin, plan.delayMsMax), () => {
      for (const to of receivers) {
        if (to === from || !to.isAlive || this.isCut(from, to) || (loss > 0 && random.chance(loss))) continue;
        // A socket's buffer holds few datagrams: of those for a paused process none is kept.
        if (!to.isPaused) take(to);
      }
    });
  }

  #touch({ from, to }: Cut): void {
    for (const process of from) process.touch();
    for (const process of to) process.touch();
  }
}
