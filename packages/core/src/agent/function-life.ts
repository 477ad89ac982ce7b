// SPDX-License-Identifier: Apache-2.0
import type { FunctionReport, FunctionSpecification } from '@vnfpool/wire/mobility';
import type { Random } from '../core.ts';
import type { FunctionId } from '../identity.ts';
import { programText } from './program-text.ts';
import type { AgentOutput, FunctionStatus, RunNumber } from './types.ts';

/** Timers of one function. */
interface Deadlines {
  /** Start it again after an exit. */
  restart?: number;
  /** Ask for the next health check. */
  check?: number;
  /** A function that speaks for itself has said nothing until now: a failure. */
  word?: number;
  /** It has run well for so long that its back-off starts anew. */
  settled?: number;
}

/** What is to be known of it after a restart of the agent. */
export interface LifeRecord {
  readonly phase: 'started' | 'idle' | 'terminating';
  readonly run: RunNumber;
  readonly incarnation: string;
  readonly healthy: boolean;
  readonly restarts: number;
  readonly awaitsState: boolean;
  /** Why it goes; null: it stays, or for no reason. */
  readonly leaving: string | null;
}

const BACKOFF_MS_MIN = 200;
const BACKOFF_MS_MAX = 10_000;
const SETTLED_MS = 10_000;
/** Starts in a row that ended before they settled; from here on it is shown as failing. */
const FAILING_AFTER = 3;
/** While it has not been healthy yet we look more often than the check says. */
const STARTING_CHECK_MS = 100;
const GRACE_MS = 5_000;
const OUTPUT_LINES_MAX = 10;
const OUTPUT_CHARACTERS_MAX = 200;

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
  #healthy = false;
  #awaitsState: boolean;
  #leaving: string | undefined;
  #inARow = 0;
  #restarts = 0;
  #unsettled = 0;
  #reason = 'not started yet';
  #output: readonly string[] = [];
  #load = 0;
  #movesSessions = false;
  #sessions: number | null = null;
  readonly #deadlines: Deadlines = {};

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
    return this.#phase === 'started' && this.#pid !== null && this.#healthy && !this.#awaitsState;
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
      healthy: this.#healthy,
      restarts: this.#restarts,
      failing: this.#unsettled >= FAILING_AFTER,
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
      healthy: this.#healthy,
      restarts: this.#restarts,
      awaitsState: this.#awaitsState,
      leaving: this.#leaving ?? null,
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
    this.#healthy ||= record.healthy && this.#phase === 'started';
    if (this.#healthy) this.#reason = 'healthy';
    return outputs;
  }

  start(): AgentOutput[] {
    this.#run += 1;
    this.#phase = 'started';
    this.#pid = null;
    this.#healthy = false;
    this.#inARow = 0;
    this.#load = 0;
    this.#movesSessions = false;
    this.#sessions = null;
    this.#reason = 'starting';
    this.#incarnation = this.#random.u64().toString(16).padStart(16, '0');
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
      this.#healthy = true;
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
   * unhealthy.
   */
  checked(run: RunNumber, ok: boolean, reason: string, nowMs: number): void {
    const check = this.specification.health;
    if (run !== this.#run || this.#phase !== 'started' || this.#pid === null || !check) return;
    this.#inARow = ok === this.#healthy ? 0 : this.#inARow + 1;
    if (!this.#healthy && this.#inARow >= check.rise) {
      this.#healthy = true;
      this.#inARow = 0;
      this.#reason = 'healthy';
    } else if (this.#healthy && this.#inARow >= check.fall) {
      this.#healthy = false;
      this.#inARow = 0;
      this.#reason = `unhealthy: ${reason}`;
    } else if (!this.#healthy) {
      this.#reason = ok ? 'becoming healthy' : `not healthy: ${reason}`;
    }
    if (check.type === 'function') this.#deadlines.word = nowMs + check.intervalMs + check.timeoutMs;
    else
      this.#deadlines.check =
        nowMs + (this.#healthy ? check.intervalMs : Math.min(STARTING_CHECK_MS, check.intervalMs));
  }

  exited(run: RunNumber, reason: string, nowMs: number): AgentOutput[] {
    if (run !== this.#run || this.#phase === 'gone') return [];
    this.#pid = null;
    this.#healthy = false;
    this.#load = 0;
    delete this.#deadlines.check;
    delete this.#deadlines.word;
    delete this.#deadlines.settled;
    if (this.#phase === 'terminating' || this.#awaitsState) {
      this.#phase = 'gone';
      this.#reason =
        this.#leaving ?? (this.#awaitsState ? `ended before it had its state (${reason})` : 'terminated');
      return [];
    }
    this.#phase = 'idle';
    this.#restarts += 1;
    this.#unsettled += 1;
    const waitMs = this.#backoffMs();
    this.#deadlines.restart = nowMs + waitMs;
    this.#reason = `ended (${reason}); starting again in ${Math.round(waitMs)} ms`;
    const severity = this.#unsettled >= FAILING_AFTER ? 'error' : 'warning';
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
    if (this.#healthy) this.#reason = 'healthy; its state came from another node';
  }

  /** For people; until something else happens to it. */
  note(reason: string): void {
    this.#reason = reason;
  }

  /** @param leaving Why it goes, for those who hear that it is gone */
  stop(leaving?: string): AgentOutput[] {
    if (this.#phase === 'terminating' || this.#phase === 'gone') return [];
    delete this.#deadlines.restart;
    delete this.#deadlines.check;
    delete this.#deadlines.word;
    const running = this.#phase === 'started';
    this.#phase = running ? 'terminating' : 'gone';
    this.#healthy = false;
    this.#leaving = leaving;
    this.#reason = leaving ?? (running ? 'stopping' : 'terminated');
    // Before it told its pid there is nothing to signal; `started` then does it.
    return running && this.#pid !== null ? [this.#stopOutput()] : [];
  }

  expire(nowMs: number): AgentOutput[] {
    const due = (name: keyof Deadlines): boolean => {
      const at = this.#deadlines[name];
      if (at === undefined || at > nowMs) return false;
      delete this.#deadlines[name];
      return true;
    };
    const outputs: AgentOutput[] = [];
    if (due('settled')) this.#unsettled = 0;
    if (due('restart')) outputs.push(...this.start());
    if (due('check')) outputs.push(...this.#check());
    if (due('word')) this.checked(this.#run, false, 'it says nothing of itself', nowMs);
    return outputs;
  }

  nextDeadline(): number | undefined {
    const all = Object.values(this.#deadlines);
    return all.length === 0 ? undefined : Math.min(...all);
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

  #backoffMs(): number {
    const { backoffMsMin, backoffMsMax } = this.specification.restart ?? {
      backoffMsMin: BACKOFF_MS_MIN,
      backoffMsMax: BACKOFF_MS_MAX,
    };
    return Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(this.#unsettled - 1, 20));
  }
}
