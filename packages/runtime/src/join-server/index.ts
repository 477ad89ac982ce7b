// SPDX-License-Identifier: Apache-2.0
export * from './join-server.ts';
export * from './rate-limit.ts';
