// SPDX-License-Identifier: Apache-2.0
import type { PeerRegistrar } from '../peers/peer.ts';

/** Our attempt to take over a dead registrar. @see RFC 5353 §3.5 */
export interface Takeover {
  readonly target: PeerRegistrar;
  /** Who has not acknowledged it yet. */
  readonly waiting: Set<PeerRegistrar>;
}
