// SPDX-License-Identifier: Apache-2.0
export { type ConntrackCanary, canaryEntry, canaryOf } from './canary.ts';
export { Conntrack, type ConntrackFailure, type InsertOptions } from './conntrack.ts';
export type {
  ConntrackCounters,
  ConntrackEntry,
  ConntrackKey,
  ConntrackLayer4,
  ConntrackSctp,
  ConntrackShift,
  ConntrackTcp,
  ConntrackTuple,
} from './entry.ts';
export {
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_DST_NAT,
  IPS_FIXED_TIMEOUT,
  IPS_SEEN_REPLY,
  IPS_SRC_NAT,
} from './entry.ts';
export {
  type ConntrackEvent,
  type ConntrackEventOptions,
  type ConntrackEvents,
  type ConntrackListener,
  type ExpectationEvent,
  mergeEntry,
  subscribeConntrack,
} from './events.ts';
export { type ConntrackExpectation, type ExpectationKey, parseExpectation } from './expectation.ts';
export {
  type ConntrackFilter,
  type ConntrackNetwork,
  isExpectationWanted,
  isWanted,
} from './filter.ts';
export { type ConntrackChanges, ConntrackFollower, type FollowerOptions } from './follower.ts';
export { parseEntry } from './parse.ts';
export { type PlainFilter, plainFilter } from './plain-filter.ts';
export { PLAIN_FLOW_WORDS } from './plain-writer.ts';
export { type ConntrackSetting, readConntrackSetting, writeConntrackSetting } from './settings.ts';
