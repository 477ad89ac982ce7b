// SPDX-License-Identifier: Apache-2.0
import type { FunctionReport, FunctionSpecification } from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import type { FunctionId } from '../identity.ts';
import { BackOff } from './back-off.ts';
import { HealthCount } from './health-count.ts';
import { drop, earliest, isDue, type LifeDeadlines } from './life-deadlines.ts';
import type { LifeRecord } from './life-record.ts';
import { programText } from './program-text.ts';
import type { AgentOutput, FunctionStatus, RunNumber } from './types.ts';

const SETTLED_MS = 10_000;
const GRACE_MS = 5_000;
const OUTPUT_LINES_MAX = 10;
const OUTPUT_CHARACTERS_MAX = 200;

/** What a check's answer shows beside the answer. */
interface CheckEvidence {
  /** Somebody holds the function still. */
  readonly isFrozen?: boolean;
  /** Its port refused the connection, or reset it. */
  readonly isRefused?: boolean;
}

/**
 * One function of a node: started, watched, started again with back-off when it ends, stopped on demand.
 *
 *     Starting ──healthy──▶ Running ──stop──▶ Terminating ──exited──▶ gone
 *        ▲                     │
 *        └──────back-off───────┘ exited
 *
 * One that waits for its state from another node is Starting, however healthy it is, until `stateTaken`; it is not
 * started again when it ends before.
 */
export class FunctionLife {
  readonly id: FunctionId;
  readonly name: string;
  #specification: FunctionSpecification;
  #octets: Uint8Array;
  /** Counts what it was told while it ran. */
  #tellings = 0;
  readonly #random: Random;
  #run: RunNumber = 0;
  #phase: 'idle' | 'started' | 'terminating' | 'gone' = 'idle';
  #pid: number | null = null;
  #address: string | null = null;
  #port: number | null = null;
  #incarnation = '0'.repeat(16);
  readonly #health = new HealthCount();
  #awaitsState: boolean;
  #leaving: string | undefined;
  #restarts = 0;
  readonly #backOff = new BackOff();
  #leaseIncarnation = this.#incarnation;
  #failures = 0;
  /** It is ended so that it can be started again in place. */
  #isReplaced = false;
  /** The host says that somebody froze it: it is not dead, and killing it helps nobody. */
  #isFrozen = false;
  #reason = 'not started yet';
  #output: readonly string[] = [];
  #load = 0;
  #movesSessions = false;
  #sessions: number | null = null;
  readonly #deadlines: LifeDeadlines = {};

  constructor(
    id: FunctionId,
    name: string,
    specification: FunctionSpecification,
    octets: Uint8Array,
    random: Random,
    awaitsState = false,
  ) {
    this.#awaitsState = awaitsState;
    this.id = id;
    this.name = name;
    this.#specification = specification;
    this.#octets = octets;
    this.#random = random;
  }

  get specification(): FunctionSpecification {
    return this.#specification;
  }

  /** The specification's exact octets. */
  get octets(): Uint8Array {
    return this.#octets;
  }

  get tellings(): number {
    return this.#tellings;
  }

  /** Takes a specification that differs in nothing that the running process knows of; false: it does. */
  retell(specification: FunctionSpecification, octets: Uint8Array): boolean {
    if (programText(specification) !== programText(this.#specification)) return false;
    this.#specification = specification;
    this.#octets = octets;
    this.#tellings += 1;
    return true;
  }

  /** True while its process runs and its check says so; only then may it hold a slot. */
  get ready(): boolean {
    return this.#phase === 'started' && this.#pid !== null && this.#health.isHealthy && !this.#awaitsState;
  }

  /** Whether it waits for its state from another node. */
  get awaitsState(): boolean {
    return this.#awaitsState;
  }

  /** Whether single sessions of it can be moved, by its own word. */
  get movesSessions(): boolean {
    return this.#movesSessions;
  }

  get run(): RunNumber {
    return this.#run;
  }

  /** Whether there is a process, as far as we know. */
  get isStarted(): boolean {
    return this.#phase === 'started' && this.#pid !== null;
  }

  get gone(): boolean {
    return this.#phase === 'gone';
  }

  get incarnation(): string {
    return this.#incarnation;
  }

  /** As the lease knows it: the same over starts in place. */
  get leaseIncarnation(): string {
    return this.#leaseIncarnation;
  }

  /** Ends that nobody asked for, and checks that turned bad. */
  get failures(): number {
    return this.#failures;
  }

  /** It has ended and waits for its next start. */
  get isIdle(): boolean {
    return this.#phase === 'idle';
  }

  /** Whether `startInPlace` would do something. */
  get canStartInPlace(): boolean {
    if (this.#awaitsState || this.#isFrozen) return false;
    return this.isIdle || (this.isStarted && !this.#isReplaced);
  }

  get load(): number {
    return this.#load;
  }

  get place(): { readonly address: string; readonly port: number } | null {
    return this.#address !== null && this.#port !== null
      ? { address: this.#address, port: this.#port }
      : null;
  }

  get status(): FunctionStatus {
    if (this.#phase === 'gone') return 'Unknown';
    if (this.#phase === 'terminating') return 'Terminating';
    return this.ready ? 'Running' : 'Starting';
  }

  get reason(): string {
    return this.#reason;
  }

  report(): FunctionReport {
    return {
      v: 1,
      pid: this.#pid,
      address: this.#address,
      port: this.#port,
      incarnation: this.#incarnation,
      healthy: this.#health.isHealthy,
      restarts: this.#restarts,
      failing: this.#backOff.isFailing,
      reason: this.#reason,
      ...(this.#sessions === null ? {} : { sessions: this.#sessions }),
      output: this.#output,
    };
  }

  get record(): LifeRecord {
    return {
      phase: this.#phase === 'gone' ? 'terminating' : this.#phase,
      run: this.#run,
      incarnation: this.#incarnation,
      healthy: this.#health.isHealthy,
      restarts: this.#restarts,
      awaitsState: this.#awaitsState,
      leaving: this.#leaving ?? null,
      ...(this.#leaseIncarnation === this.#incarnation ? {} : { leaseIncarnation: this.#leaseIncarnation }),
    };
  }

  /** Goes on from its record. @param process null: it has ended */
  restore(
    record: LifeRecord,
    process: { readonly pid: number; readonly address: string; readonly port: number | null } | null,
    ended: string,
    nowMs: number,
  ): AgentOutput[] {
    const { run } = record;
    this.#run = run;
    this.#phase = record.phase;
    this.#incarnation = record.incarnation;
    this.#leaseIncarnation = record.leaseIncarnation ?? record.incarnation;
    this.#restarts = record.restarts;
    this.#awaitsState = record.awaitsState;
    this.#leaving = record.leaving ?? undefined;
    this.#reason = record.leaving ?? 'stopping';
    if (process === null) {
      // It waited for its next start: this end was counted.
      if (record.phase === 'idle') this.#restarts -= 1;
      return this.exited(run, ended, nowMs);
    }
    const outputs = this.started(run, process.pid, process.address, process.port, nowMs);
    // Until checks say otherwise.
    if (record.healthy && this.#phase === 'started') this.#health.set(true);
    if (this.#health.isHealthy) this.#reason = 'healthy';
    return outputs;
  }

  /**
   * Starts it at once, ending it before where it still runs; to the lease it is the same one as before.
   * Nothing unless `canStartInPlace`.
   */
  startInPlace(): AgentOutput[] {
    if (!this.canStartInPlace) return [];
    delete this.#deadlines.restart;
    if (this.isIdle) return this.start(this.#leaseIncarnation);
    drop(this.#deadlines, 'check', 'word');
    this.#isReplaced = true;
    return [this.#stopOutput()];
  }

  /** @param leaseIncarnation default: a new one */
  start(leaseIncarnation?: string): AgentOutput[] {
    this.#run += 1;
    this.#phase = 'started';
    this.#pid = null;
    this.#health.set(false);
    this.#load = 0;
    this.#movesSessions = false;
    this.#sessions = null;
    this.#reason = 'starting';
    this.#isReplaced = false;
    this.#isFrozen = false;
    this.#incarnation = this.#random.u64().toString(16).padStart(16, '0');
    this.#leaseIncarnation = leaseIncarnation ?? this.#incarnation;
    return [
      {
        type: 'start',
        functionId: this.id,
        run: this.#run,
        name: this.name,
        specification: this.specification,
      },
    ];
  }

  /** The node has another address; who is in a network of its own does not notice. */
  readdress(from: string, to: string): void {
    if (this.#address === from) this.#address = to;
  }

  started(run: RunNumber, pid: number, address: string, port: number | null, nowMs: number): AgentOutput[] {
    if (run !== this.#run || this.#phase === 'gone') return [];
    this.#pid = pid;
    this.#address = address;
    this.#port = port;
    if (this.#phase === 'terminating') return [this.#stopOutput()];
    this.#deadlines.settled = nowMs + SETTLED_MS;
    if (!this.#checkable()) {
      this.#health.set(true);
      this.#reason = 'running; no health check declared';
      return [];
    }
    this.#reason = 'started, not healthy yet';
    const check = this.specification.health;
    if (check?.type === 'function') this.#deadlines.word = nowMs + check.intervalMs + check.timeoutMs;
    return this.#check();
  }

  /**
   * A check's answer, or what the function says of itself: `rise` good ones in a row make it healthy, `fall` bad ones
   * unhealthy. One that refuses connections is looked at again soon: that is the host's answer, and no matter of time.
   */
  checked(run: RunNumber, ok: boolean, reason: string, nowMs: number, evidence: CheckEvidence = {}): void {
    const { isFrozen = false, isRefused = false } = evidence;
    const check = this.specification.health;
    if (run !== this.#run || !this.isStarted || this.#isReplaced || !check) return;
    this.#isFrozen = isFrozen;
    const change = this.#health.take(ok, check);
    if (change === 'healthy') this.#reason = 'healthy';
    else if (change === 'unhealthy') {
      this.#failures += 1;
      this.#reason = `unhealthy: ${reason}`;
    } else if (!this.#health.isHealthy) {
      this.#reason = ok ? 'becoming healthy' : `not healthy: ${reason}`;
    }
    if (check.type === 'function') this.#deadlines.word = nowMs + check.intervalMs + check.timeoutMs;
    else this.#deadlines.check = nowMs + this.#health.paceMs(check, isRefused);
  }

  /** Somebody could not reach it, or asks whether it lives: it is looked at now. */
  doubted(): AgentOutput[] {
    // Registrars ask now and then as well, so this makes no more of it: failures in a row are as far apart as declared.
    // Without the deadline a check is under way already.
    if (this.#deadlines.check === undefined) return [];
    delete this.#deadlines.check;
    return this.#check();
  }

  exited(run: RunNumber, reason: string, nowMs: number): AgentOutput[] {
    if (run !== this.#run || this.#phase === 'gone') return [];
    this.#pid = null;
    this.#health.set(false);
    this.#load = 0;
    drop(this.#deadlines, 'check', 'word', 'settled');
    if (this.#phase === 'terminating' || this.#awaitsState) {
      this.#phase = 'gone';
      this.#reason =
        this.#leaving ?? (this.#awaitsState ? `ended before it had its state (${reason})` : 'terminated');
      return [];
    }
    this.#phase = 'idle';
    this.#restarts += 1;
    if (this.#isReplaced) return this.start(this.#leaseIncarnation);
    this.#failures += 1;
    this.#backOff.ended();
    const waitMs = this.#backOff.waitMs(this.specification.restart);
    this.#deadlines.restart = nowMs + waitMs;
    this.#reason = `ended (${reason}); starting again in ${Math.round(waitMs)} ms`;
    const severity = this.#backOff.isFailing ? 'error' : 'warning';
    return [{ type: 'event', severity, message: `${this.name} ${this.#reason}`, functionId: this.id }];
  }

  loaded(run: RunNumber, fraction: number): void {
    if (run === this.#run) this.#load = Math.min(1, Math.max(0, fraction));
  }

  toldSessions(run: RunNumber, movable: boolean, count: number | null): void {
    if (run !== this.#run || this.#phase === 'gone') return;
    this.#movesSessions = movable;
    this.#sessions = count;
  }

  printed(run: RunNumber, lines: readonly string[]): void {
    if (run !== this.#run) return;
    this.#output = lines.slice(-OUTPUT_LINES_MAX).map((line) => line.slice(0, OUTPUT_CHARACTERS_MAX));
  }

  /** It owns the state that came from another node. */
  stateTaken(): void {
    this.#awaitsState = false;
    if (this.#health.isHealthy) this.#reason = 'healthy; its state came from another node';
  }

  /** For people; until something else happens to it. */
  note(reason: string): void {
    this.#reason = reason;
  }

  /** @param leaving Why it goes, for those who hear that it is gone */
  stop(leaving?: string): AgentOutput[] {
    if (this.#phase === 'terminating' || this.#phase === 'gone') return [];
    drop(this.#deadlines, 'restart', 'check', 'word');
    const running = this.#phase === 'started';
    this.#phase = running ? 'terminating' : 'gone';
    this.#health.set(false);
    this.#leaving = leaving;
    this.#reason = leaving ?? (running ? 'stopping' : 'terminated');
    // Before it told its pid there is nothing to signal; `started` then does it.
    return running && this.#pid !== null ? [this.#stopOutput()] : [];
  }

  expire(nowMs: number): AgentOutput[] {
    const due = (name: keyof LifeDeadlines): boolean => isDue(this.#deadlines, name, nowMs);
    const outputs: AgentOutput[] = [];
    if (due('settled')) this.#backOff.settled();
    if (due('restart')) outputs.push(...this.start());
    if (due('check')) outputs.push(...this.#check());
    if (due('word')) this.checked(this.#run, false, 'it says nothing of itself', nowMs);
    return outputs;
  }

  nextDeadline(): number | undefined {
    return earliest(this.#deadlines);
  }

  /** A program can be run, and a function can speak, without a port. */
  #checkable(): boolean {
    const check = this.specification.health;
    return (
      check !== undefined && (check.type === 'command' || check.type === 'function' || this.#port !== null)
    );
  }

  #check(): AgentOutput[] {
    const check = this.specification.health;
    if (!check || check.type === 'function' || !this.#checkable()) return [];
    if (this.#address === null || this.#phase !== 'started') return [];
    return [
      {
        type: 'check-health',
        functionId: this.id,
        run: this.#run,
        check,
        address: this.#address,
        port: this.#port,
      },
    ];
  }

  #stopOutput(): AgentOutput {
    const { signal, graceMs } = this.specification.stop ?? { signal: 'SIGTERM', graceMs: GRACE_MS };
    return { type: 'stop', functionId: this.id, run: this.#run, signal, graceMs };
  }
}
