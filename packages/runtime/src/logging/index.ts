// SPDX-License-Identifier: Apache-2.0

export * from './flood-guard.ts';
export * from './logger.ts';
