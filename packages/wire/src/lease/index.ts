// SPDX-License-Identifier: Apache-2.0
export * from './datagram.ts';
export * from './messages.ts';
export * from './sender.ts';
