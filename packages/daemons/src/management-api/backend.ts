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

/**
 * What a backend tells its subscribers. `state` and `traffic` say only that asking `state()` again is worth
 * it: in between any number of changes becomes one.
 */
export type BackendChange =
  | { readonly type: 'state' }
  | { readonly type: 'traffic' }
  | { readonly type: 'event'; readonly event: EventView };

/** Which of the other slots of which a store has something. */
export interface WantedSlots {
  /** Undefined: all. */
  readonly id: string | undefined;
  /** What the values are, where the store does not say; undefined: nobody says it. */
  readonly format: string | undefined;
}

/**
 * What the management API is a face of: the pool manager. Everything that is refused is refused by an
 * `ApiError`, thrown or as a rejection.
 */
export interface ManagementBackend {
  /** Everything at once; cheap, as it is asked for up to nine times a second. */
  state(): StateView;
  /** Tells of changes until the returned function is called. The listener never throws. */
  subscribe(listener: (change: BackendChange) => void): () => void;
  /** Events with a number above `id`, oldest first, at most `limit` of them: what has been forgotten is left out. */
  eventsSince(id: number, limit: number): readonly EventView[];
  plan(text: string, file: string): Promise<PlanView>;
  apply(text: string, file: string): Promise<ApplyView>;
  /** Takes a set away: 404 when there is none of that name. */
  remove(set: string): Promise<void>;
  explain(pool: string): Promise<ExplainView>;
  explainSlot(pool: string, index: number): Promise<SlotExplainView>;
  /** Instances are placed, moved and deleted again although nodes are lost: 409 when nothing is frozen. */
  thaw(): Promise<void>;
  /** Resolves once the hand-over is ordered; the record of it comes as a `FailoverView`. */
  handover(request: HandoverRequest): Promise<HandoverAnswer>;
  /** Resolves once the move, or its end, is ordered; the instance's view tells how it goes, an event how it ended. */
  move(request: MoveRequest): Promise<MoveAnswer>;
  /** Resolves once both instances have agreed, and the sessions are on their way; an event tells how it ended. */
  moveSessions(request: MoveSessionsRequest): Promise<MoveSessionsAnswer>;
  /** Resolves once it is on disk; the node's view tells how it goes. */
  drain(request: DrainRequest): Promise<void>;
  /** Resolves once it is on disk; nodes are told then, and the set's view shows who has taken it. */
  forceCouncil(request: ForceCouncilRequest): Promise<void>;
  /** Resolves once it is on disk; the node's view tells how it goes. */
  maintenance(request: MaintenanceRequest): Promise<void>;
  /** Resolves once it is on disk; the pool's view tells how it goes. */
  upgrade(request: UpgradeRequest): Promise<void>;
  /** Resolves once it is on disk; an event `secret.rotated` tells when it seals. */
  rotateSecret(request: RotateSecretRequest): Promise<void>;
  /** Resolves once the store has it. */
  checkpoint(request: CheckpointRequest): Promise<CheckpointAnswer>;
  /** Those that the store of the slot has, the oldest first. @param from of the slot with this id instead */
  checkpoints(pool: string, slot: number, from?: string): Promise<readonly CheckpointView[]>;
  /** Other slots of which the store of the slot has checkpoints. */
  storedSlots(pool: string, slot: number, wanted: WantedSlots): Promise<readonly StoredSlotView[]>;
  /** Resolves once the store has it as the newest. */
  restore(request: RestoreRequest): Promise<RestoreAnswer>;
  /** What slots that are no more have left in stores, the one that was left first before others. */
  leftStates(): Promise<readonly LeftStateView[]>;
  /** Resolves once nothing of it is there any more. */
  forget(request: ForgetRequest): Promise<void>;
  /** Resolves once it has begun; it ends with a message `end`, or without one when `signal` ends it. */
  record(request: RecordingRequest, signal: AbortSignal): Promise<AsyncIterable<RecordingMessage>>;
  createToken(request: TokenRequest): Promise<TokenSecretView>;
  tokens(): Promise<readonly TokenView[]>;
  reportTraffic(report: TrafficReport): Promise<void>;
  /** Prometheus text. */
  metrics(): Promise<string>;
}
