// SPDX-License-Identifier: Apache-2.0
export * from './transport.ts';
export * from './store.ts';
