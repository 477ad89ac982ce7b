// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage, BusinessCard } from '@vnfpool/wire/asap';
import type { PoolElement } from '@vnfpool/wire/parameters';
import type { ResendRule, ReturnedMessage } from './send-buffer.ts';

export interface SessionOptions {
  readonly poolHandle: Uint8Array;
  /**
   * - `unsent` (default): messages that no transport had yet go to the next element; those that one had are returned
   * - `unacknowledged`: all messages that were not acknowledged go to the next element, in order, so that it may get
   *   some that the lost one acted upon
   */
  readonly resend?: ResendRule;
  /**
   * What it means that an element closes the channel without saying that the session is over: a process that was
   * killed does that too. Default `fail-over` where there is a control channel, else `end`.
   */
  readonly peerClose?: 'fail-over' | 'end';
  /** Elements tried in one failover at most; a second visit counts. Default 8. */
  readonly triesMax?: number;
  /** One failover, or opening, at most. Default 30000 ms. */
  readonly failoverTimeoutMs?: number;
  /** One element's time to be connected. Default 5000 ms. */
  readonly connectTimeoutMs?: number;
  /** Pause after all known elements were tried, varied by half. Default 200 ms. */
  readonly pauseMs?: number;
  /** A channel that was up for this long counts as good even if nothing was heard over it. Default 5000 ms. */
  readonly settleMs?: number;
  /** Messages kept for resending or returning, at most. Default 1024. */
  readonly messagesMax?: number;
  /** Octets of them. Default 1 MiB. */
  readonly bytesMax?: number;
  /** A longer cookie is not kept. Default 32768. */
  readonly cookieBytesMax?: number;
  /** Elements of a business card kept at most. Default 32. */
  readonly standInsMax?: number;
  /** Our own, if we are a pool element too. */
  readonly businessCard?: BusinessCard;
}

export type SessionInput =
  | { readonly type: 'open' }
  /** The answer to `resolve`: the one chosen first. At least one. */
  | { readonly type: 'candidates'; readonly request: number; readonly elements: readonly PoolElement[] }
  | { readonly type: 'no-candidates'; readonly request: number; readonly reason: string }
  /** `control`: whether control messages can go over it. */
  | { readonly type: 'connected'; readonly channel: number; readonly control: boolean }
  | {
      readonly type: 'closed';
      readonly channel: number;
      /** `ended`: the element said that the session is over; `closed`: it closed without a word; `failed`: it broke. */
      readonly how: 'ended' | 'closed' | 'failed';
      readonly reason: string;
    }
  /** Numbered from 1 in the order in which they come. `mayMove` false: not to another element. */
  | { readonly type: 'send'; readonly data: Uint8Array; readonly mayMove: boolean }
  | { readonly type: 'acknowledge'; readonly upTo: number }
  | { readonly type: 'control'; readonly channel: number; readonly message: AsapMessage }
  /** Something came over the channel. */
  | { readonly type: 'heard'; readonly channel: number }
  /** The application has no use for this element any more. */
  | { readonly type: 'fail-over'; readonly reason: string; readonly report: boolean }
  | { readonly type: 'close' };

export type SessionOutput =
  /** Ask the pool user; `fresh`: not from its cache. */
  | { readonly type: 'resolve'; readonly request: number; readonly fresh: boolean }
  /** Drop it from the cache; `report`: tell the registrar. */
  | { readonly type: 'unreachable'; readonly elementId: number; readonly report: boolean }
  | { readonly type: 'connect'; readonly channel: number; readonly element: PoolElement }
  /** `ended`: say that the session is over before closing. */
  | { readonly type: 'disconnect'; readonly channel: number; readonly ended: boolean }
  | { readonly type: 'control'; readonly channel: number; readonly message: AsapMessage }
  /** Show that the session is a new one: there is no cookie to come. */
  | { readonly type: 'greet'; readonly channel: number }
  | { readonly type: 'transmit'; readonly channel: number; readonly data: Uint8Array }
  | SessionEvent;

/** What became of a session. Nothing follows `ended` and `failed`. */
export type SessionEvent = { readonly type: 'event' } & (
  | { readonly event: 'opened'; readonly element: PoolElement }
  | { readonly event: 'failing-over'; readonly element: PoolElement; readonly reason: string }
  | {
      readonly event: 'failed-over';
      readonly from: PoolElement;
      readonly to: PoolElement;
      /** Whether it was told the state that the former element had left with us. */
      readonly cookieSent: boolean;
      /** Messages sent to it that the former element had, or should have had. */
      readonly resent: number;
      readonly returned: readonly ReturnedMessage[];
      readonly tookMs: number;
    }
  | { readonly event: 'cookie'; readonly bytes: number; readonly kept: boolean }
  | { readonly event: 'business-card'; readonly elements: readonly PoolElement[] }
  | { readonly event: 'ended'; readonly reason: string; readonly returned: readonly ReturnedMessage[] }
  | { readonly event: 'failed'; readonly reason: string; readonly returned: readonly ReturnedMessage[] }
);
