// SPDX-License-Identifier: Apache-2.0
export type { HuntInput, HuntOptions, HuntOutput } from './messages.ts';
export type { RegistrarAddress, RegistrarTransport } from './registrar-address.ts';
export { RegistrarHunt } from './registrar-hunt.ts';
