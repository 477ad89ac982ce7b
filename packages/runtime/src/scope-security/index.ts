// SPDX-License-Identifier: Apache-2.0
export type * from './description.ts';
export { ScopeSecurityError } from './errors.ts';
export { listenOnly } from './listen-only.ts';
export { loadScopeSecurity } from './load-scope-security.ts';
export type { ScopeGuard, ScopeRole, ScopeTransportOptions } from './scope-guard.ts';
export { scopeGuard } from './scope-guards.ts';
