// SPDX-License-Identifier: Apache-2.0
import type { ForwardDatagram, ForwardedPacket } from '@vnfpool/wire/session-forward';

export interface ForwardPlace {
  readonly address: string;
  readonly port: number;
}

/** One end of a transfer, as it moves with the state of a function that moves as a whole. */
export interface ForwardLinkState {
  readonly transfer: string;
  readonly end: 'home' | 'holder';
  readonly generation: number;
  /** The other end; null: the home has not heard of its holder yet. */
  readonly peer: ForwardPlace | null;
}

export type ForwardOutput =
  | { readonly type: 'datagram'; readonly to: ForwardPlace; readonly datagram: ForwardDatagram }
  /** For the holder: came in at the home. */
  | { readonly type: 'arrived'; readonly transfer: string; readonly packet: ForwardedPacket }
  /** For the home: to be sent in the holder's name. */
  | { readonly type: 'send'; readonly transfer: string; readonly packet: ForwardedPacket }
  /** For either: the other end does not have this session any more. */
  | { readonly type: 'ended'; readonly transfer: string; readonly session: number }
  /**
   * For the home: the holder is not heard, and all of its sessions are the home's again; `held` waited for it.
   * For the holder: the home has taken them back.
   */
  | { readonly type: 'over'; readonly transfer: string; readonly held: readonly ForwardedPacket[] }
  /** For the holder: the home is not heard. It is asked on. */
  | { readonly type: 'silent'; readonly transfer: string };

/** Times in milliseconds. */
export interface ForwardLimits {
  /** From one claim to the next until there is an answer. */
  readonly claimMs: number;
  /** And after that. */
  readonly aliveMs: number;
  /** Without a word for so long the other end is lost. */
  readonly lostMs: number;
  /** For what is on its way after the last session of a transfer has ended at its home. */
  readonly lingerMs: number;
  /** Packets of a transfer that wait for its holder; what comes beyond is dropped. */
  readonly heldMax: number;
  /** Transfers at once, of both ends. */
  readonly linksMax: number;
  /** Transfers that are over and remembered, so that a holder which comes late hears of it. */
  readonly overMax: number;
}

export const DEFAULT_FORWARD_LIMITS: ForwardLimits = {
  claimMs: 200,
  aliveMs: 1_000,
  lostMs: 5_000,
  lingerMs: 1_000,
  heldMax: 4_096,
  linksMax: 256,
  overMax: 256,
};
