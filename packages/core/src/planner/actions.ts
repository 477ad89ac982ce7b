// SPDX-License-Identifier: Apache-2.0
import type {
  FunctionSpecification,
  SetConfiguration,
  SlotAssignment,
  SlotCandidate,
} from '@vnfpool/wire/mobility';
import type { StateLevel } from '../state-level/level.ts';

/** What has to be written down before anything follows from it. */
export type Decision =
  | {
      readonly type: 'form-council';
      readonly council: string;
      readonly members: readonly string[];
      readonly reason: string;
    }
  /** Told to all nodes, and not in force yet. */
  | {
      readonly type: 'announce-council';
      readonly council: string;
      readonly members: readonly string[];
      readonly reason: string;
    }
  /** What was announced is in force. */
  | { readonly type: 'enforce-council'; readonly council: string; readonly reason: string }
  /** It grants nothing any more. */
  | { readonly type: 'dissolve-council'; readonly council: string; readonly reason: string }
  /** The manager gives it a Function ID. */
  | {
      readonly type: 'place';
      readonly pool: string;
      readonly number: number;
      readonly node: string;
      readonly reason: string;
      /** Where it failed before. */
      readonly failedOn?: readonly string[];
    }
  /** The instance is no longer wanted; what still runs of it becomes a stray. */
  | { readonly type: 'drop'; readonly functionId: number; readonly reason: string }
  /** The manager gives it a slot id and a random id. */
  | {
      readonly type: 'create-slot';
      readonly pool: string;
      readonly index: number;
      readonly candidates: readonly SlotCandidate[];
      readonly reason: string;
    }
  | { readonly type: 'delete-slot'; readonly id: string; readonly reason: string }
  /** The slot, which nobody else may take, belongs to the instance that holds it. */
  | { readonly type: 'give-slot'; readonly id: string; readonly functionId: number; readonly reason: string }
  /** Instances of the pool run something else than what is declared: from now on a record says who is to run what. */
  | { readonly type: 'upgrade-begin'; readonly pool: string; readonly reason: string }
  /** The instance is to run what the upgrade of its pool is heading for. */
  | {
      readonly type: 'upgrade-turn';
      readonly pool: string;
      readonly functionId: number;
      readonly reason: string;
    }
  /** Nothing is left to replace. */
  | { readonly type: 'upgrade-end'; readonly pool: string; readonly reason: string }
  /** The level of state sharing of a pool; null: it has none. */
  | {
      readonly type: 'settle-sharing';
      readonly pool: string;
      readonly level: StateLevel | null;
      readonly reason: string;
    }
  /** The secret that cookies of the pool are sealed with: there is none yet; or the one to come takes its place; or it is of no use any more. */
  | {
      readonly type: 'draw-secret' | 'use-secret' | 'drop-secret';
      readonly pool: string;
      readonly reason: string;
    }
  /** The instance goes to another node, and takes its state and its slot along. */
  | {
      readonly type: 'move';
      readonly functionId: number;
      readonly to: string;
      readonly reason: string;
    };

/** What a node is told. */
export type Command =
  | {
      readonly type: 'configure';
      readonly node: number;
      readonly configuration: SetConfiguration;
      readonly fingerprint: string;
      readonly reason: string;
    }
  | {
      readonly type: 'add';
      readonly node: number;
      readonly functionId: number;
      readonly name: string;
      readonly specification: FunctionSpecification;
      readonly assignment: SlotAssignment;
      readonly fingerprints: {
        readonly version: string;
        readonly specification: string;
        readonly assignment: string;
      };
      readonly reason: string;
    }
  | {
      readonly type: 'assign';
      readonly node: number;
      readonly functionId: number;
      readonly assignment: SlotAssignment;
      readonly fingerprint: string;
      readonly reason: string;
    }
  | { readonly type: 'delete'; readonly node: number; readonly functionId: number; readonly reason: string }
  /** The destination of a move is made ready. */
  | {
      readonly type: 'prepare';
      readonly node: number;
      readonly from: number;
      readonly functionId: number;
      readonly name: string;
      readonly specification: FunctionSpecification;
      readonly assignment: SlotAssignment;
      readonly fingerprints: {
        readonly version: string;
        readonly specification: string;
        readonly assignment: string;
      };
      readonly reason: string;
    }
  /** Its source is told to send. */
  | {
      readonly type: 'transfer';
      readonly node: number;
      readonly to: number;
      readonly functionId: number;
      readonly reason: string;
    }
  /** Carried out as an assignment of the holder. */
  | { readonly type: 'handover'; readonly slot: string; readonly to: number; readonly reason: string };

/** Decisions come alone: commands are planned once they are written down. */
export interface Plan {
  readonly decisions: readonly Decision[];
  readonly commands: readonly Command[];
}
