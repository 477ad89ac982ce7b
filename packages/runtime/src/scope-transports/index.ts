// SPDX-License-Identifier: Apache-2.0
export {
  type ScopeTransports,
  type ScopeTransportsOptions,
  scopeTransports,
  withoutMissing,
} from './scope-transports.ts';
