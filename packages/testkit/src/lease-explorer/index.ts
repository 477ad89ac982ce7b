// SPDX-License-Identifier: Apache-2.0
export { explore } from './explore.ts';
export * from './options.ts';
export { PROFILES, type Profile } from './profiles.ts';
