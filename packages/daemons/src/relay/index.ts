// SPDX-License-Identifier: Apache-2.0
export {
  DEFAULT_RELAY_HELD_MAX,
  DEFAULT_RELAY_IDLE_MS,
  DEFAULT_RELAY_SESSIONS_MAX,
  type RelayConfig,
  type RelayStatus,
} from './config.ts';
export { type RunningRelay, runRelay } from './run-relay.ts';
export { serveRelay } from './serve-relay.ts';
