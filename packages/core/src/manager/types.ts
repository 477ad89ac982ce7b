// SPDX-License-Identifier: Apache-2.0
import type { Random } from '../core.ts';
import type { DeclaredSet } from '../declared/set.ts';
import type { NodeId } from '../identity.ts';
import type { ApplyView } from '../management/requests.ts';
import type { AcceptedLossView } from '../management/sharing-views.ts';
import type { EventView, SetView, TrafficReport } from '../management/views.ts';
import type { MobilityManagerInput, MobilityManagerOutput } from '../mobility/types.ts';
import type { ManagerWrite } from './records.ts';
import type { SessionMoveRequest } from './session-moves.ts';
import type { StateOrderReply, StateOrderRequest } from './state-orders.ts';

export interface ManagerCoreOptions {
  readonly random: Random;
  /** Wall-clock milliseconds since 1970 at a moment of the driver's clock; only for what people read. */
  readonly wallMs: (nowMs: number) => number;
  readonly mode: SetView['mode'];
}

/** What the endpoint tells of nodes; the rest is for its driver. */
type FromMobility = Exclude<MobilityManagerOutput, { readonly type: 'send' | 'close' | 'reserve-numbers' }>;

export type ManagerCoreInput =
  | FromMobility
  | {
      readonly type: 'apply';
      readonly requestId: number;
      readonly declared: DeclaredSet;
      readonly text: string;
      readonly file: string;
    }
  | {
      readonly type: 'handover';
      readonly requestId: number;
      readonly pool: string;
      readonly index: number;
      readonly to?: string;
      /** Nobody holds it, and nobody who has its state is there: `to` takes it with what it has. */
      readonly acceptsLoss?: boolean;
    }
  /** Moves an instance, or takes that back; `to` absent: where there is most room. */
  | {
      readonly type: 'move';
      readonly requestId: number;
      readonly instance: string;
      readonly to?: string;
      readonly cancel?: boolean;
    }
  /** Sessions go from one instance to another. */
  | ({ readonly type: 'move-sessions' } & SessionMoveRequest)
  /** Something is asked of the state of a slot. */
  | ({ readonly type: 'state-order' } & StateOrderRequest)
  /** Moves everything away from a node and places nothing there, until that is taken back. */
  | {
      readonly type: 'drain';
      readonly requestId: number;
      readonly node: string;
      readonly cancel?: boolean;
    }
  /** Goes on with these nodes as council, for the others are dead by an operator's word. */
  | {
      readonly type: 'force-council';
      readonly requestId: number;
      readonly members: readonly string[];
      /** Its name; undefined: the only one. */
      readonly council: string | undefined;
    }
  /** Nodes that are lost do not hold up placement any more. */
  | { readonly type: 'thaw'; readonly requestId: number }
  /** A node is left on purpose, and expected back. */
  | {
      readonly type: 'maintenance';
      readonly requestId: number;
      readonly node: string;
      /** Absent: until it is ended. */
      readonly forMs?: number;
      readonly off?: boolean;
      readonly force?: boolean;
    }
  /** What a person wants of the upgrade of a pool. */
  | {
      readonly type: 'upgrade';
      readonly requestId: number;
      readonly pool: string;
      readonly action: 'pause' | 'resume' | 'rollback';
    }
  /** Another secret is to seal the cookies of a pool. */
  | { readonly type: 'rotate-secret'; readonly requestId: number; readonly pool: string }
  /** A node got its number and certificate; its record is in the store. */
  | {
      readonly type: 'joined';
      readonly node: NodeId;
      readonly name: string;
      readonly certificateSerial: string;
    }
  | { readonly type: 'registrar'; readonly address: string; readonly port: number }
  | { readonly type: 'traffic'; readonly report: TrafficReport }
  /** How the `persist` with this number ended. */
  | { readonly type: 'persisted'; readonly id: number }
  | { readonly type: 'persist-failed'; readonly id: number; readonly full: boolean; readonly reason: string };

/** Orders to the mobility endpoint; their results come back as `operation-result`. */
export type ManagerOrder = Extract<
  MobilityManagerInput,
  { readonly type: 'add' | 'delete' | 'move' | 'move-session' | 'state-order' }
>;

export type ManagerCoreOutput =
  | { readonly type: 'mobility'; readonly input: ManagerOrder; readonly reason: string }
  /**
   * One batch, all or nothing; answer with `persisted` or `persist-failed`. The core itself waits for the answer
   * where order matters, so the driver may go on with what follows.
   */
  | { readonly type: 'persist'; readonly id: number; readonly writes: readonly ManagerWrite[] }
  | { readonly type: 'event'; readonly event: EventView }
  | { readonly type: 'reply'; readonly requestId: number; readonly reply: ManagerReply }
  /** The views are not what they were; comes at most once an input. */
  | { readonly type: 'changed' };

export type ManagerReply =
  | {
      readonly ok: true;
      readonly applied?: ApplyView;
      readonly to?: string;
      readonly acceptedLoss?: AcceptedLossView;
      readonly sessions?: number;
      readonly state?: StateOrderReply;
    }
  | { readonly ok: false; readonly code: ManagerRefusal; readonly message: string };

export type ManagerRefusal =
  | 'BUSY'
  | 'STORE_FULL'
  | 'STORE_FAILED'
  | 'OTHER_SET'
  | 'ADDRESS_IN_USE'
  | 'TOO_LARGE'
  | 'NOT_SETTLED'
  | 'NOT_FOUND'
  | 'NOT_READY';
