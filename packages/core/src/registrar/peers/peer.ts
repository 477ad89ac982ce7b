// SPDX-License-Identifier: Apache-2.0
import type { AssociationId, Peer, RegistrarTransport } from '../messages.ts';
import type { Identity } from '../options.ts';
import type { Download } from '../tables/download.ts';
import type { TableSession } from '../tables/session.ts';
import type { Takeover } from '../takeover/takeover.ts';
import type { TokenBucket } from '../token-bucket.ts';

/** Another registrar of the scope. @see RFC 5353 §3.1 */
export interface PeerRegistrar {
  readonly id: number;
  /** Its ENRP endpoint; undefined: it did not tell yet. */
  transport: RegistrarTransport | undefined;
  /** Other endpoints at which we found it, by `endpointKey`; a few. */
  readonly endpoints: Set<string>;
  /** The name with which it authenticated itself first; undefined: never, or without a name. */
  name: string | undefined;
  /** `inactive`: it is being taken over, by somebody else or by us. */
  state: 'active' | 'suspect' | 'inactive';
  /** Any message counts; undefined: only heard of. */
  lastHeardMs: number | undefined;
  /** When it came into the list. */
  readonly foundMs: number;
  /** Associations on which it made itself known, the oldest first. */
  readonly links: Set<PeerLink>;
  /** The one that we send over. */
  via: PeerLink | undefined;
  /** An attempt to connect to it is under way. */
  connecting: boolean;
  /** Why the last attempt failed; undefined: it was heard since. */
  unreachable: string | undefined;
  /** Before the next attempt but one. */
  reconnectMs: number;
  /** In its last presence. */
  checksumTold: number | undefined;
  /** Presences in a row with a checksum that is not what we compute. */
  mismatches: number;
  /** Its table is being fetched, to settle a mismatch or to join. */
  download: Download | undefined;
  /** No resynchronisation before this: its session for the last one may still be open, or it did not help. */
  noDownloadBeforeMs: number;
  /** Resynchronisations since the checksums last agreed. */
  resyncs: number;
  /** Our own takeover of it. */
  takeover: Takeover | undefined;
}

/** An ENRP association. */
export interface PeerLink {
  readonly id: AssociationId;
  readonly identity: Identity | null;
  readonly peer: Peer;
  /** Whom we meant to reach with it; undefined: it was accepted, or led to a mentor or a hint. */
  readonly wanted: PeerRegistrar | undefined;
  readonly openedMs: number;
  /** Where we connected to; undefined: it was accepted. */
  readonly towards: RegistrarTransport | undefined;
  /** Who has made itself known on it: the sender identifier of its first message. */
  registrarId: number | undefined;
  /** The identifier is in use at another endpoint: only the peer list is told over this one. */
  isDoubtful: boolean;
  lastHeardMs: number;
  /** When we last asked for a presence; undefined: it was answered. */
  askedMs: number | undefined;
  /** Round-trip time; undefined: not measured. */
  rttMs: number | undefined;
  /** Whether the transport measures it. */
  rttIsTransports: boolean;
  readonly tableRequests: TokenBucket;
  /** The peer is fetching a table of ours. */
  session: TableSession | undefined;
  malformed: number;
}
