// SPDX-License-Identifier: Apache-2.0
import { REPLICAS_MAX } from '@vnfpool/wire/gossip';

/**
 * How much a state may hold. A local update that would exceed a bound is refused and changes nothing. What others bring
 * was within the bounds where it was made, but all may have filled theirs at once: up to twice as much is taken. A
 * message with more is refused whole; the state stays behind its sender, which the lag tells.
 */
export interface GossipBounds {
  /** Registers, counters and elements of sets; default 65,536. */
  readonly cellsMax: number;
  /** Octets of keys, elements and values, with 32 for each entry; default 64 MiB. */
  readonly octetsMax: number;
  /** Lives of instances that left something, at most 256, which is the default. Updates of a new one are refused beyond it. */
  readonly replicasMax: number;
  /**
   * Steps kept for peers that do not know them yet, and with them what is left of removed cells; default 65,536. Beyond
   * it the older half of the longest row goes: a peer that lacks one of them is given everything instead.
   */
  readonly stepsMax: number;
}

export const GOSSIP_BOUNDS: GossipBounds = {
  cellsMax: 65_536,
  octetsMax: 67_108_864,
  replicasMax: REPLICAS_MAX,
  stepsMax: 65_536,
};
