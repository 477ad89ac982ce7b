// SPDX-License-Identifier: Apache-2.0
import type { Random } from '../core.ts';

/** Where a registrar is; only the driver reads it. */
export interface RegistrarAddress {
  readonly host: string;
  readonly port: number;
}

export interface HuntOptions {
  /** Tried in turn. At least one. */
  readonly registrars: readonly RegistrarAddress[];
  /** T5-Serverhunt: how long one attempt may take. Default 10000 ms. */
  readonly connectTimeoutMs?: number;
  /** Pause after the whole list failed; doubles with each round, varies by half. Default 500 ms. */
  readonly backoffMinMs?: number;
  /** RETRAN-MAX. Default 60000 ms. */
  readonly backoffMaxMs?: number;
}

/** What the driver must do. Associations are numbered by the core; a number is never used twice. */
export type HuntOutput =
  | { readonly type: 'connect'; readonly association: number; readonly registrar: RegistrarAddress }
  | { readonly type: 'disconnect'; readonly association: number };

/** What the driver tells. A failed attempt is `disconnected` without `connected`. */
export type HuntInput =
  | { readonly type: 'connected'; readonly association: number }
  | { readonly type: 'disconnected'; readonly association: number };

type State =
  | { readonly name: 'idle' }
  | { readonly name: 'connecting'; readonly association: number; readonly untilMs: number }
  | { readonly name: 'connected'; readonly association: number }
  | { readonly name: 'pausing'; readonly untilMs: number };

/**
 * Keeps one association to one registrar of a list. Tries one at a time, in turn; RFC 5352 allows three at once,
 * but a list of two or three configured registrars gains nothing by that.
 * @see RFC 5352 §3.6
 */
export class RegistrarHunt {
  readonly #options: Required<HuntOptions>;
  readonly #random: Random;
  #state: State = { name: 'idle' };
  #next = 0;
  #lastAssociation = 0;
  /** Attempts and associations since the last one that proved good. */
  #failures = 0;

  constructor(options: HuntOptions, random: Random) {
    if (options.registrars.length === 0) throw new RangeError('a hunt needs at least one registrar');
    this.#options = { connectTimeoutMs: 10_000, backoffMinMs: 500, backoffMaxMs: 60_000, ...options };
    this.#random = random;
  }

  /** The association that is up; undefined: none. */
  get association(): number | undefined {
    return this.#state.name === 'connected' ? this.#state.association : undefined;
  }

  get registrarCount(): number {
    return this.#options.registrars.length;
  }

  /** Goes hunting, unless there is an association or a hunt already. */
  want(nowMs: number): HuntOutput[] {
    return this.#state.name === 'idle' ? this.#connect(nowMs) : [];
  }

  /** Lets go of everything. */
  stop(): HuntOutput[] {
    const outputs = this.#drop();
    this.#state = { name: 'idle' };
    return outputs;
  }

  /** This registrar does not serve us: on to the next. */
  giveUp(nowMs: number): HuntOutput[] {
    return [...this.#drop(), ...this.#failed(nowMs)];
  }

  /** The registrar answered: failures before do not count any more. */
  provedGood(): void {
    this.#failures = 0;
  }

  /** True: the association is up now. */
  connected(association: number): boolean {
    if (this.#state.name !== 'connecting' || this.#state.association !== association) return false;
    this.#state = { name: 'connected', association };
    return true;
  }

  /** Undefined: an association that was let go before. */
  disconnected(association: number, nowMs: number): HuntOutput[] | undefined {
    if (this.#state.name !== 'connecting' && this.#state.name !== 'connected') return undefined;
    return this.#state.association === association ? this.#failed(nowMs) : undefined;
  }

  expire(nowMs: number): HuntOutput[] {
    const due = this.nextDeadline();
    if (due === undefined || due > nowMs) return [];
    return this.#state.name === 'connecting' ? this.giveUp(nowMs) : this.#connect(nowMs);
  }

  nextDeadline(): number | undefined {
    return this.#state.name === 'connecting' || this.#state.name === 'pausing'
      ? this.#state.untilMs
      : undefined;
  }

  #connect(nowMs: number): HuntOutput[] {
    const registrar = this.#options.registrars[this.#next];
    if (registrar === undefined) return [];
    this.#next = (this.#next + 1) % this.#options.registrars.length;
    const association = ++this.#lastAssociation;
    this.#state = { name: 'connecting', association, untilMs: nowMs + this.#options.connectTimeoutMs };
    return [{ type: 'connect', association, registrar }];
  }

  #drop(): HuntOutput[] {
    if (this.#state.name !== 'connecting' && this.#state.name !== 'connected') return [];
    return [{ type: 'disconnect', association: this.#state.association }];
  }

  /** The next one at once; after each round of failures a pause. A list of one is tried twice at first. */
  #failed(nowMs: number): HuntOutput[] {
    this.#failures += 1;
    const { backoffMinMs, backoffMaxMs, registrars } = this.#options;
    const rounds = registrars.length === 1 ? this.#failures - 1 : this.#failures / registrars.length;
    if (rounds === 0 || !Number.isInteger(rounds)) return this.#connect(nowMs);
    const pauseMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** (rounds - 1));
    this.#state = { name: 'pausing', untilMs: nowMs + pauseMs * (0.5 + this.#random.fraction()) };
    return [];
  }
}
