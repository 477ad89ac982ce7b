// SPDX-License-Identifier: Apache-2.0

import { encodeUtf8 } from '@vnfpool/wire/bytes';
import type { DeclaredSet } from '../declared/set.ts';
import type { PlannedChange } from '../management/views.ts';
import { warningsOf } from '../planner/council-losses.ts';
import { diff } from '../planner/diff.ts';
import { configurationOf } from '../planner/documents.ts';
import type { PoolSecretsRecord } from '../planner/secrets-record.ts';
import type { SharingRecord } from '../planner/sharing-record.ts';
import type { UpgradeRecord } from '../planner/upgrade-record.ts';
import { addressRefusal, leftAddresses } from './addresses.ts';
import { councilRefusal } from './council.ts';
import { decide } from './decisions.ts';
import type { Journal } from './journal.ts';
import type { InstanceRecord, ManagerWrite, MoveRecord, SetRecord, SlotRecord } from './records.ts';
import type { Refusal } from './refusal.ts';
import { STORE_RETRY_MS } from './saving.ts';
import { sharingRefusal } from './sharing.ts';
import type { ManagerState } from './state.ts';
import type { ManagerCoreInput, ManagerCoreOptions, ManagerCoreOutput, ManagerReply } from './types.ts';
import { beginUpgrades } from './upgrade.ts';

type Apply = Extract<ManagerCoreInput, { readonly type: 'apply' }>;
type PersistFailed = Extract<ManagerCoreInput, { readonly type: 'persist-failed' }>;

/** Decisions that are being written. No order is given before they are on disk. */
interface Deciding {
  readonly id: number;
  readonly writes: readonly ManagerWrite[];
  /** Who waits for it; null: it followed from what was known. */
  readonly asked: Asked | null;
}

/** Something that a person asked for. */
export interface Asked {
  readonly requestId: number;
  /** It is on disk. */
  readonly done: () => ManagerReply;
  /** It is not: everything is as it was before. Gives the answer. */
  readonly undo: (reason: string) => string;
}

/** What a refused declaration goes back to. */
interface Former {
  readonly set: SetRecord | null;
  readonly instances: Map<number, InstanceRecord>;
  readonly slots: Map<string, SlotRecord>;
  readonly moves: Map<number, MoveRecord>;
  readonly upgrades: Map<string, UpgradeRecord>;
  readonly sharing: Map<string, SharingRecord>;
  readonly secrets: Map<string, PoolSecretsRecord>;
}

/** Declarations that may wait for the store; more are refused. */
const APPLIES_MAX = 16;
/** Rounds of decisions or orders that follow from each other; a plan needs three. */
export const ROUNDS_MAX = 10;
/** Octets of a configuration, some 1,100 slots with three candidates: sets of 1,008 were tried, with three nodes on two processors. */
const CONFIGURATION_MAX = 393_216;

const BUSY: ManagerReply = {
  ok: false,
  code: 'BUSY',
  message: 'Earlier decisions are not on disk yet; try again.',
};

/** Takes declarations and decides what follows from them. One batch of decisions is being written at a time. */
export class Declarations {
  readonly #options: ManagerCoreOptions;
  readonly #state: ManagerState;
  readonly #journal: Journal;
  readonly #nextPersist: () => number;
  #deciding: Deciding | null = null;
  #retryAtMs: number | null = null;
  #waiting: Apply[] = [];

  /** `nextPersist` gives the number of the next `persist` output. */
  constructor(options: ManagerCoreOptions, state: ManagerState, journal: Journal, nextPersist: () => number) {
    this.#options = options;
    this.#state = state;
    this.#journal = journal;
    this.#nextPersist = nextPersist;
  }

  /** When decisions that could not be written are written again; null: none are. */
  get retryAtMs(): number | null {
    return this.#retryAtMs;
  }

  /** What applying the declaration would change. */
  preview(declared: DeclaredSet): PlannedChange[] {
    return diff(this.#state.set?.declared ?? null, declared);
  }

  /** Why the declaration could not be applied to what runs now, as far as that can be told before; undefined: it could. */
  refusal(declared: DeclaredSet, nowMs: number): Refusal | undefined {
    const refusal = this.#refusal(declared) ?? addressRefusal(this.#state, declared, nowMs);
    if (refusal) return refusal;
    const former = this.#former();
    this.#declare({ declared, text: '', file: '' }, nowMs);
    const before = former.set?.declared ?? null;
    const unsettled = sharingRefusal(declared, before, this.#state.observed(nowMs));
    this.#restore(former);
    return unsettled;
  }

  /** Whether decisions are being written. */
  get isDeciding(): boolean {
    return this.#deciding !== null;
  }

  /** Applies a declaration, now or when the decisions before it are on disk. */
  take(input: Apply, nowMs: number, outputs: ManagerCoreOutput[]): void {
    if (!this.#deciding) this.#apply(input, nowMs, outputs);
    else if (this.#waiting.length < APPLIES_MAX && this.#retryAtMs === null) this.#waiting.push(input);
    else outputs.push(reply(input.requestId, BUSY));
  }

  /** Decides what is left to decide. True: nothing is, and all decisions are on disk, so orders may be given. */
  settle(nowMs: number, outputs: ManagerCoreOutput[]): boolean {
    if (this.#deciding) return false;
    const writes = this.#decisions(nowMs);
    if (writes.length === 0) return true;
    this.#persist(writes, null, outputs);
    return false;
  }

  /** Writes again what could not be written. */
  expire(nowMs: number, outputs: ManagerCoreOutput[]): void {
    if (!this.#deciding || this.#retryAtMs === null || this.#retryAtMs > nowMs) return;
    this.#retryAtMs = null;
    outputs.push({ type: 'persist', id: this.#deciding.id, writes: this.#deciding.writes });
  }

  /** Writes what a person asked for and was changed already; refused while earlier decisions are being written. */
  record(writes: readonly ManagerWrite[], asked: Asked, outputs: ManagerCoreOutput[]): void {
    if (!this.#deciding) {
      this.#persist(writes, asked, outputs);
      return;
    }
    asked.undo('');
    outputs.push(reply(asked.requestId, BUSY));
  }

  persisted(id: number, nowMs: number, outputs: ManagerCoreOutput[]): void {
    if (this.#deciding?.id !== id) return;
    const { asked } = this.#deciding;
    this.#deciding = null;
    if (asked) outputs.push(reply(asked.requestId, asked.done()));
    this.#nextApply(nowMs, outputs);
  }

  /** What a person asked for and cannot be written is refused; other decisions are tried again. */
  persistFailed(input: PersistFailed, nowMs: number, outputs: ManagerCoreOutput[]): void {
    if (this.#deciding?.id !== input.id) return;
    const { asked } = this.#deciding;
    if (asked) {
      this.#deciding = null;
      const code = input.full ? 'STORE_FULL' : 'STORE_FAILED';
      outputs.push(reply(asked.requestId, { ok: false, code, message: asked.undo(input.reason) }));
      this.#nextApply(nowMs, outputs);
      return;
    }
    const wallMs = this.#options.wallMs(nowMs);
    const subject = `set ${this.#state.set?.declared.name ?? ''}`;
    if (this.#retryAtMs !== null) return;
    this.#retryAtMs = nowMs + STORE_RETRY_MS;
    this.#journal.event(
      wallMs,
      'store.failed',
      'error',
      subject,
      `Decisions could not be written; nodes get no new orders until they are. ${input.reason}`,
    );
  }

  #apply(input: Apply, nowMs: number, outputs: ManagerCoreOutput[]): void {
    const state = this.#state;
    const { declared, requestId } = input;
    const refusal = this.#refusal(declared) ?? addressRefusal(state, declared, nowMs);
    if (refusal) {
      outputs.push(reply(requestId, refusal));
      return;
    }
    const changes = this.preview(declared);
    if (state.set && changes.length === 0) {
      outputs.push(
        reply(requestId, {
          ok: true,
          applied: {
            set: declared.name,
            generation: state.set.generation,
            changes,
            ...warningsOf(declared),
          },
        }),
      );
      return;
    }
    const former = this.#former();
    const upgrades = this.#declare(input, nowMs);
    const unsettled = sharingRefusal(declared, former.set?.declared ?? null, state.observed(nowMs));
    if (unsettled) {
      this.#restore(former);
      outputs.push(reply(requestId, unsettled));
      return;
    }
    const writes = [...upgrades, ...this.#decisions(nowMs)];
    const configuration = configurationOf(declared, state.observed(nowMs), state.topology);
    const size = configuration ? encodeUtf8(JSON.stringify(configuration)).length : 0;
    if (size > CONFIGURATION_MAX) {
      this.#restore(former);
      const message = `Nodes would have to be told a configuration of ${size} octets; at most ${CONFIGURATION_MAX} are possible. Declare fewer slots or instances in one set.`;
      outputs.push(reply(requestId, { ok: false, code: 'TOO_LARGE', message }));
      return;
    }
    this.#persist(
      [...writes, { table: 'sets', key: declared.name, value: state.set }],
      {
        requestId,
        done: () => this.#applied(changes, nowMs),
        undo: (reason) => this.#refused(former, reason, nowMs),
      },
      outputs,
    );
  }

  #former(): Former {
    const { set, instances, slots, moves, upgrades, sharing, secrets } = this.#state;
    return {
      set,
      instances: new Map(instances),
      slots: new Map(slots),
      moves: new Map(moves),
      upgrades: new Map(upgrades),
      sharing: new Map(sharing),
      secrets: new Map(secrets),
    };
  }

  /** What is declared takes the place of the former, in memory; gives the upgrades that this begins. */
  #declare(
    { declared, text, file }: Pick<Apply, 'declared' | 'text' | 'file'>,
    nowMs: number,
  ): ManagerWrite[] {
    const state = this.#state;
    const former = state.set;
    const wallMs = this.#options.wallMs(nowMs);
    state.set = {
      declared,
      text,
      file,
      generation: (former?.generation ?? 0) + 1,
      appliedAtMs: wallMs,
      leftAddresses: leftAddresses(state, declared, nowMs),
      councils: former?.councils ?? [],
      councilsFormed: former?.councilsFormed ?? 0,
    };
    return beginUpgrades(state, former?.declared.pools ?? [], wallMs);
  }

  #applied(changes: readonly PlannedChange[], nowMs: number): ManagerReply {
    const { set } = this.#state;
    const name = set?.declared.name ?? '';
    const generation = set?.generation ?? 0;
    const message = `Declaration ${generation} of ${name} applies: ${changes.length} changes.`;
    const wallMs = this.#options.wallMs(nowMs);
    this.#journal.event(wallMs, 'declaration.applied', 'info', `set ${name}`, message);
    const told = set ? warningsOf(set.declared) : {};
    for (const warning of told.warnings ?? [])
      this.#journal.event(wallMs, 'declaration.warning', 'warning', `set ${name}`, warning);
    return { ok: true, applied: { set: name, generation, changes, ...told } };
  }

  #refused(former: Former, reason: string, nowMs: number): string {
    this.#restore(former);
    const message = `The declaration could not be written and was refused; what was declared before stands. ${reason}`;
    const subject = `set ${this.#state.set?.declared.name ?? ''}`;
    this.#journal.event(this.#options.wallMs(nowMs), 'declaration.refused', 'error', subject, message);
    return message;
  }

  #refusal(declared: DeclaredSet): Refusal | undefined {
    const { set } = this.#state;
    if (!set) return undefined;
    if (set.declared.name !== declared.name) {
      return {
        ok: false,
        code: 'OTHER_SET',
        message: `This manager runs set ${set.declared.name}; ${declared.name} needs a manager of its own.`,
      };
    }
    return councilRefusal(set, declared);
  }

  #restore(former: Former): void {
    this.#state.set = former.set;
    this.#state.instances = former.instances;
    this.#state.slots = former.slots;
    this.#state.moves = former.moves;
    this.#state.upgrades = former.upgrades;
    this.#state.sharing = former.sharing;
    this.#state.secrets = former.secrets;
  }

  /** Decides until nothing is left to decide; what it decided has to be written. */
  #decisions(nowMs: number): ManagerWrite[] {
    const state = this.#state;
    const writes: ManagerWrite[] = [];
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const { decisions } = state.plan(nowMs);
      if (decisions.length === 0) break;
      for (const decision of decisions)
        writes.push(...decide(decision, state, this.#options.random, this.#options.wallMs(nowMs)));
    }
    return writes;
  }

  #persist(writes: readonly ManagerWrite[], asked: Asked | null, outputs: ManagerCoreOutput[]): void {
    const id = this.#nextPersist();
    this.#journal.supersede(writes);
    this.#deciding = { id, writes, asked };
    outputs.push({ type: 'persist', id, writes });
  }

  #nextApply(nowMs: number, outputs: ManagerCoreOutput[]): void {
    while (!this.#deciding) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#apply(next, nowMs, outputs);
    }
  }
}

export function reply(requestId: number, answer: ManagerReply): ManagerCoreOutput {
  return { type: 'reply', requestId, reply: answer };
}
