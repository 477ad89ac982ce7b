// SPDX-License-Identifier: Apache-2.0

/** What all registrars, elements and users of one operational scope must agree on. */
export interface ScopeProfile {
  /** Unit of the registration life on the wire. @see RFC 5354 §3.10 */
  readonly lifeUnit: 'seconds' | 'milliseconds';
  /** Whose takeover goes on when two registrars start one for the same target. @see RFC 5353 §3.5 */
  readonly arbitration: 'highest' | 'lowest';
  /** `wrap32`: the running sum wraps at 2^32, as in rsplib; differs from about 50,000 elements of one owner on. */
  readonly checksum: 'exact' | 'wrap32';
  /** Octets of a pool handle at most. */
  readonly poolHandleBytesMax: number;
  /** The life sent for "for ever"; −1 by RFC 5354. */
  readonly infiniteLife: number;
  /** User transports that every member of the scope understands. */
  readonly userTransports: ReadonlyArray<'sctp' | 'tcp' | 'udp' | 'udp-lite' | 'dccp' | 'opaque'>;
  /** Group and port of ASAP_SERVER_ANNOUNCE. */
  readonly asapAnnounce: { readonly group: string; readonly port: number };
  /** Group and port of ENRP_PRESENCE; null: presences go point to point only. */
  readonly enrpAnnounce: { readonly group: string; readonly port: number } | null;
  readonly announceTtl: number;
  /** Timers of registrars, in milliseconds. */
  readonly registrar: {
    readonly peerHeartbeatCycleMs: number;
    readonly maxTimeLastHeardMs: number;
    readonly maxTimeNoResponseMs: number;
    readonly mentorDiscoveryTimeoutMs: number;
    readonly takeoverExpiryMs: number;
    readonly serverAnnounceCycleMs: number;
    readonly keepAlivePeriodMs: number;
    readonly keepAliveTimeoutMs: number;
    readonly badReportsMax: number;
  };
  /** Timers of pool elements and pool users, in milliseconds. */
  readonly endpoint: {
    readonly requestTimeoutMs: number;
    readonly registrationTimeoutMs: number;
    readonly deregistrationTimeoutMs: number;
    readonly serverHuntTimeoutMs: number;
    readonly serverOutdateMs: number;
    readonly retransmitsMax: number;
    readonly attemptsMax: number;
  };
}

export type ProfileName = 'rfc' | 'rsplib';

/**
 * `rfc`: RFC 5352–5354 to the letter. `rsplib`: what a scope shared with the C reference implementation needs; its
 * peers take a registrar for dead after 5 s of silence, so the timers of the RFC would have it taken over at once.
 */
export const PROFILES: { readonly [P in ProfileName]: ScopeProfile } = {
  rfc: {
    lifeUnit: 'seconds',
    arbitration: 'highest',
    checksum: 'exact',
    poolHandleBytesMax: 255,
    infiniteLife: -1,
    userTransports: ['sctp', 'tcp', 'udp', 'udp-lite', 'dccp', 'opaque'],
    asapAnnounce: { group: '224.0.1.185', port: 3863 },
    enrpAnnounce: null,
    announceTtl: 30,
    registrar: {
      peerHeartbeatCycleMs: 30_000,
      maxTimeLastHeardMs: 61_000,
      maxTimeNoResponseMs: 5_000,
      mentorDiscoveryTimeoutMs: 5_000,
      takeoverExpiryMs: 5_000,
      serverAnnounceCycleMs: 1_000,
      keepAlivePeriodMs: 5_000,
      keepAliveTimeoutMs: 5_000,
      badReportsMax: 3,
    },
    endpoint: {
      requestTimeoutMs: 15_000,
      registrationTimeoutMs: 30_000,
      deregistrationTimeoutMs: 30_000,
      serverHuntTimeoutMs: 10_000,
      serverOutdateMs: 5_000,
      retransmitsMax: 2,
      attemptsMax: 2,
    },
  },
  rsplib: {
    lifeUnit: 'milliseconds',
    arbitration: 'lowest',
    checksum: 'wrap32',
    poolHandleBytesMax: 32,
    infiniteLife: 0x7fffffff,
    userTransports: ['sctp', 'tcp', 'udp'],
    asapAnnounce: { group: '239.0.0.50', port: 3863 },
    enrpAnnounce: { group: '239.0.0.51', port: 9901 },
    announceTtl: 30,
    registrar: {
      peerHeartbeatCycleMs: 2_444,
      maxTimeLastHeardMs: 5_000,
      maxTimeNoResponseMs: 5_000,
      mentorDiscoveryTimeoutMs: 5_000,
      takeoverExpiryMs: 5_000,
      serverAnnounceCycleMs: 1_000,
      keepAlivePeriodMs: 5_000,
      keepAliveTimeoutMs: 5_000,
      badReportsMax: 2,
    },
    endpoint: {
      requestTimeoutMs: 3_000,
      registrationTimeoutMs: 3_000,
      deregistrationTimeoutMs: 3_000,
      serverHuntTimeoutMs: 7_500,
      serverOutdateMs: 5_000,
      retransmitsMax: 2,
      attemptsMax: 2,
    },
  },
};
