// SPDX-License-Identifier: Apache-2.0
export type { SessionForward, SessionSelector, StateKind } from '@vnfpool/wire/function-socket';
export type { Role, SecurityState } from '@vnfpool/wire/mobility';
export type { JsonValue } from './kv-lines.ts';
export { MergeableMap, type MergeableMapOptions } from './mergeable-map.ts';
export type { MovableSessions } from './movable-sessions.ts';
export type { MovableState } from './movable-state.ts';
export { SessionGate } from './session-gate.ts';
export { chosenCount, type SessionNames, selectSessions } from './session-selection.ts';
export type { OctetChange, ShareEvents, ShareLink } from './share-link.ts';
export { SharedMap, type SharedMapOptions, type SharedSetOptions } from './shared-map.ts';
export type { SharedState } from './shared-state.ts';
export { jsonValues, type SharedValues } from './shared-values.ts';
export { StatefulFunction, type StatefulFunctionOptions } from './stateful-function.ts';
export { TrackedMap, type TrackedMapOptions } from './tracked-map.ts';
export { SessionMovedError, TrackedSessions, type TrackedSessionsOptions } from './tracked-sessions.ts';
