// SPDX-License-Identifier: Apache-2.0
import type { ServerAnnounce } from '@vnfpool/wire/asap';
import type { IpText } from '@vnfpool/wire/parameters';
import type { Random } from '../core.ts';
import { type Candidate, Candidates } from './candidates.ts';
import type { HuntOptions, HuntOutput } from './messages.ts';

const DEFAULTS: Required<Omit<HuntOptions, 'registrars'>> = {
  attemptsAtOnce: 3,
  connectTimeoutMs: 10_000,
  backoffMinMs: 500,
  backoffMaxMs: 60_000,
  outdateMs: 5_000,
  announcedMax: 256,
  transports: ['tcp', 'tls', 'sctp'],
};

interface Attempt {
  readonly association: number;
  readonly candidate: Candidate;
}

/**
 * Keeps one association to one registrar. Hunts by trying up to three addresses at once, those not tried for longest
 * first; the first that is connected wins, the others are let go.
 * @see RFC 5352 §3.6
 */
export class RegistrarHunt {
  readonly #options: Required<HuntOptions>;
  readonly #random: Random;
  readonly #candidates: Candidates;
  #home: Attempt | undefined;
  /** It has answered since it was connected. */
  #good = false;
  readonly #attempts = new Map<number, Attempt>();
  #hunting = false;
  #lastAssociation = 0;
  /** Candidates that failed since the last pause, or since a registrar proved good. */
  readonly #failed = new Set<string>();
  /** Rounds through all candidates that failed since a registrar proved good. */
  #rounds = 0;
  /** Whether the only candidate was tried again at once after its first failure. */
  #repeated = false;
  /** T5-Serverhunt. */
  #huntMs: number;
  #huntUntilMs: number | undefined;
  #pauseUntilMs: number | undefined;

  constructor(options: HuntOptions, random: Random) {
    this.#options = { ...DEFAULTS, ...options };
    if (options.registrars.length === 0 && this.#options.announcedMax === 0)
      throw new RangeError('a hunt needs registrars, configured or announced');
    this.#random = random;
    this.#candidates = new Candidates(this.#options);
    this.#huntMs = this.#options.connectTimeoutMs;
  }

  /** The association that is up; undefined: none. */
  get association(): number | undefined {
    return this.#home?.association;
  }

  get registrarCount(): number {
    return this.#candidates.size;
  }

  /** Goes hunting, unless there is an association or a hunt already. */
  want(nowMs: number): HuntOutput[] {
    if (this.#home !== undefined || this.#hunting) return [];
    this.#hunting = true;
    return this.#fill(nowMs);
  }

  /** The association is up but silent: hunts elsewhere while it stays; whoever is connected first takes its place. */
  wantOther(nowMs: number): HuntOutput[] {
    if (this.#home === undefined || this.#hunting) return [];
    this.#hunting = true;
    return this.#fill(nowMs);
  }

  /** Lets go of everything. */
  stop(): HuntOutput[] {
    const outputs = [...this.#dropHome(), ...this.#dropAttempts()];
    this.#rest();
    this.#failed.clear();
    return outputs;
  }

  /** This registrar does not serve us: on to the next. */
  giveUp(nowMs: number): HuntOutput[] {
    if (this.#home !== undefined) this.#fail(this.#home.candidate);
    const outputs = this.#dropHome();
    // Waiting for it was pause enough, if there is nobody else.
    if (this.#attempts.size === 0 && this.#noneLeft(nowMs)) this.#failed.clear();
    return [...outputs, ...this.#resume(nowMs)];
  }

  /** The registrar answered: failures before do not count any more, and a hunt for another one is off. */
  provedGood(): HuntOutput[] {
    this.#failed.clear();
    this.#rounds = 0;
    this.#repeated = false;
    this.#good = true;
    if (this.#home === undefined || !this.#hunting) return [];
    const outputs = this.#dropAttempts();
    this.#rest();
    return outputs;
  }

  announced(message: ServerAnnounce, source: IpText, nowMs: number): HuntOutput[] {
    this.#candidates.announced(message, source, nowMs);
    // One that was not known may serve at once; a pause is for those that failed.
    return this.#hunting ? this.#fill(nowMs) : [];
  }

  /** Undefined: an attempt that was let go before. Else the association is up now. */
  connected(association: number): HuntOutput[] | undefined {
    const attempt = this.#attempts.get(association);
    if (attempt === undefined) return undefined;
    this.#attempts.delete(association);
    if (this.#home !== undefined) this.#fail(this.#home.candidate);
    const outputs = [...this.#dropHome(), ...this.#dropAttempts()];
    this.#rest();
    this.#home = attempt;
    this.#good = false;
    return outputs;
  }

  /** `lost`: the association is gone; else an attempt failed, or it was let go before. */
  disconnected(
    association: number,
    nowMs: number,
  ): { readonly lost: boolean; readonly outputs: HuntOutput[] } {
    if (this.#home?.association === association) {
      const { candidate } = this.#home;
      this.#home = undefined;
      // One that served well may be back at once; one that never did counts as failed.
      if (this.#good) this.#candidates.used(candidate);
      else this.#fail(candidate);
      return { lost: true, outputs: this.#resume(nowMs) };
    }
    const attempt = this.#attempts.get(association);
    if (attempt === undefined) return { lost: false, outputs: [] };
    this.#attempts.delete(association);
    this.#fail(attempt.candidate);
    return { lost: false, outputs: this.#fill(nowMs) };
  }

  expire(nowMs: number): HuntOutput[] {
    const outputs: HuntOutput[] = [];
    if (this.#pauseUntilMs !== undefined && this.#pauseUntilMs <= nowMs) {
      this.#pauseUntilMs = undefined;
      this.#failed.clear();
      outputs.push(...this.#fill(nowMs));
    }
    if (this.#huntUntilMs !== undefined && this.#huntUntilMs <= nowMs) {
      const { backoffMaxMs, connectTimeoutMs } = this.#options;
      for (const { candidate } of this.#attempts.values()) this.#fail(candidate);
      outputs.push(...this.#dropAttempts());
      this.#huntMs = Math.min(2 * this.#huntMs, Math.max(backoffMaxMs, connectTimeoutMs));
      // The time that passed was pause enough.
      if (this.#noneLeft(nowMs)) this.#failed.clear();
      outputs.push(...this.#fill(nowMs));
    }
    return outputs;
  }

  nextDeadline(): number | undefined {
    return this.#pauseUntilMs ?? this.#huntUntilMs;
  }

  /** As many attempts as may be; when there is nobody left to try, a pause. */
  #fill(nowMs: number): HuntOutput[] {
    const outputs: HuntOutput[] = [];
    const home = this.#home?.candidate.key;
    const open = new Set(Array.from(this.#attempts.values(), ({ candidate }) => candidate.key));
    while (this.#attempts.size < this.#options.attemptsAtOnce) {
      const candidate = this.#candidates.next(
        nowMs,
        (key) => key === home || open.has(key) || this.#failed.has(key),
      );
      if (candidate === undefined) break;
      this.#pauseUntilMs = undefined;
      this.#candidates.used(candidate);
      open.add(candidate.key);
      const association = ++this.#lastAssociation;
      this.#attempts.set(association, { association, candidate });
      outputs.push({ type: 'connect', association, registrar: candidate.address });
    }
    if (this.#attempts.size > 0) {
      this.#huntUntilMs ??= nowMs + this.#huntMs;
      return outputs;
    }
    this.#huntUntilMs = undefined;
    if (this.#pauseUntilMs !== undefined || this.#failed.size === 0) return outputs;
    if (this.#candidates.size === 1 && this.#rounds === 0 && !this.#repeated) {
      // One that is just starting, say.
      this.#repeated = true;
      this.#failed.clear();
      return this.#fill(nowMs);
    }
    this.#pause(nowMs);
    return outputs;
  }

  #noneLeft(nowMs: number): boolean {
    return this.#candidates.next(nowMs, (key) => this.#failed.has(key)) === undefined;
  }

  #pause(nowMs: number): void {
    const { backoffMinMs, backoffMaxMs } = this.#options;
    this.#rounds += 1;
    const pauseMs = Math.min(backoffMaxMs, backoffMinMs * 2 ** (this.#rounds - 1));
    this.#pauseUntilMs = nowMs + pauseMs * (0.5 + this.#random.fraction());
  }

  #resume(nowMs: number): HuntOutput[] {
    this.#hunting = true;
    return this.#fill(nowMs);
  }

  /** No hunt; T5 starts anew with the next one. */
  #rest(): void {
    this.#hunting = false;
    this.#huntMs = this.#options.connectTimeoutMs;
    this.#huntUntilMs = undefined;
    this.#pauseUntilMs = undefined;
  }

  #fail(candidate: Candidate): void {
    this.#candidates.used(candidate);
    this.#failed.add(candidate.key);
  }

  #dropHome(): HuntOutput[] {
    if (this.#home === undefined) return [];
    const { association } = this.#home;
    this.#home = undefined;
    return [{ type: 'disconnect', association }];
  }

  #dropAttempts(): HuntOutput[] {
    const outputs = Array.from(this.#attempts.keys(), (association): HuntOutput => {
      return { type: 'disconnect', association };
    });
    this.#attempts.clear();
    this.#huntUntilMs = undefined;
    return outputs;
  }
}
