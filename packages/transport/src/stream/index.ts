// SPDX-License-Identifier: Apache-2.0
export * from './stream-transport.ts';
export * from './transport-error.ts';
