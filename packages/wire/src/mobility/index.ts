// SPDX-License-Identifier: Apache-2.0

export * from './decode-error.ts';
export type * from './documents.ts';
export * from './extensions.ts';
export type * from './information.ts';
export * from './message.ts';
