// SPDX-License-Identifier: Apache-2.0

/* Inputs and outputs of the two endpoints of the service-mobility protocol. */
export type * from './common-types.ts';
export type * from './manager-types.ts';
export type * from './node-types.ts';
