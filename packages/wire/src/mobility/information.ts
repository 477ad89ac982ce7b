// SPDX-License-Identifier: Apache-2.0

/** Values of option 7/50. `Unknown` is a report, never a state: not there, or nothing can be told. */
export type RunningStatus = 'Starting' | 'Running' | 'Terminating' | 'Unknown';

/** Node information, OP-Type 6. Loads count waiting processes; at most six decimals of a fraction travel. */
export interface NodeInformation {
  readonly capacityGhz?: number;
  readonly load?: number;
  readonly loadAverage?: number;
  readonly memoryBytes?: bigint;
  readonly memoryFreeBytes?: bigint;
  readonly storageBytes?: bigint;
  readonly storageFreeBytes?: bigint;
  readonly bandwidthBitsPerSecond?: bigint;
  readonly bandwidthUsedBitsPerSecond?: bigint;
  readonly bandwidthAverageBitsPerSecond?: bigint;
  /** 64-bit NTP timestamp; identifies the incarnation of the node's function table. 0: unknown. */
  readonly bootTime?: bigint;
}

/** Function information, OP-Type 7. */
export interface FunctionInformation {
  /** 1 to 255 octets of UTF-8. */
  readonly name?: string;
  readonly load?: number;
  readonly loadAverage?: number;
  readonly memoryBytes?: bigint;
  readonly memoryFreeBytes?: bigint;
  readonly storageBytes?: bigint;
  readonly storageFreeBytes?: bigint;
  readonly bandwidthUsedBitsPerSecond?: bigint;
  readonly bandwidthAverageBitsPerSecond?: bigint;
  /** 64-bit NTP timestamp; 0: unknown. */
  readonly bootTime?: bigint;
  readonly status?: RunningStatus;
}

/** Which sessions, OP-Type 8. Several in one message mean their union. */
export type SessionInformation =
  | { readonly type: 'sip-uri'; readonly uri: string }
  /** 4 or 16 octets in binary, anything else as text. */
  | { readonly type: 'contact'; readonly contact: Uint8Array }
  /** 0 to 1. */
  | { readonly type: 'ratio'; readonly ratio: number }
  | { readonly type: 'count'; readonly count: bigint }
  /** An empty value under any Sub-OP-Type: all of them. */
  | { readonly type: 'all'; readonly subType: number };

/** An option asked for by GET or KEEP-ALIVE; `subType` 0 asks for all of that OP-Type. */
export interface WantedOption {
  readonly opType: number;
  readonly subType: number;
}
