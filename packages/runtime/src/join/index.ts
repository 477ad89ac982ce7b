// SPDX-License-Identifier: Apache-2.0
// The side of the joiner and the words both sides share; `join-server` is the manager's and loads the authority.
export type { JoinAnswer, JoinRequest, RegistrarAnnouncement } from './documents.ts';
export * from './join-client.ts';
export * from './membership.ts';
export * from './token.ts';
export * from './token-ledger.ts';
