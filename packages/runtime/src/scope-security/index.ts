// SPDX-License-Identifier: Apache-2.0
export type * from './description.ts';
export { ScopeSecurityError } from './errors.ts';
export type { ScopeGuard, ScopeRole, ScopeTransportOptions } from './scope-guard.ts';
