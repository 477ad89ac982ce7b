// SPDX-License-Identifier: Apache-2.0

import type { Join } from './joining/join.ts';
import type { Attempt } from './peers/attempt.ts';
import type { PeerLink, PeerRegistrar } from './peers/peer.ts';
import type { ScopeState } from './peers/scope-state.ts';
import type { OwnedElement, RemoteElement } from './state.ts';
import type { PoolSubscribers } from './subscriptions/subscribers.ts';
import type { Download } from './tables/download.ts';
import type { Takeover } from './takeover/takeover.ts';

/** Every timer of a registrar, and what it belongs to. */
export interface TimerOwners {
  /** The registration of an element of ours runs out. */
  life: OwnedElement;
  /** Its next periodic keep-alive is due. */
  'keep-alive': OwnedElement;
  /** Its answer to a keep-alive is overdue. */
  'keep-alive-answer': OwnedElement;
  /** A lost association was not replaced in time, or an element without ASAP endpoint did not come after a takeover. */
  grace: OwnedElement;
  /** An element of another registrar was not renewed in time. */
  'remote-life': RemoteElement;
  /** Changes of a pool are told to its subscribers. */
  'pool-update': PoolSubscribers;
  /** The next presence to everybody (PEER-HEARTBEAT-CYCLE). */
  presence: ScopeState;
  /** Registrars are looked for where there were some. */
  rediscovery: ScopeState;
  /** Elements wait to be asked whether they accept us. */
  adoptions: ScopeState;
  /** The next announcement (T6). */
  announce: ScopeState;
  /** A `connect` was not answered by the driver. */
  attempt: Attempt;
  /** An association on which no registrar made itself known. */
  'link-hello': PeerLink;
  /** A peer does not ask for the next part of a handle table. */
  'table-session': PeerLink;
  /** A peer may have been silent for too long (MAX-TIME-LAST-HEARD). */
  'peer-silent': PeerRegistrar;
  /** A peer that was asked does not answer (MAX-TIME-NO-RESPONSE). */
  'peer-answer': PeerRegistrar;
  /** Whoever takes a peer over has not finished (MAX-TIME-NO-RESPONSE). */
  'peer-inactive': PeerRegistrar;
  /** The next attempt to connect to a peer. */
  'peer-connect': PeerRegistrar;
  /** A mismatch is looked at again. */
  'audit-recheck': PeerRegistrar;
  /** The next part of a handle table is overdue. */
  download: Download;
  /** A mentor does not answer, or is to be asked again. */
  join: Join;
  /** Acknowledgements of a takeover are overdue. */
  'takeover-acks': Takeover;
  /** A takeover starts over. */
  'takeover-restart': Takeover;
}

export type RegistrarTimer = keyof TimerOwners;
