// SPDX-License-Identifier: Apache-2.0
export * from './announcement-listener.ts';
export * from './asap-stream.ts';
export * from './asap-tls.ts';
export * from './registrar-links.ts';
