// SPDX-License-Identifier: Apache-2.0
import type { SessionOptions as CoreOptions, SessionEvent } from '@vnfpool/core/session';
import type { CallOptions } from './client-options.ts';

export type { ReturnedMessage, SessionEvent } from '@vnfpool/core/session';

/** How a session behaves; see the core for its bounds. */
export interface SessionOptions extends Omit<CoreOptions, 'poolHandle'>, CallOptions {
  /** Opened, failing over, failed over, ended, failed; and each cookie and business card. */
  readonly onEvent?: (event: SessionEvent) => void;
  /**
   * How long registrars may take before the cache is used although it is stale: they may be lost together with
   * the element. Default 3000 ms.
   */
  readonly resolveTimeoutMs?: number;
  /** Octets that wait to be read, from which on the element is held back. Default 1 MiB. */
  readonly receiveBytesMax?: number;
  /** Octets of one message at most, where messages have boundaries. Default 256 KiB. */
  readonly messageBytesMax?: number;
  /**
   * Over TCP and TLS with control: silence after which the element is asked; three times that, and it is lost. Default 2000 ms. Who reads slowly says by it that it is
   * there, so it is to be shorter than three times what the element has.
   */
  readonly heartbeatMs?: number;
}

export interface SendOptions {
  /** False: this message is for the element in use, and returned in the event when it cannot have it. Default true. */
  readonly failover?: boolean;
  readonly signal?: AbortSignal;
}
