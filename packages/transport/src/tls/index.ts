// SPDX-License-Identifier: Apache-2.0
export * from './certificate-identity.ts';
export { canonicalAddress, type ServerNames, serverIdentityFault } from './server-identity.ts';
export { isSharedKeyIdentity, type SharedKeys } from './shared-keys.ts';
export type { TlsCredentials, TlsMaterial } from './tls-context.ts';
export * from './tls-transport.ts';
