// SPDX-License-Identifier: Apache-2.0
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
import {
  ApiError,
  type BackendChange,
  type ManagementBackend,
  type WantedSlots,
} from '@vnfpool/daemons/management-api';

/** A backend in memory: holds a state that the test sets, and notes what it was asked to do. */
export class FakeBackend implements ManagementBackend {
  view: StateView;
  asked: { readonly what: string; readonly with: unknown }[] = [];
  stateCalls = 0;
  /** Thrown by the next calls that change something. */
  refusal: Error | undefined;
  /** What a hand-over is answered with, besides to whom. */
  handoverAnswer: Partial<HandoverAnswer> = {};
  /** What the store has. */
  found: readonly CheckpointView[] = [];
  /** What it has of other slots. */
  others: readonly StoredSlotView[] = [];
  left: readonly LeftStateView[] = [];
  /** What a recording tells. */
  recorded: (signal: AbortSignal) => AsyncIterable<RecordingMessage> = async function* () {};
  plannedChanges: PlanView['changes'] = [];
  warnings: readonly string[] = [];
  readonly #listeners = new Set<(change: BackendChange) => void>();

  constructor(view: StateView) {
    this.view = view;
  }

  get subscribers(): number {
    return this.#listeners.size;
  }

  change(part: Partial<StateView>): void {
    this.view = { ...this.view, ...part };
    this.tell({ type: 'state' });
  }

  happen(event: EventView): void {
    this.view = { ...this.view, events: [event, ...this.view.events].slice(0, 100) };
    this.tell({ type: 'event', event });
  }

  tell(change: BackendChange): void {
    for (const listener of this.#listeners) listener(change);
  }

  state(): StateView {
    this.stateCalls += 1;
    return this.view;
  }

  subscribe(listener: (change: BackendChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  eventsSince(id: number, limit: number): readonly EventView[] {
    return this.view.events
      .toReversed()
      .filter((event) => event.id > id)
      .slice(0, limit);
  }

  plan(text: string, file: string): Promise<PlanView> {
    return this.#do(
      'plan',
      { text, file },
      {
        set: 'edge',
        changes: this.plannedChanges,
        ...this.#told(),
      },
    );
  }

  apply(text: string, file: string): Promise<ApplyView> {
    return this.#do(
      'apply',
      { text, file },
      {
        set: 'edge',
        generation: 4,
        changes: this.plannedChanges,
        ...this.#told(),
      },
    );
  }

  #told(): Pick<PlanView, 'warnings'> {
    return this.warnings.length === 0 ? {} : { warnings: this.warnings };
  }

  remove(set: string): Promise<void> {
    if (!this.view.sets.some((view) => view.name === set)) {
      return Promise.reject(new ApiError(404, 'not-found', `there is no set ${set}`));
    }
    return this.#do('remove', set, undefined);
  }

  explain(pool: string): Promise<ExplainView> {
    if (pool !== 'web') return Promise.reject(new ApiError(404, 'not-found', `there is no pool ${pool}`));
    return this.#do('explain', pool, {
      pool,
      lines: ['web is whole: its slot is held and a standby is ready.'],
      slots: [
        {
          index: 0,
          holder: 'web#1',
          why: 'granted by node-a, node-b',
          candidates: [
            { name: 'web#2', rank: 1, verdict: 'ready' },
            { name: 'web#3', rank: 2, verdict: 'lag is beyond the bound' },
          ],
        },
      ],
    });
  }

  explainSlot(pool: string, index: number): Promise<SlotExplainView> {
    if (pool !== 'web' || index !== 0)
      return Promise.reject(new ApiError(404, 'not-found', `there is no slot ${pool}/${index}`));
    const lost = { rule: 'node', verdict: 'node-a is lost' } as const;
    return this.#do(
      'explainSlot',
      { pool, index },
      {
        pool,
        index,
        id: '00000000000000aa',
        epoch: 1_099_511_627_783,
        holder: 'web#2',
        node: 'node-b',
        why: 'web#2 took it from web#1 because the lease ran out: a majority of the council granted it the lease.',
        since: this.view.at - 12_000,
        leaseMs: 300,
        council: '2 of 3 members of the council answer (2 are needed): leases can be granted.',
        frozen: null,
        failback: { to: 'web#1', at: this.view.at + 30_000, rule: 'it has been fit for 30000 ms' },
        candidates: [
          { name: 'web#2', node: 'node-b', rank: 1, isHolder: true, rule: null, verdict: 'holds it; ready' },
          { name: 'web#1', node: 'node-a', rank: 2, isHolder: false, ...lost },
        ],
        lastFailover: null,
      },
    );
  }

  thaw(): Promise<void> {
    return this.#do('thaw', undefined, undefined);
  }

  handover(request: HandoverRequest): Promise<HandoverAnswer> {
    return this.#do('handover', request, { to: request.to ?? 'web#2', ...this.handoverAnswer });
  }

  move(request: MoveRequest): Promise<MoveAnswer> {
    return this.#do('move', request, { to: request.to ?? 'node-d' });
  }

  moveSessions(request: MoveSessionsRequest): Promise<MoveSessionsAnswer> {
    return this.#do('moveSessions', request, { sessions: 3 });
  }

  drain(request: DrainRequest): Promise<void> {
    return this.#do('drain', request, undefined);
  }

  forceCouncil(request: ForceCouncilRequest): Promise<void> {
    return this.#do('forceCouncil', request, undefined);
  }

  upgrade(request: UpgradeRequest): Promise<void> {
    return this.#do('upgrade', request, undefined);
  }

  maintenance(request: MaintenanceRequest): Promise<void> {
    return this.#do('maintenance', request, undefined);
  }

  rotateSecret(request: RotateSecretRequest): Promise<void> {
    return this.#do('rotateSecret', request, undefined);
  }

  checkpoint(request: CheckpointRequest): Promise<CheckpointAnswer> {
    return this.#do('checkpoint', request, {
      kind: request.full === true ? 'full' : 'incremental',
      node: 'node-a',
      epoch: 1_099_511_627_783,
      number: 9,
      sequence: 120,
      keys: 12,
      octets: 4_096,
      tookMs: 12.5,
    });
  }

  restore(request: RestoreRequest): Promise<RestoreAnswer> {
    return this.#do('restore', request, {
      node: 'node-a',
      epoch: 2 ** 40 + 7,
      number: 12,
      sequence: 131,
      keys: 12,
      octets: 4_096,
      tookMs: 13,
    });
  }

  checkpoints(pool: string, slot: number, from?: string): Promise<readonly CheckpointView[]> {
    const wanted = { pool, slot, ...(from === undefined ? {} : { from }) };
    const found = this.found.filter((each) => each.from === from);
    return this.#do('checkpoints', wanted, found);
  }

  storedSlots(pool: string, slot: number, wanted: WantedSlots): Promise<readonly StoredSlotView[]> {
    const found = this.others.filter(({ id }) => wanted.id === undefined || id === wanted.id);
    return this.#do('storedSlots', { pool, slot, ...wanted }, found);
  }

  leftStates(): Promise<readonly LeftStateView[]> {
    return Promise.resolve(this.left);
  }

  forget(request: ForgetRequest): Promise<void> {
    return this.#do('forget', request, undefined);
  }

  async record(request: RecordingRequest, signal: AbortSignal): Promise<AsyncIterable<RecordingMessage>> {
    await this.#do('record', request, undefined);
    return this.recorded(signal);
  }

  createToken(request: TokenRequest): Promise<TokenSecretView> {
    return this.#do('createToken', request, { token: 'join-secret-1' });
  }

  tokens(): Promise<readonly TokenView[]> {
    const token: TokenView = {
      id: 't1',
      role: 'node',
      name: 'node-a',
      createdAt: this.view.at - 60_000,
      expiresAt: this.view.at + 3_540_000,
      usedAt: null,
    };
    return this.#do('tokens', undefined, [token]);
  }

  reportTraffic(report: TrafficReport): Promise<void> {
    return this.#do('reportTraffic', report, undefined);
  }

  metrics(): Promise<string> {
    return this.#do('metrics', undefined, 'vnfpool_slots_held 1\n');
  }

  #do<T>(what: string, value: unknown, answer: T): Promise<T> {
    this.asked.push({ what, with: value });
    return this.refusal === undefined ? Promise.resolve(answer) : Promise.reject(this.refusal);
  }
}
