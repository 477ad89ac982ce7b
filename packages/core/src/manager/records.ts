// SPDX-License-Identifier: Apache-2.0
import type {
  LeaseEndpoint,
  Role,
  SlotCandidate,
  SlotDefinition,
  StoredMethod,
} from '@vnfpool/wire/mobility';
import type { DeclaredSet } from '../declared/set.ts';
import type { TokenRole } from '../management/requests.ts';
import type { EventView, FailoverView } from '../management/views.ts';
import type { ObservedCouncil } from '../planner/observed.ts';
import type { PoolSecretsRecord } from '../planner/secrets-record.ts';
import type { SharingRecord } from '../planner/sharing-record.ts';
import type { UpgradeRecord } from '../planner/upgrade-record.ts';

/** What a manager keeps in its store: the type of the rows of each table. */
export interface ManagerTables {
  /** Last number given: `term`, `node`, `function`, `slot`, `event`. */
  readonly counters: number;
  /** By name of the set; one. */
  readonly sets: SetRecord;
  /** By name of the node. */
  readonly nodes: NodeRecord;
  /** By Function ID. */
  readonly instances: InstanceRecord;
  /** By Function ID: what its node has accepted. */
  readonly told: ToldRecord;
  /** By Function ID: instances on their way to another node. */
  readonly moves: MoveRecord;
  /** By name of the pool: those on their way to another version. */
  readonly upgrades: UpgradeRecord;
  /** By name of the pool: the level of state sharing that was settled. */
  readonly sharing: SharingRecord;
  /** By name of the pool: what its cookies are sealed with. */
  readonly secrets: PoolSecretsRecord;
  /** By slot id. */
  readonly slots: SlotRecord;
  /** By slot id: where its state lies, or was left when the slot went. */
  readonly stored: StoredRecord;
  /** By slot id: what nodes reported. */
  readonly holdings: HoldingRecord;
  /** By Node ID of a plain node: the numbers of messages that it may have seen. */
  readonly numbers: NumbersRecord;
  /** By id of the token. */
  readonly tokens: TokenRecord;
  /** One row: where nodes register their functions. Kept so that a restart tells nodes nothing new. */
  readonly registrars: { readonly address: string; readonly port: number };
  /** By padded wall-clock time and id; the newest 1,000. */
  readonly failovers: FailoverView;
  /** By padded number; the newest 1,000. */
  readonly events: EventView;
}

/** Rows that the store keeps of tables that would otherwise grow for ever. */
export const ROWS_MAX: { readonly failovers: number; readonly events: number } = {
  failovers: 1_000,
  events: 1_000,
};

export interface SetRecord {
  readonly declared: DeclaredSet;
  readonly text: string;
  readonly file: string;
  readonly generation: number;
  readonly appliedAtMs: number;
  /** Addresses given up that some node may still take for a slot's. */
  readonly leftAddresses?: readonly string[];
  /** Those that were formed; the declared ones are, with the first plan. */
  readonly councils: readonly CouncilRecord[];
  /** How many ever were: no number is given twice. */
  readonly councilsFormed: number;
}

export interface CouncilRecord extends ObservedCouncil {
  /** What an operator took upon himself. */
  readonly forced?: ForcedDecision;
}

export interface ForcedDecision {
  /** By the wall clock. */
  readonly atMs: number;
  /** Version of the council that had lost its majority, as people read it. */
  readonly over: string;
  /** Of its members those that were said to be dead. */
  readonly dead: readonly string[];
}

export interface NodeRecord {
  readonly id: number;
  readonly name: string;
  /** Serial of the certificate that it got on joining; null when it came another way. */
  readonly certificateSerial: string | null;
  readonly endpoint: LeaseEndpoint | null;
  /** NTP timestamp, decimal: another one means that its functions are gone. */
  readonly bootTime: string;
  /** Fingerprint of the configuration that it has accepted. */
  readonly configuration: string | null;
  /** Since when, by the wall clock, it is to be left; absent: it is not. */
  readonly drainedSinceMs?: number;
  /** Absent: it is not in maintenance. */
  readonly maintenance?: MaintenanceRecord;
}

/** By the wall clock. */
export interface MaintenanceRecord {
  readonly sinceMs: number;
  /** Null: until it is ended by command. */
  readonly untilMs: number | null;
}

export interface MoveRecord {
  readonly functionId: number;
  /** Names of nodes. */
  readonly from: string;
  readonly to: string;
  /** Shown by the source to the destination, once; 32 hexadecimal digits. */
  readonly token: string;
  /** By the wall clock. */
  readonly startedMs: number;
  readonly reason: string;
}

export interface InstanceRecord {
  readonly functionId: number;
  readonly pool: string;
  readonly number: number;
  readonly node: string;
  /** Nodes where it was not ready for too long, by the wall clock; forgotten after an hour. */
  readonly failedOn?: readonly { readonly node: string; readonly atMs: number }[];
}

export interface ToldRecord {
  /** Fingerprints. */
  readonly specification: string | null;
  /** Name of the version that it runs; absent: told by an earlier release. */
  readonly version?: string;
  readonly assignment: string | null;
  readonly role: Role | null;
}

export interface SlotRecord {
  readonly id: string;
  readonly pool: string;
  readonly index: number;
  readonly genesis: SlotDefinition['genesis'];
  /** Function ID of whom it was given to; absent: the first of those that it was born with. */
  readonly home?: number;
}

/** Stores outside of the set that a slot's state may lie in. */
export interface StoredRecord {
  readonly slot: string;
  readonly pool: string;
  readonly index: number;
  /** Newest last; at least one. */
  readonly places: readonly StoredPlace[];
  /** By the wall clock: since when there is no such slot. Absent: there is. */
  readonly leftMs?: number;
}

export interface StoredPlace {
  readonly method: StoredMethod;
  /** Its name in the declaration, and its address. */
  readonly store: string;
  readonly address: string;
}

export interface HoldingRecord {
  /** Highest seen. */
  readonly epoch: number;
  readonly holder: SlotCandidate | null;
  readonly sinceMs: number | null;
  /** Who held it before, or last where nobody does, and in which epoch that was seen last; absent: nobody, or it is not known. */
  readonly former?: FormerHolding;
  /** Function ID of whom an operator took it from, in a pool whose slots are shared; absent: nobody put it where it is. */
  readonly handedFrom?: number;
}

export interface FormerHolding {
  readonly epoch: number;
  readonly holder: SlotCandidate;
}

export interface NumbersRecord {
  /** NTP timestamp, decimal: of the registration that they belong to. */
  readonly bootTime: string;
  readonly upTo: number;
}

/** A join token; the secret itself is never kept. */
export interface TokenRecord {
  readonly hash: string;
  readonly role: TokenRole;
  readonly name: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly usedAt: number | null;
  /** Who used it: a repeat by the same joiner, whose answer was lost, is answered alike. */
  readonly usedBy: {
    readonly name: string;
    readonly keyFingerprint: string;
    readonly nodeId?: number;
  } | null;
}

/** Everything that survived. */
export interface RestoredState {
  readonly counters: { readonly function: number; readonly slot: number; readonly event: number };
  readonly set: SetRecord | null;
  readonly nodes: readonly NodeRecord[];
  readonly instances: readonly InstanceRecord[];
  readonly told: readonly (readonly [functionId: number, told: ToldRecord])[];
  readonly moves: readonly MoveRecord[];
  readonly upgrades: readonly UpgradeRecord[];
  readonly sharing: readonly SharingRecord[];
  readonly secrets: readonly PoolSecretsRecord[];
  readonly slots: readonly SlotRecord[];
  readonly stored: readonly StoredRecord[];
  readonly holdings: readonly (readonly [slot: string, holding: HoldingRecord])[];
  readonly registrars: readonly { readonly address: string; readonly port: number }[];
  readonly failovers: readonly FailoverView[];
  readonly events: readonly EventView[];
}

export const NOTHING_RESTORED: RestoredState = {
  counters: { function: 0, slot: 0, event: 0 },
  set: null,
  nodes: [],
  instances: [],
  told: [],
  moves: [],
  upgrades: [],
  sharing: [],
  secrets: [],
  slots: [],
  stored: [],
  holdings: [],
  registrars: [],
  failovers: [],
  events: [],
};

type Rows<Value> = readonly { readonly key: string; readonly value: Value }[];

/** Puts the rows of a store together. `rows` lists a table. */
export async function restoreState(
  rows: <Table extends keyof ManagerTables>(table: Table) => Promise<Rows<ManagerTables[Table]>>,
): Promise<RestoredState> {
  const counters = new Map((await rows('counters')).map(({ key, value }) => [key, value]));
  return {
    counters: {
      function: counters.get('function') ?? 0,
      slot: counters.get('slot') ?? 0,
      event: counters.get('event') ?? 0,
    },
    set: (await rows('sets'))[0]?.value ?? null,
    nodes: (await rows('nodes')).map(({ value }) => value),
    instances: (await rows('instances')).map(({ value }) => value),
    told: (await rows('told')).map(({ key, value }) => [Number(key), value] as const),
    moves: (await rows('moves')).map(({ value }) => value),
    upgrades: (await rows('upgrades')).map(({ value }) => value),
    sharing: (await rows('sharing')).map(({ value }) => value),
    secrets: (await rows('secrets')).map(({ value }) => value),
    slots: (await rows('slots')).map(({ value }) => value),
    stored: (await rows('stored')).map(({ value }) => value),
    holdings: (await rows('holdings')).map(({ key, value }) => [key, value] as const),
    registrars: (await rows('registrars')).map(({ value }) => value),
    failovers: (await rows('failovers')).map(({ value }) => value),
    events: (await rows('events')).map(({ value }) => value),
  };
}

/** One row to put, or with null to remove. Fits the store's own type. */
export type ManagerWrite = {
  readonly [Table in keyof ManagerTables]: {
    readonly table: Table;
    readonly key: string;
    readonly value: ManagerTables[Table] | null;
  };
}[keyof ManagerTables];
