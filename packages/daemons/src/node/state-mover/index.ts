// SPDX-License-Identifier: Apache-2.0
export { stateRule } from './channels.ts';
export * from './state-mover.ts';
export type {
  ExpectedTransfer,
  ReceiveOptions,
  SendOptions,
  Transfer,
  TransferListener,
} from './transfer.ts';
