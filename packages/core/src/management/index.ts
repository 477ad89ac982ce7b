// SPDX-License-Identifier: Apache-2.0

export type * from './requests.ts';
export type * from './sharing-views.ts';
export type * from './state-views.ts';
export type * from './views.ts';
