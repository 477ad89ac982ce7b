// SPDX-License-Identifier: Apache-2.0
import type { RegistrarSnapshot } from '@vnfpool/core/registrar';
import { type Bounds, boundsOf } from './bounds.ts';
import { keyOf } from './ledger.ts';
import type { Process } from './process.ts';
import type { RegistrarHost } from './registrar-host.ts';
import type { RserpoolWorld } from './rserpool-world.ts';
import type { UserHost } from './user-host.ts';

/** What must hold while faults happen, for those that no fault has concerned for long enough. */
export class Watch {
  readonly bounds: Bounds;
  /** Since when all registrars have agreed with the truth; undefined: there are faults, or their aftermath. */
  quietSinceMs: number | undefined;
  readonly #world: RserpoolWorld;
  /** Identifiers that registrars have begun with. */
  readonly #identifiers = new Set<number>();
  /** What each registrar had when it was looked at last. */
  readonly #had = new Map<RegistrarHost, ReadonlySet<string>>();
  /** Since when each registrar that is well has lacked elements that it had, and that are well. */
  readonly #lost = new Map<RegistrarHost, Map<string, number>>();
  /** The last identifier that each was seen under. */
  readonly #lastIds = new Map<RegistrarHost, number>();
  /** When a user last lied: a registrar believes enough reports. */
  #liedMs = Number.NEGATIVE_INFINITY;

  constructor(world: RserpoolWorld) {
    this.#world = world;
    this.bounds = boundsOf(world.profile, world.plan);
  }

  /** Looks at everybody. */
  sample(): void {
    const world = this.#world;
    if (world.users.some(({ isLiar }) => isLiar)) this.#liedMs = world.nowMs;
    for (const registrar of world.registrars) {
      if (!registrar.process.isRunning) {
        this.#had.delete(registrar);
        this.#lost.delete(registrar);
        continue;
      }
      const view = registrar.snapshot();
      if (view === undefined) continue;
      this.#lastIds.set(registrar, view.registrarId);
      this.#tables(registrar, view);
      this.#takenOver(registrar, view);
      const keys = this.#ghosts(registrar, view);
      this.#registered(registrar, view, keys);
      this.#kept(registrar, keys);
      this.#had.set(registrar, keys);
    }
    this.#rates();
  }

  /** A user was told to use this element. */
  used(user: UserHost, key: string): void {
    const world = this.#world;
    const goneMs = world.ledger.goneForMs(key);
    if (goneMs === undefined) return;
    const { staleMs, resolveEveryMs } = world.plan;
    const cachedMs = staleMs + resolveEveryMs + world.profile.endpoint.requestTimeoutMs;
    const boundMs = this.bounds.goneMs + cachedMs;
    const isLate =
      this.quietSinceMs === undefined
        ? goneMs > boundMs && this.isWell(user.process, boundMs)
        : world.nowMs - this.quietSinceMs > cachedMs;
    if (isLate) world.fail(`${user.process.name} is sent to ${key}, gone for ${goneMs.toFixed(0)} ms`);
  }

  /** No fault has concerned it for so long. */
  isWell(process: Process, forMs: number): boolean {
    const { nowMs, network } = this.#world;
    return process.isRunning && nowMs - process.touchedMs >= forMs && !network.isImpaired(process);
  }

  #tables({ process }: RegistrarHost, view: RegistrarSnapshot): void {
    const world = this.#world;
    this.#identifiers.add(view.registrarId);
    const fail = (what: string): void => world.fail(`${process.name} has ${what}`);
    if (view.peers.length > this.#identifiers.size + world.registrars.length)
      fail(`${view.peers.length} peers of ${this.#identifiers.size} identifiers`);
    const others = world.elements.length + world.users.length;
    const associations = view.associations + view.peerAssociations;
    // The driver holds one end for each, and tells at once when one is gone.
    if (associations > process.ends.size + SLACK + others)
      fail(`${associations} associations with ${process.ends.size} ends`);
    if (process.ends.size > ENDS_A_MACHINE * (others + world.registrars.length))
      fail(`${process.ends.size} associations`);
  }

  #ghosts(registrar: RegistrarHost, view: RegistrarSnapshot): Set<string> {
    const world = this.#world;
    const keys = new Set<string>();
    const { goneMs: goneMsMost, goneAmongWellMs } = this.bounds;
    const isScopeWell = world.registrars.every(
      ({ process }) =>
        world.nowMs - process.touchedMs >= goneAmongWellMs && !world.network.isImpaired(process),
    );
    for (const { handle, elements } of view.pools) {
      for (const { id } of elements) {
        const key = keyOf(handle, id);
        keys.add(key);
        const goneMs = world.ledger.goneForMs(key);
        if (goneMs === undefined) continue;
        const isLate = isScopeWell
          ? goneMs > goneAmongWellMs
          : goneMs > goneMsMost && this.isWell(registrar.process, goneMsMost);
        if (isLate) world.fail(`${registrar.process.name} has ${key}, gone for ${goneMs.toFixed(0)} ms`);
      }
    }
    return keys;
  }

  #registered(registrar: RegistrarHost, view: RegistrarSnapshot, keys: ReadonlySet<string>): void {
    const world = this.#world;
    const { registeredMs } = this.bounds;
    if (!this.isWell(registrar.process, registeredMs) || view.state !== 'running') return;
    if (world.nowMs - this.#liedMs < registeredMs) return;
    for (const { key, host, name, sinceMs } of world.ledger.living()) {
      if (keys.has(key) || world.nowMs - sinceMs < registeredMs) continue;
      if (!this.isWell(host.process, registeredMs) || !host.isRegistered(name)) continue;
      const homes = [...host.registrars()];
      // With several associations it is not for us to say which of them is meant.
      if (homes.length !== 1 || homes[0] !== registrar.process) continue;
      world.fail(
        `${registrar.process.name} does not have ${key}, which both have been well for ${registeredMs} ms`,
      );
    }
  }

  /** One dead registrar among others that are well is taken over by one of them, and forgotten by all. */
  #takenOver({ process }: RegistrarHost, view: RegistrarSnapshot): void {
    const world = this.#world;
    const { takenOverMs, hiddenMs } = this.bounds;
    for (const dead of world.registrars) {
      const deadMs = world.nowMs - dead.process.touchedMs;
      if (dead.process.isAlive || deadMs <= takenOverMs) continue;
      const id = this.#lastIds.get(dead);
      if (!view.peers.some(({ registrarId }) => registrarId === id)) continue;
      const isAlone = world.registrars.every(
        (other) => other === dead || this.isWell(other.process, deadMs + hiddenMs),
      );
      if (isAlone)
        world.fail(`${process.name} still lists ${dead.process.name}, dead for ${deadMs.toFixed(0)} ms`);
    }
  }

  /**
   * Whatever becomes of others, its home registrar too: who is well does not lose an element that is well. Two
   * registrars that each give it up to the other find that out by their next audit, and one of them asks it back. If
   * one of the two is gone by then, the element's next registration tells.
   */
  #kept(registrar: RegistrarHost, keys: ReadonlySet<string>): void {
    const world = this.#world;
    const { hiddenMs, parts } = this.bounds;
    const concerned = world.registrars.filter(({ process }) => !this.isWell(process, hiddenMs)).length;
    const mostMs = (parts['audit'] ?? 0) + (concerned > 1 ? (parts['reregister'] ?? 0) : 0);
    const lost = new Map<string, number>();
    const before = this.#lost.get(registrar);
    const missing = [...(this.#had.get(registrar) ?? []), ...(before?.keys() ?? [])];
    this.#lost.set(registrar, lost);
    if (!this.isWell(registrar.process, hiddenMs) || world.nowMs - this.#liedMs < hiddenMs) return;
    for (const key of missing) {
      const entry = keys.has(key) ? undefined : world.ledger.find(key);
      if (entry === undefined || world.nowMs - entry.sinceMs < hiddenMs) continue;
      if (!this.isWell(entry.host.process, hiddenMs)) continue;
      const sinceMs = before?.get(key) ?? world.nowMs;
      lost.set(key, sinceMs);
      const forMs = world.nowMs - sinceMs;
      if (forMs > mostMs)
        world.fail(
          `${registrar.process.name} has lost ${key}, which lives, for ${forMs.toFixed(0)} ms; both have long been well`,
        );
    }
  }

  #rates(): void {
    const world = this.#world;
    const { fromMs, asap, enrp, connects } = world.traffic.take();
    const seconds = (world.nowMs - fromMs) / 1000;
    if (seconds <= 0) return;
    const names = world.ledger.livingCount;
    const [r, e, u] = [world.registrars.length, world.elements.length, world.users.length];
    const check = (what: string, count: number, most: number): void => {
      if (count > most * seconds + BURST)
        world.fail(
          `${count} ${what} in ${seconds.toFixed(1)} s, more than ${most} a second; ${kinds(world)}`,
        );
    };
    check('ASAP messages', asap, 50 + 20 * (e + u) + 10 * names);
    check('ENRP messages', enrp, 50 + 10 * r * r + 10 * names * r);
    check('connects', connects, 20 + 5 * (e + u) + 5 * r * r + names);
  }
}

/** Associations that are being told of. */
const SLACK = 16;
const ENDS_A_MACHINE = 24;
/** Everybody comes back at once. */
const BURST = 20_000;

function kinds(world: RserpoolWorld): string {
  return [...world.traffic.kinds]
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 6)
    .map(([kind, count]) => `${kind} ${count}`)
    .join(', ');
}
