// SPDX-License-Identifier: Apache-2.0
import type { Core } from '../core.ts';
import type { DeclaredSet } from '../declared/set.ts';
import type { ExplainView, PlannedChange, StateView } from '../management/views.ts';
import { diff } from '../planner/diff.ts';
import { configurationOf } from '../planner/documents.ts';
import { explainPool } from '../planner/explain.ts';
import { plan } from '../planner/plan.ts';
import { decide, hex64 } from './decisions.ts';
import { chooseSuccessor, HANDOVER_MS } from './handover.ts';
import { Journal } from './journal.ts';
import {
  saveNode,
  takeFunctionStatus,
  takeFunctions,
  takeNodeState,
  takeRegistration,
} from './node-reports.ts';
import { Orders } from './orders.ts';
import type { InstanceRecord, ManagerWrite, RestoredState, SetRecord, SlotRecord } from './records.ts';
import { takeSlotReport, takeTraffic } from './reports.ts';
import { ManagerState } from './state.ts';
import type { ManagerCoreInput, ManagerCoreOptions, ManagerCoreOutput, ManagerReply } from './types.ts';
import { poolViews } from './views/pools.ts';
import { stateView } from './views/state.ts';

type Apply = Extract<ManagerCoreInput, { readonly type: 'apply' }>;

/** Decisions that are being written. No order is given before they are on disk. */
interface Deciding {
  readonly id: number;
  readonly writes: readonly ManagerWrite[];
  readonly apply: {
    readonly requestId: number;
    readonly changes: readonly PlannedChange[];
    readonly former: Former;
  } | null;
}

/** What a refused declaration goes back to. */
interface Former {
  readonly set: SetRecord | null;
  readonly instances: Map<number, InstanceRecord>;
  readonly slots: Map<string, SlotRecord>;
}

/** Declarations that may wait for the store; more are refused. */
const APPLIES_MAX = 16;
/** Rounds of decisions that follow from each other; a plan needs three. */
const ROUNDS_MAX = 10;
const STORE_RETRY_MS = 5_000;
/** How long a refusal is remembered after it could have been tried again. */
const RETRY_KEPT_MS = 60_000;
/** Octets of a configuration, as far as characters tell. */
const CONFIGURATION_MAX = 32_768;

/**
 * The pool manager: holds what is declared, hears what is, and orders what is missing. It never grants a slot.
 *
 * @see docs/architecture.md
 */
export class ManagerCore implements Core<ManagerCoreInput, ManagerCoreOutput> {
  readonly #options: ManagerCoreOptions;
  readonly #state: ManagerState;
  readonly #journal: Journal;
  readonly #orders: Orders;
  readonly #healths = new Map<string, string>();
  #deciding: Deciding | null = null;
  #retryDecidingAtMs: number | null = null;
  #saving: { readonly id: number; readonly writes: readonly ManagerWrite[] } | null = null;
  #retrySavingAtMs: number | null = null;
  #waiting: Apply[] = [];
  #nextPersist = 1;

  constructor(options: ManagerCoreOptions, restored: RestoredState) {
    this.#options = options;
    this.#state = new ManagerState(restored);
    this.#journal = new Journal(this.#state);
    this.#orders = new Orders(this.#state, this.#journal);
    for (const { name, health } of poolViews(this.#state, 0)) this.#healths.set(name, health);
  }

  handle(input: ManagerCoreInput, nowMs: number): ManagerCoreOutput[] {
    const outputs: ManagerCoreOutput[] = [];
    this.#take(input, nowMs, outputs);
    return this.#finish(nowMs, outputs);
  }

  expire(nowMs: number): ManagerCoreOutput[] {
    const state = this.#state;
    const outputs: ManagerCoreOutput[] = [];
    for (const [slot, { untilMs }] of state.handovers) {
      if (untilMs > nowMs) continue;
      state.handovers.delete(slot);
      const record = state.slots.get(slot);
      if (record)
        this.#event(
          nowMs,
          'handover.failed',
          'warning',
          `slot ${record.pool}/${record.index}`,
          'The hand-over was not carried out in time; the holder stays.',
        );
    }
    // A retry that is due frees its function for the plan; it goes when the order succeeds, or was not needed.
    for (const [key, { atMs }] of state.retries) if (atMs + RETRY_KEPT_MS < nowMs) state.retries.delete(key);
    if (this.#deciding && this.#retryDecidingAtMs !== null && this.#retryDecidingAtMs <= nowMs) {
      this.#retryDecidingAtMs = null;
      outputs.push({ type: 'persist', id: this.#deciding.id, writes: this.#deciding.writes });
    }
    if (this.#retrySavingAtMs !== null && this.#retrySavingAtMs <= nowMs) this.#retrySavingAtMs = null;
    this.#lastExpiredMs = nowMs;
    return this.#finish(nowMs, outputs);
  }

  #lastExpiredMs = Number.NEGATIVE_INFINITY;

  nextDeadline(): number | undefined {
    const times = [
      // Past ones have been planned for; they wait for a node, not for the clock.
      ...[...this.#state.retries.values()]
        .map(({ atMs }) => atMs)
        .filter((atMs) => atMs > this.#lastExpiredMs),
      ...[...this.#state.handovers.values()].map(({ untilMs }) => untilMs),
      ...(this.#retryDecidingAtMs === null ? [] : [this.#retryDecidingAtMs]),
      ...(this.#retrySavingAtMs === null ? [] : [this.#retrySavingAtMs]),
    ];
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Everything that the management API shows. */
  views(nowMs: number): StateView {
    return stateView(this.#state, nowMs, this.#options.wallMs, this.#options.mode);
  }

  /** What applying the declaration would change. */
  preview(declared: DeclaredSet): PlannedChange[] {
    return diff(this.#state.set?.declared ?? null, declared);
  }

  explain(pool: string, nowMs: number): ExplainView | undefined {
    const { set } = this.#state;
    return set ? explainPool(set.declared, this.#state.observed(nowMs), pool) : undefined;
  }

  /** What was applied last, as it was written. */
  declaration(): { readonly declared: DeclaredSet; readonly text: string; readonly file: string } | null {
    return this.#state.set;
  }

  #take(input: ManagerCoreInput, nowMs: number, outputs: ManagerCoreOutput[]): void {
    const state = this.#state;
    const wallMs = this.#options.wallMs(nowMs);
    switch (input.type) {
      case 'node-registered':
        takeRegistration(state, this.#journal, input, nowMs, wallMs);
        return;
      case 'node-functions':
        takeFunctions(state, this.#journal, input);
        return;
      case 'node-suspect':
      case 'node-lost':
      case 'node-back':
      case 'node-left':
        takeNodeState(state, this.#journal, input, nowMs, wallMs);
        return;
      case 'node-moved': {
        const life = state.lives.get(state.nodeById(input.node)?.name ?? '');
        if (life) life.address = input.addresses[0] ?? life.address;
        return;
      }
      case 'function-status':
        takeFunctionStatus(state, this.#journal, input, nowMs, wallMs);
        return;
      case 'slot-report': {
        const name = state.nodeById(input.node)?.name;
        if (name !== undefined) takeSlotReport(state, this.#journal, name, input.report, wallMs);
        return;
      }
      case 'operation-result':
        this.#orders.settle(input, nowMs, wallMs);
        return;
      case 'event':
        // The driver logs and counts these; nothing follows from them here.
        return;
      case 'joined': {
        const former = state.nodes.get(input.name);
        const { node: id, name, certificateSerial } = input;
        if (former?.id === id) saveNode(state, this.#journal, { ...former, certificateSerial });
        else
          saveNode(state, this.#journal, {
            id,
            name,
            certificateSerial,
            endpoint: null,
            bootTime: '',
            configuration: null,
          });
        this.#event(nowMs, 'node.joined', 'info', `node ${name}`, `${name} joined as node ${id}.`);
        return;
      }
      case 'registrar':
        state.topology = { registrars: [{ address: input.address, port: input.port }] };
        this.#journal.save({
          table: 'registrars',
          key: 'first',
          value: { address: input.address, port: input.port },
        });
        return;
      case 'traffic':
        takeTraffic(state, this.#journal, input.report, wallMs);
        return;
      case 'handover': {
        const chosen = chooseSuccessor(state, input, nowMs);
        if ('code' in chosen) outputs.push(reply(input.requestId, chosen));
        else {
          this.#handOver(chosen.slot, chosen.to, nowMs);
          this.#event(
            nowMs,
            'handover.ordered',
            'info',
            `slot ${input.pool}/${input.index}`,
            `Slot ${input.index} of ${input.pool} is handed over to ${chosen.name}.`,
          );
          outputs.push(reply(input.requestId, { ok: true, to: chosen.name }));
        }
        return;
      }
      case 'apply':
        if (!this.#deciding) this.#apply(input, nowMs, outputs);
        else if (this.#waiting.length < APPLIES_MAX && this.#retryDecidingAtMs === null)
          this.#waiting.push(input);
        else
          outputs.push(
            reply(input.requestId, {
              ok: false,
              code: 'BUSY',
              message: 'Earlier decisions are not on disk yet; try again.',
            }),
          );
        return;
      case 'persisted':
        this.#persisted(input.id, nowMs, outputs);
        return;
      case 'persist-failed':
        this.#persistFailed(input, nowMs, outputs);
        return;
    }
  }

  #apply(input: Apply, nowMs: number, outputs: ManagerCoreOutput[]): void {
    const state = this.#state;
    const { declared, text, file, requestId } = input;
    const refusal = this.#refusal(declared);
    if (refusal) {
      outputs.push(reply(requestId, refusal));
      return;
    }
    const changes = this.preview(declared);
    if (state.set && changes.length === 0) {
      outputs.push(
        reply(requestId, {
          ok: true,
          applied: { set: declared.name, generation: state.set.generation, changes },
        }),
      );
      return;
    }
    const former: Former = {
      set: state.set,
      instances: new Map(state.instances),
      slots: new Map(state.slots),
    };
    const generation = (state.set?.generation ?? 0) + 1;
    state.set = {
      declared,
      text,
      file,
      generation,
      appliedAtMs: this.#options.wallMs(nowMs),
      council: state.set?.council ?? null,
    };
    const writes = this.#decisions(nowMs);
    const configuration = configurationOf(declared, state.observed(nowMs), state.topology);
    const size = configuration ? JSON.stringify(configuration).length : 0;
    if (size > CONFIGURATION_MAX) {
      this.#restore(former);
      const message = `Nodes would have to be told ${size} octets at once; at most ${CONFIGURATION_MAX} are possible. Declare fewer slots or instances in one set.`;
      outputs.push(reply(requestId, { ok: false, code: 'TOO_LARGE', message }));
      return;
    }
    this.#persistDecisions(
      [...writes, { table: 'sets', key: declared.name, value: state.set }],
      { requestId, changes, former },
      outputs,
    );
  }

  #refusal(declared: DeclaredSet): Extract<ManagerReply, { readonly ok: false }> | undefined {
    const { set } = this.#state;
    if (!set) return undefined;
    if (set.declared.name !== declared.name) {
      return {
        ok: false,
        code: 'OTHER_SET',
        message: `This manager runs set ${set.declared.name}; ${declared.name} needs a manager of its own.`,
      };
    }
    const former = set.council?.members ?? set.declared.council;
    // Order is no matter to a council.
    if ([...former].sort().join() !== [...declared.council].sort().join()) {
      const message = `The council of a running set cannot change yet. It is ${former.join(', ')}; declare "council: [${former.join(', ')}]" to keep it.`;
      return { ok: false, code: 'COUNCIL_FIXED', message };
    }
    return undefined;
  }

  #restore(former: Former): void {
    this.#state.set = former.set;
    this.#state.instances = former.instances;
    this.#state.slots = former.slots;
  }

  /** Decides until nothing is left to decide; what it decided has to be written. */
  #decisions(nowMs: number): ManagerWrite[] {
    const state = this.#state;
    const writes: ManagerWrite[] = [];
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { decisions } = plan(state.set?.declared ?? null, state.observed(nowMs), state.topology);
      if (decisions.length === 0) break;
      for (const decision of decisions) writes.push(...decide(decision, state, this.#options.random));
    }
    return writes;
  }

  #persistDecisions(
    writes: readonly ManagerWrite[],
    apply: Deciding['apply'],
    outputs: ManagerCoreOutput[],
  ): void {
    const id = this.#nextPersist++;
    this.#deciding = { id, writes, apply };
    outputs.push({ type: 'persist', id, writes });
  }

  #persisted(id: number, nowMs: number, outputs: ManagerCoreOutput[]): void {
    if (this.#saving?.id === id) {
      this.#saving = null;
      return;
    }
    if (this.#deciding?.id !== id) return;
    const { apply } = this.#deciding;
    this.#deciding = null;
    const { set } = this.#state;
    if (apply && set) {
      const name = set.declared.name;
      this.#event(
        nowMs,
        'declaration.applied',
        'info',
        `set ${name}`,
        `Declaration ${set.generation} of ${name} applies: ${apply.changes.length} changes.`,
      );
      outputs.push(
        reply(apply.requestId, {
          ok: true,
          applied: { set: name, generation: set.generation, changes: apply.changes },
        }),
      );
    }
    this.#nextApply(nowMs, outputs);
  }

  #persistFailed(
    input: Extract<ManagerCoreInput, { readonly type: 'persist-failed' }>,
    nowMs: number,
    outputs: ManagerCoreOutput[],
  ): void {
    const code = input.full ? 'STORE_FULL' : 'STORE_FAILED';
    if (this.#saving?.id === input.id) {
      this.#journal.keep(this.#saving.writes);
      this.#saving = null;
      this.#retrySavingAtMs = nowMs + STORE_RETRY_MS;
      return;
    }
    if (this.#deciding?.id !== input.id) return;
    const { apply } = this.#deciding;
    const subject = `set ${this.#state.set?.declared.name ?? ''}`;
    if (apply) {
      this.#deciding = null;
      this.#restore(apply.former);
      const message = `The declaration could not be written and was refused; what was declared before stands. ${input.reason}`;
      this.#event(nowMs, 'declaration.refused', 'error', subject, message);
      outputs.push(reply(apply.requestId, { ok: false, code, message }));
      this.#nextApply(nowMs, outputs);
      return;
    }
    if (this.#retryDecidingAtMs === null) {
      this.#retryDecidingAtMs = nowMs + STORE_RETRY_MS;
      this.#event(
        nowMs,
        'store.failed',
        'error',
        subject,
        `Decisions could not be written; nodes get no new orders until they are. ${input.reason}`,
      );
    }
  }

  #nextApply(nowMs: number, outputs: ManagerCoreOutput[]): void {
    while (!this.#deciding) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#apply(next, nowMs, outputs);
    }
  }

  #handOver(slot: string, to: number, nowMs: number): void {
    this.#state.handovers.set(slot, {
      to,
      nonce: hex64(this.#options.random.u64()),
      untilMs: nowMs + HANDOVER_MS,
    });
  }

  /** After every input: decide, order, tell, save. */
  #finish(nowMs: number, outputs: ManagerCoreOutput[]): ManagerCoreOutput[] {
    if (!this.#deciding) {
      const writes = this.#decisions(nowMs);
      if (writes.length > 0) this.#persistDecisions(writes, null, outputs);
      else this.#order(nowMs, outputs);
    }
    this.#tellHealth(nowMs);
    for (const event of this.#journal.takeEvents()) outputs.push({ type: 'event', event });
    if (this.#journal.hasWrites && !this.#saving && this.#retrySavingAtMs === null) {
      this.#saving = { id: this.#nextPersist++, writes: this.#journal.takeWrites() };
      outputs.push({ type: 'persist', id: this.#saving.id, writes: this.#saving.writes });
    }
    outputs.push({ type: 'changed' });
    return outputs;
  }

  #order(nowMs: number, outputs: ManagerCoreOutput[]): void {
    const state = this.#state;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { commands } = plan(state.set?.declared ?? null, state.observed(nowMs), state.topology);
      if (commands.length === 0) return;
      for (const command of commands) {
        if (command.type === 'handover') this.#handOver(command.slot, command.to, nowMs);
        else {
          const order = this.#orders.give(command);
          if (order) outputs.push(order);
        }
      }
    }
  }

  #tellHealth(nowMs: number): void {
    for (const { name, health, reason } of poolViews(this.#state, nowMs)) {
      const before = this.#healths.get(name);
      this.#healths.set(name, health);
      if (before === undefined || before === health) continue;
      const severity = health === 'whole' ? 'info' : health === 'degraded' ? 'warning' : 'error';
      this.#event(nowMs, 'pool.health', severity, `pool ${name}`, `Pool ${name} is ${health}. ${reason}`);
    }
  }

  #event(
    nowMs: number,
    type: string,
    severity: 'info' | 'warning' | 'error',
    subject: string,
    message: string,
  ): void {
    this.#journal.event(this.#options.wallMs(nowMs), type, severity, subject, message);
  }
}

function reply(requestId: number, answer: ManagerReply): ManagerCoreOutput {
  return { type: 'reply', requestId, reply: answer };
}
