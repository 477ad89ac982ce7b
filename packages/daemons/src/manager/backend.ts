// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import type {
  ApplyView,
  CheckpointAnswer,
  CheckpointRequest,
  CheckpointView,
  DrainRequest,
  EventView,
  ExplainView,
  ForceCouncilRequest,
  ForgetRequest,
  HandoverAnswer,
  HandoverRequest,
  LeftStateView,
  MaintenanceRequest,
  MoveAnswer,
  MoveRequest,
  MoveSessionsAnswer,
  MoveSessionsRequest,
  PlanView,
  RecordingMessage,
  RecordingRequest,
  RestoreAnswer,
  RestoreRequest,
  RotateSecretRequest,
  SlotExplainView,
  StateView,
  StoredSlotView,
  TokenRequest,
  TokenSecretView,
  TokenView,
  TrafficReport,
  UpgradeRequest,
} from '@vnfpool/core/management';
import type { ManagerCore, ManagerCoreInput, ManagerReply } from '@vnfpool/core/manager';
import { warningsOf } from '@vnfpool/core/planner';
import { readDeclaration } from '@vnfpool/runtime/declaration';
import type { SessionInformation } from '@vnfpool/wire/mobility';
import { parseIp } from '@vnfpool/wire/parameters';
import {
  ApiError,
  type BackendChange,
  type ManagementBackend,
  type WantedSlots,
} from '../management-api/index.ts';
import { StateQuestions } from './state-questions.ts';

export interface ManagerBackendOptions {
  readonly core: ManagerCore;
  readonly submit: (input: ManagerCoreInput) => boolean;
  readonly nowMs: () => number;
  /** When a node was heard last. */
  readonly heardMs: (node: number) => number | null;
  readonly createToken: (request: TokenRequest) => Promise<string>;
  readonly tokens: () => Promise<readonly TokenView[]>;
  readonly metrics: () => Promise<string>;
}

type Refusal = Extract<ManagerReply, { ok: false }>;
type DistributiveOmit<T, Keys extends PropertyKey> = T extends unknown ? Omit<T, Keys> : never;
type Asked = DistributiveOmit<
  Extract<
    ManagerCoreInput,
    {
      requestId: number;
      type:
        | 'apply'
        | 'handover'
        | 'move'
        | 'move-sessions'
        | 'drain'
        | 'force-council'
        | 'thaw'
        | 'maintenance'
        | 'upgrade'
        | 'rotate-secret'
        | 'state-order';
    }
  >,
  'requestId'
>;

const EVENTS_MAX = 1_000;

/** HTTP status of what the core refuses. */
const STATUS: Readonly<Record<Refusal['code'], number>> = {
  BUSY: 503,
  STORE_FULL: 507,
  STORE_FAILED: 500,
  OTHER_SET: 409,
  ADDRESS_IN_USE: 409,
  TOO_LARGE: 422,
  NOT_SETTLED: 422,
  NOT_FOUND: 404,
  NOT_READY: 409,
};

/** The manager core as the management API asks it. */
export class ManagerBackend implements ManagementBackend {
  readonly #options: ManagerBackendOptions;
  readonly #waiting = new Map<number, (reply: ManagerReply) => void>();
  readonly #listeners = new Set<(change: BackendChange) => void>();
  readonly #events: EventView[];
  readonly #questions: StateQuestions;
  #lastRequest = 0;

  constructor(options: ManagerBackendOptions) {
    this.#options = options;
    this.#events = [...this.state().events].reverse();
    this.#questions = new StateQuestions({
      ask: async (question) => {
        const { state } = await this.#ask({ type: 'state-order', ...question });
        if (state === undefined) throw new Error('the core did not say what the node answered');
        return state;
      },
      newId: () => randomBytes(8).toString('hex'),
      nodeName: (id) => this.state().nodes.find((node) => node.nodeId === id)?.name ?? null,
      nowMs: options.nowMs,
    });
  }

  /** What the core says; the driver's effects come here. */
  readonly effects = {
    reply: ({ requestId, reply }: { requestId: number; reply: ManagerReply }): void => {
      this.#waiting.get(requestId)?.(reply);
      this.#waiting.delete(requestId);
    },
    event: ({ event }: { event: EventView }): void => {
      this.#events.push(event);
      if (this.#events.length > EVENTS_MAX) this.#events.shift();
      this.#tell({ type: 'event', event });
    },
    changed: (): void => this.#tell({ type: 'state' }),
  };

  state(): StateView {
    return this.#options.core.views(this.#options.nowMs(), this.#options.heardMs);
  }

  subscribe(listener: (change: BackendChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  eventsSince(id: number, limit: number): readonly EventView[] {
    return this.#events.filter((event) => event.id > id).slice(0, limit);
  }

  async plan(text: string, file: string): Promise<PlanView> {
    const { set } = this.#read(text, file);
    const refusal = this.#options.core.refusal(set, this.#options.nowMs());
    if (refusal) throw refused(refusal);
    return {
      set: set.name,
      changes: this.#options.core.preview(set),
      ...warningsOf(set),
    };
  }

  async apply(text: string, file: string): Promise<ApplyView> {
    const { set } = this.#read(text, file);
    const { applied } = await this.#ask({ type: 'apply', declared: set, text, file });
    if (!applied) throw new Error('the core did not say what it applied');
    return applied;
  }

  async remove(set: string): Promise<void> {
    const current = this.#options.core.declaration();
    if (current?.declared.name !== set) throw new ApiError(404, 'not-found', `there is no set ${set} here`);
    const declared = { ...current.declared, pools: [], probes: [] };
    await this.#ask({ type: 'apply', declared, text: '', file: current.file });
  }

  async explain(pool: string): Promise<ExplainView> {
    const explained = this.#options.core.explain(pool, this.#options.nowMs());
    if (!explained) throw new ApiError(404, 'not-found', `there is no pool ${pool} here`);
    return explained;
  }

  async explainSlot(pool: string, index: number): Promise<SlotExplainView> {
    const explained = this.#options.core.explainSlot(pool, index, this.#options.nowMs());
    if (!explained) throw new ApiError(404, 'not-found', `there is no slot ${pool}/${index} here`);
    return explained;
  }

  async thaw(): Promise<void> {
    await this.#ask({ type: 'thaw' });
  }

  async handover({ pool, slot, to, acceptsLoss = false }: HandoverRequest): Promise<HandoverAnswer> {
    const { to: successor, acceptedLoss } = await this.#ask({
      type: 'handover',
      pool,
      index: slot,
      ...(to === undefined ? {} : { to }),
      ...(acceptsLoss && { acceptsLoss }),
    });
    if (successor === undefined) throw new Error('the core did not say who is to hold it');
    return { to: successor, ...(acceptedLoss ? { acceptedLoss } : {}) };
  }

  async move(request: MoveRequest): Promise<MoveAnswer> {
    const { to } = await this.#ask({ type: 'move', ...request });
    if (to === undefined) throw new Error('the core did not say where it goes');
    return { to };
  }

  async moveSessions({ from, to, ...which }: MoveSessionsRequest): Promise<MoveSessionsAnswer> {
    const { sessions = 0 } = await this.#ask({ type: 'move-sessions', from, to, sessions: selectors(which) });
    return { sessions };
  }

  async drain(request: DrainRequest): Promise<void> {
    await this.#ask({ type: 'drain', ...request });
  }

  async forceCouncil({ members, council }: ForceCouncilRequest): Promise<void> {
    await this.#ask({ type: 'force-council', members, council });
  }

  async maintenance(request: MaintenanceRequest): Promise<void> {
    await this.#ask({ type: 'maintenance', ...request });
  }

  async upgrade(request: UpgradeRequest): Promise<void> {
    await this.#ask({ type: 'upgrade', ...request });
  }

  async rotateSecret({ pool }: RotateSecretRequest): Promise<void> {
    await this.#ask({ type: 'rotate-secret', pool });
  }

  checkpoint(request: CheckpointRequest): Promise<CheckpointAnswer> {
    return this.#questions.checkpoint(request);
  }

  checkpoints(pool: string, slot: number, from?: string): Promise<readonly CheckpointView[]> {
    return this.#questions.checkpoints(pool, slot, from);
  }

  async storedSlots(pool: string, slot: number, wanted: WantedSlots): Promise<readonly StoredSlotView[]> {
    const found = await this.#questions.storedSlots(pool, slot, wanted);
    const current = new Map(this.state().slots.map((each) => [each.id, `${each.pool}/${each.index}`]));
    return found.map((each) => ({ ...each, current: current.get(each.id) ?? null }));
  }

  restore(request: RestoreRequest): Promise<RestoreAnswer> {
    return this.#questions.restore(request);
  }

  async leftStates(): Promise<readonly LeftStateView[]> {
    return this.#options.core.left().map(({ slot: id, pool, index, places, leftMs = 0 }) => ({
      id,
      pool,
      slot: index,
      places: places.map(({ method, store }) => ({ method, store })),
      leftAt: leftMs,
    }));
  }

  async forget(request: ForgetRequest): Promise<void> {
    const { id, pool, slot } = request;
    const left = this.#options.core.left().find((each) => each.slot === id);
    if (left === undefined || left.pool !== pool || left.index !== slot)
      throw new ApiError(404, 'not-found', `nothing is left of ${pool}/${slot} with the id ${id}`);
    await this.#questions.forget(request, left.places);
  }

  record(request: RecordingRequest, signal: AbortSignal): Promise<AsyncIterable<RecordingMessage>> {
    return this.#questions.record(request, signal);
  }

  async createToken(request: TokenRequest): Promise<TokenSecretView> {
    return { token: await this.#options.createToken(request) };
  }

  tokens(): Promise<readonly TokenView[]> {
    return this.#options.tokens();
  }

  async reportTraffic(report: TrafficReport): Promise<void> {
    this.#options.submit({ type: 'traffic', report });
    this.#tell({ type: 'traffic' });
  }

  metrics(): Promise<string> {
    return this.#options.metrics();
  }

  /** @throws ApiError with every fault of the declaration */
  #read(text: string, file: string): Exclude<ReturnType<typeof readDeclaration>, { faults: unknown }> {
    const read = readDeclaration(text, file);
    if ('faults' in read) {
      throw new ApiError(
        422,
        'declaration-invalid',
        `${read.faults.length === 1 ? '1 mistake' : `${read.faults.length} mistakes`} in ${file}`,
        read.faults,
      );
    }
    return read;
  }

  async #ask(asked: Asked): Promise<Extract<ManagerReply, { ok: true }>> {
    this.#lastRequest += 1;
    const requestId = this.#lastRequest;
    const reply = await new Promise<ManagerReply>((resolve) => {
      this.#waiting.set(requestId, resolve);
      if (this.#options.submit({ ...asked, requestId } as ManagerCoreInput)) return;
      this.#waiting.delete(requestId);
      resolve({ ok: false, code: 'BUSY', message: 'The manager has too much to do; try again.' });
    });
    if (reply.ok) return reply;
    throw refused(reply);
  }

  #tell(change: BackendChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function refused({ code, message }: Refusal): ApiError {
  return new ApiError(STATUS[code], code.toLowerCase().replaceAll('_', '-'), message);
}

/** @throws ApiError when it names none, or an address that is none */
function selectors({
  all = false,
  ratio,
  count,
  uri,
  contact,
}: Omit<MoveSessionsRequest, 'from' | 'to'>): readonly SessionInformation[] {
  const which: SessionInformation[] = [
    ...(all ? [{ type: 'ratio', ratio: 1 } as const] : []),
    ...(ratio === undefined ? [] : [{ type: 'ratio', ratio } as const]),
    ...(count === undefined ? [] : [{ type: 'count', count: BigInt(count) } as const]),
    ...(uri === undefined ? [] : [{ type: 'sip-uri', uri } as const]),
    ...(contact === undefined ? [] : [{ type: 'contact', contact: addressOf(contact) } as const]),
  ];
  if (which.length > 0) return which;
  throw new ApiError(400, 'invalid-request', 'say which sessions: all, ratio, count, uri or contact');
}

function addressOf(text: string): Uint8Array {
  try {
    return parseIp(text);
  } catch {
    throw new ApiError(400, 'invalid-request', `contact: ${text} is no IPv4 or IPv6 address`);
  }
}
