// SPDX-License-Identifier: Apache-2.0
import type { DestinationRecord, SourceRecord, TransferReport, Verdict } from '@vnfpool/core/state-transfer';
import type { StateMessage } from '@vnfpool/wire/state-channel';

/** What a machine's disk keeps of a transfer, by its token. */
export type TransferRecord =
  | ({ readonly end: 'source'; readonly toHost: number } & SourceRecord)
  | ({ readonly end: 'destination' } & DestinationRecord);

/** One end of a transfer that goes on. */
export interface SimTransfer {
  readonly report: () => TransferReport;
  readonly cancel: () => void;
  readonly verdict: (verdict: Verdict) => void;
  /** At a destination: its function has ended. */
  readonly gone?: () => void;
  readonly stop: () => void;
}

/** A destination that may be spoken to. */
export interface SimReceiving extends SimTransfer {
  /** False: the message is not of this transfer. */
  readonly open: (connection: number, peer: number | null, message: StateMessage) => boolean;
}

export function tokenKey(token: Uint8Array): string {
  return Array.from(token, (octet) => octet.toString(16).padStart(2, '0')).join('');
}
