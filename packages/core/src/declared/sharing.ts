// SPDX-License-Identifier: Apache-2.0
import type {
  Granularity,
  LossBound,
  OfferedLevel,
  OverloadRule,
  RecoveryClass,
  SecurityState,
  SharingMethod,
  StateAccess,
  StateFormat,
} from '@vnfpool/wire/mobility';

/** What a pool asks of the way in which the state of its instances is shared: all of it has to be met. */
export interface DeclaredSharing {
  /** Each once, what is preferred first. */
  readonly methods: readonly [SharingMethod, ...SharingMethod[]];
  /** Most that a failover may lose; 0: nothing that was acknowledged outside. */
  readonly loss?: 0 | LossBound;
  /** No mapping of a translated flow may be lost, whatever else is. */
  readonly mappingLoss?: 0;
  /** Standbys that acknowledge, at least. */
  readonly acknowledged?: number;
  /** This class or a faster one. */
  readonly recovery?: RecoveryClass;
  readonly granularity?: Granularity;
  readonly encoding?: StateFormat['encoding'];
  readonly schema?: { readonly id: string; readonly version: number };
  /** Updates that are carried, at least. */
  readonly updatesPerSecond?: number;
  /** Octets under way, at most. */
  readonly windowOctets?: number;
  readonly overload?: OverloadRule;
  readonly integrity?: true;
  readonly encryption?: true;
  /** Absent: keys and secrets stay where they are. */
  readonly securityState?: Exclude<SecurityState, 'excluded'>;
  /** Of `checkpoint` and `shared`: the store, by its name. */
  readonly store?: string;
  /** Where that is. */
  readonly storeAddress?: string;
  /** Of `checkpoint`: full checkpoints that the store keeps; absent: as many as it takes. */
  readonly keepFull?: number;
  /** Of `cookie`: older ones are refused; absent: a day. */
  readonly cookieAgeMs?: number;
  /** After so long without the state somebody may begin without it; absent: never. */
  readonly lastResortMs?: number;
}

/** How the state of a function is taken and given, and what of it can be shared. */
export interface DeclaredState extends StateAccess {
  /** In place of the levels that follow from the rest; at least one, what it likes best first. Nodes are not told. */
  readonly offers?: readonly OfferedLevel[];
}
