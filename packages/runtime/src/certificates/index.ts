// SPDX-License-Identifier: Apache-2.0
export * from './credentials.ts';
export * from './identity.ts';
export * from './request.ts';
