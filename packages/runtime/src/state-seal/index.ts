// SPDX-License-Identifier: Apache-2.0
export * from './seal-error.ts';
export * from './seal-key.ts';
export * from './value-opener.ts';
export * from './value-sealer.ts';
