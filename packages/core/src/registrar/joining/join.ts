// SPDX-License-Identifier: Apache-2.0
import type { RegistrarTransport } from '../messages.ts';
import type { PeerLink } from '../peers/peer.ts';

/** How a registrar gets to know its scope. @see RFC 5353 §3.2 */
export interface Join {
  /** The preferred one first; found by multicast: at most one. */
  mentors: readonly RegistrarTransport[];
  /** Which of them is asked. */
  index: number;
  /** Rounds through all of them that are over. */
  rounds: number;
  /**
   * `discover`: waits for a multicast presence. `connect`, `list`, `table`: of one mentor. `pause`: none would
   * have us, the next round is yet to begin.
   */
  stage: 'discover' | 'connect' | 'list' | 'table' | 'pause';
  /** Counts mentors asked, so that what comes late is told apart. */
  turn: number;
  link: PeerLink | undefined;
  /** Why this mentor is of no use any more; undefined: it still may be. */
  failure: string | undefined;
}
