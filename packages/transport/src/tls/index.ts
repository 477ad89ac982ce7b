// SPDX-License-Identifier: Apache-2.0
export * from './certificate-identity.ts';
export * from './tls-transport.ts';
