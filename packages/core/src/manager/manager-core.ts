// SPDX-License-Identifier: Apache-2.0
import type { Core } from '../core.ts';
import type { DeclaredSet } from '../declared/set.ts';
import type { ExplainView, PlannedChange, SlotExplainView, StateView } from '../management/views.ts';
import { CouncilWatch } from './council.ts';
import { Declarations, ROUNDS_MAX } from './declarations.ts';
import { Escalations } from './escalations.ts';
import { explainPoolNow, explainSlotNow } from './explaining.ts';
import { Failbacks } from './failback.ts';
import { beginHandover, expireHandovers } from './handover.ts';
import { HealthWatch } from './health.ts';
import { HearingWatch } from './hearing-watch.ts';
import { type ManagerParts, takeInput } from './inputs.ts';
import { Journal } from './journal.ts';
import { watchMaintenance } from './maintenance.ts';
import { MassFailureGuard } from './mass-failure.ts';
import { followHolders, settleMoves } from './moves.ts';
import { Orders } from './orders.ts';
import { expireSecrets, SecretNews } from './pool-secrets.ts';
import type { RestoredState, StoredRecord } from './records.ts';
import type { Refusal } from './refusal.ts';
import { Saving } from './saving.ts';
import { ManagerSessionMoves } from './session-moves.ts';
import { SharingNews } from './sharing-news.ts';
import { ManagerState } from './state.ts';
import { ManagerStateOrders } from './state-orders.ts';
import { steadyDeadlines, watchReadiness } from './steadiness.ts';
import { StoredStates } from './stored-states.ts';
import type { ManagerCoreInput, ManagerCoreOptions, ManagerCoreOutput } from './types.ts';
import { gateDeadlines, watchGates } from './upgrade.ts';
import { UpgradeNews } from './upgrade-news.ts';
import { stateView } from './views/state.ts';

/** How long a refusal is remembered after it could have been tried again. */
const RETRY_KEPT_MS = 60_000;

/**
 * The pool manager: holds what is declared, hears what is, and orders what is missing. It never grants a slot.
 *
 * @see docs/architecture.md
 */
export class ManagerCore implements Core<ManagerCoreInput, ManagerCoreOutput> {
  readonly #parts: ManagerParts;
  readonly #health: HealthWatch;
  readonly #council: CouncilWatch;
  readonly #hearing: HearingWatch;
  readonly #escalations: Escalations;
  readonly #failbacks: Failbacks;
  readonly #upgrades: UpgradeNews;
  readonly #sharing: SharingNews;
  readonly #secrets: SecretNews;
  readonly #stored: StoredStates;
  #lastPersist = 0;
  #lastExpiredMs = Number.NEGATIVE_INFINITY;

  constructor(options: ManagerCoreOptions, restored: RestoredState) {
    const state = new ManagerState(restored);
    const journal = new Journal(state);
    const nextPersist = (): number => (this.#lastPersist += 1);
    const orders = new Orders(state, journal);
    const { random } = options;
    this.#parts = {
      options,
      state,
      journal,
      orders,
      guard: new MassFailureGuard(state),
      stateOrders: new ManagerStateOrders(state, journal, () => orders.nextRequest()),
      sessionMoves: new ManagerSessionMoves(state, journal, random, () => orders.nextRequest()),
      declarations: new Declarations(options, state, journal, nextPersist),
      saving: new Saving(journal, nextPersist),
    };
    this.#health = new HealthWatch(state);
    this.#council = new CouncilWatch(state);
    this.#hearing = new HearingWatch(state);
    this.#escalations = new Escalations(state);
    this.#failbacks = new Failbacks(state, random);
    this.#upgrades = new UpgradeNews(state);
    this.#sharing = new SharingNews(state);
    this.#secrets = new SecretNews(state);
    this.#stored = new StoredStates(state);
  }

  handle(input: ManagerCoreInput, nowMs: number): ManagerCoreOutput[] {
    const outputs: ManagerCoreOutput[] = [];
    takeInput(this.#parts, input, nowMs, outputs);
    return this.#finish(nowMs, outputs);
  }

  expire(nowMs: number): ManagerCoreOutput[] {
    const { options, state, journal, declarations, saving } = this.#parts;
    const outputs: ManagerCoreOutput[] = [];
    expireHandovers(state, journal, nowMs, options.wallMs(nowMs));
    // A retry that is due frees its function for the plan; it goes when the order succeeds, or was not needed.
    for (const [key, { atMs }] of state.retries) if (atMs + RETRY_KEPT_MS < nowMs) state.retries.delete(key);
    for (const [id, { atMs }] of state.moveRetries)
      if (atMs + RETRY_KEPT_MS < nowMs) state.moveRetries.delete(id);
    declarations.expire(nowMs, outputs);
    outputs.push(...this.#parts.stateOrders.expire(nowMs));
    saving.expire(nowMs);
    this.#lastExpiredMs = nowMs;
    return this.#finish(nowMs, outputs);
  }

  nextDeadline(): number | undefined {
    const { state, declarations, saving } = this.#parts;
    const times = [
      // Past ones have been planned for; they wait for a node, not for the clock.
      ...[...state.retries.values()].map(({ atMs }) => atMs).filter((atMs) => atMs > this.#lastExpiredMs),
      ...[...state.moveRetries.values()].map(({ atMs }) => atMs).filter((atMs) => atMs > this.#lastExpiredMs),
      // Then who ranked last ranks as the others do.
      ...[...state.troubles.values()]
        .map(({ lastUntilMs }) => lastUntilMs)
        .filter((atMs) => atMs > this.#lastExpiredMs),
      ...[...state.moveLives.values()]
        .flatMap(({ admittedByMs, heardByMs }) => [admittedByMs, heardByMs])
        .filter((atMs) => atMs !== null),
      ...[...state.handovers.values()].map(({ untilMs }) => untilMs),
      ...gateDeadlines(state, this.#lastExpiredMs),
      ...steadyDeadlines(state, this.#lastExpiredMs),
      ...[declarations.retryAtMs, saving.retryAtMs, state.maintenanceEndMs].filter((atMs) => atMs !== null),
      ...[
        this.#parts.stateOrders.deadlineMs,
        this.#escalations.deadlineMs,
        this.#hearing.deadlineMs,
        ...this.#failbacks.deadlinesMs,
      ].filter((atMs) => atMs !== undefined),
    ];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /**
   * Everything that the management API shows.
   * @param heardMs When the protocol's endpoint heard of a node last
   */
  views(nowMs: number, heardMs: (node: number) => number | null = () => null): StateView {
    const { options, state } = this.#parts;
    return stateView(state, nowMs, options.wallMs, options.mode, heardMs);
  }

  /** What applying the declaration would change. */
  preview(declared: DeclaredSet): PlannedChange[] {
    return this.#parts.declarations.preview(declared);
  }

  /** Why applying it would be refused now; undefined: it would not, as far as that can be told before. */
  refusal(declared: DeclaredSet, nowMs: number): Refusal | undefined {
    return this.#parts.declarations.refusal(declared, nowMs);
  }

  /** What slots that are no more have left in stores, the one that was left first before others. */
  left(): readonly StoredRecord[] {
    return [...this.#parts.state.stored.values()].filter(({ leftMs }) => leftMs !== undefined);
  }

  explain(pool: string, nowMs: number): ExplainView | undefined {
    const { state, options } = this.#parts;
    return explainPoolNow(state, pool, { nowMs, wallMs: options.wallMs(nowMs) });
  }

  explainSlot(pool: string, index: number, nowMs: number): SlotExplainView | undefined {
    const { state, options } = this.#parts;
    return explainSlotNow(state, pool, index, { nowMs, wallMs: options.wallMs(nowMs) });
  }

  /** What was applied last, as it was written. */
  declaration(): { readonly declared: DeclaredSet; readonly text: string; readonly file: string } | null {
    return this.#parts.state.set;
  }

  /** After every input: decide, order, tell, save. */
  #finish(nowMs: number, outputs: ManagerCoreOutput[]): ManagerCoreOutput[] {
    const { options, state, journal, declarations, saving } = this.#parts;
    this.#parts.sessionMoves.look({ nowMs, wallMs: options.wallMs(nowMs) });
    settleMoves(state, journal, declarations.isDeciding, { nowMs, wallMs: options.wallMs(nowMs) });
    followHolders(state, journal, options.wallMs(nowMs));
    const moment = { nowMs, wallMs: options.wallMs(nowMs) };
    this.#parts.guard.look(journal, moment);
    this.#escalations.look(journal, moment);
    this.#failbacks.look(journal, moment);
    watchReadiness(state, nowMs);
    watchMaintenance(state, journal, moment);
    if (!declarations.isDeciding) {
      watchGates(state, journal, moment);
      expireSecrets(state, journal, moment.wallMs);
    }
    if (declarations.settle(nowMs, outputs)) this.#order(nowMs, outputs);
    if (!declarations.isDeciding) {
      this.#upgrades.tellChanges(journal, options.wallMs(nowMs));
      this.#sharing.tellChanges(journal, options.wallMs(nowMs));
      this.#secrets.tellChanges(journal, options.wallMs(nowMs));
      this.#stored.follow(journal, options.wallMs(nowMs));
    }
    this.#health.tellChanges(journal, nowMs, options.wallMs(nowMs));
    this.#council.tellChanges(journal, options.wallMs(nowMs));
    this.#hearing.look(journal, moment);
    for (const event of journal.takeEvents()) outputs.push({ type: 'event', event });
    saving.save(outputs);
    outputs.push({ type: 'changed' });
    return outputs;
  }

  #order(nowMs: number, outputs: ManagerCoreOutput[]): void {
    const { options, state, orders } = this.#parts;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { commands } = state.plan(nowMs);
      if (commands.length === 0) return;
      for (const command of commands) {
        if (command.type === 'handover') beginHandover(state, command, options.random, nowMs);
        else {
          const order = orders.give(command);
          if (order) outputs.push(order);
        }
      }
    }
  }
}
