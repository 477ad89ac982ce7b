// SPDX-License-Identifier: Apache-2.0
export * from './status-server.ts';
