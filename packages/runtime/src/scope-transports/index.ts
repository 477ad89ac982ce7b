// SPDX-License-Identifier: Apache-2.0
export {
  type ScopeTransports,
  type ScopeTransportsOptions,
  scopeTransports,
} from './scope-transports.ts';
