// SPDX-License-Identifier: Apache-2.0

export { type ObjectStoreCase, type ObjectStoreFactory, objectStoreCases } from './object-store.ts';
export * from './shared-state-store.ts';
export * from './store.ts';
export * from './transport.ts';
export * from './transport-framing.ts';
export { complianceRule, type TransportCase, type TransportFactory } from './transport-pair.ts';
