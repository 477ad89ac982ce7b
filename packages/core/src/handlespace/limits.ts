// SPDX-License-Identifier: Apache-2.0

/** What a handlespace holds at most; what would go beyond it is refused. */
export interface HandlespaceLimits {
  readonly poolsMax: number;
  /** Weighted draws are exact up to 2 097 152 elements of a pool. */
  readonly elementsPerPoolMax: number;
  /** Of all pools together. */
  readonly elementsMax: number;
  /** Octets; 32 in a scope shared with rsplib. */
  readonly poolHandleBytesMax: number;
}

/** Some 200 MB of elements at the most; a machine with more memory may be given more. */
export const HANDLESPACE_LIMITS: HandlespaceLimits = {
  poolsMax: 131_072,
  elementsPerPoolMax: 262_144,
  elementsMax: 262_144,
  poolHandleBytesMax: 255,
};
