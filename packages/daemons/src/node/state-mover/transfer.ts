// SPDX-License-Identifier: Apache-2.0
import type {
  DestinationOptions,
  SourceOptions,
  TransferEnd,
  TransferOrder,
  TransferReport,
  Verdict,
} from '@vnfpool/core/state-transfer';
import type { Clock, DriverFault } from '@vnfpool/runtime/driver';
import type { Logger } from '@vnfpool/runtime/logging';
import type { SessionForward } from '@vnfpool/wire/function-socket';
import type { StateMessage } from '@vnfpool/wire/state-channel';
import type { MovedState } from '../function-state/index.ts';
import type { Channels } from './channels.ts';
import type { StateAddress, TransferRecords } from './transfer-records.ts';

/** What a destination knows of a transfer before its source has come. */
export type ExpectedTransfer = Omit<TransferOrder, 'mode' | 'functionId'>;

/** What becomes of a transfer. */
export interface TransferListener {
  readonly onEnded: (end: TransferEnd) => void;
  /** The outcome is not known here: the manager is to be asked, and answers by `verdict`. */
  readonly onInquire: () => void;
}

export interface SendOptions extends TransferListener, Omit<SourceOptions, 'order' | 'rules'> {
  /** Where the destination's state channel is. */
  readonly to: StateAddress;
  readonly state: MovedState;
  /** Its state is owned elsewhere: the function ends, or forgets the selected sessions and forwards their packets. */
  readonly finish: (mode: 'move' | 'sessions', forward: SessionForward | null) => Promise<void>;
}

export interface ReceiveOptions extends TransferListener, Omit<DestinationOptions, 'order' | 'rules'> {
  readonly state: MovedState;
  /** It is to take sessions, beside those that it has; else everything. */
  readonly ofSessions?: boolean;
  /** After a restart of the agent: the function that took the state is still there. */
  readonly functionLives?: boolean;
  /** The function owns the sessions from now on; may be asked again after a restart. A rejection ends the transfer. */
  readonly activate: () => Promise<void>;
}

/** A transfer that goes on, or has ended and is remembered. */
export interface Transfer {
  /** Tells it apart from others, and does not tell its token. */
  readonly name: string;
  report(): TransferReport;
  cancel(): void;
  verdict(verdict: Verdict): void;
}

/** At the destination. */
export interface Receiving extends Transfer {
  open(connection: number, peer: number | null, message: StateMessage): boolean;
  gone(): void;
  /** Once it can be found by its name. */
  start(): void;
  stop(): void;
}

/** At the source. */
export interface Sending extends Transfer {
  /** Once it can be found by its name. */
  start(): void;
  stop(): void;
}

/** What the transfers of a node share. */
export interface TransferParts {
  readonly channels: Channels;
  readonly records: TransferRecords;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onFault: (fault: DriverFault) => void;
}

/** Does what a transfer does not depend on; a failure is told. */
export async function orTold(logger: Logger, what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    logger.warn({ reason: (error as Error).message }, what);
  }
}
