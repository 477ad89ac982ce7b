// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { HANDLESPACE_LIMITS, type HandlespaceLimits } from '../handlespace/limits.ts';
import { POLICIES, type PolicyTable } from '../handlespace/policies/table.ts';
import { PROFILES, type ScopeProfile } from '../scope/profiles.ts';
import type { RateLimit } from './token-bucket.ts';

/** Who is at the other end of an association, as its certificate or token says. */
export interface Identity {
  readonly role: 'node' | 'element' | 'user' | 'manager' | 'registrar';
  readonly name: string;
  /** Whether it may register at all; by default nodes and elements may. */
  readonly mayRegister?: boolean;
}

/** Whether this identity may register this element in this pool, with these addresses. */
export type Authorize = (identity: Identity, poolHandle: Uint8Array, element: PoolElement) => boolean;

export interface RegistrarOptions {
  /** Own identifier, random, not 0, kept for the life of the process unless another registrar turns out to have it. */
  readonly registrarId: number;
  /** Unit of the registration life on the wire: seconds by RFC 5354, milliseconds among rsplib. Default seconds. */
  readonly lifeUnit?: 'seconds' | 'milliseconds';
  /**
   * Whether an association without identity may register the addresses it comes from. Only for a closed network.
   * Default false.
   */
  readonly openRegistration?: boolean;
  /** Between two keep-alives to one element, ±50 %; 0: no periodic ones. Default 5000 ms. */
  readonly keepAlivePeriodMs?: number;
  /** How long an answer to a keep-alive may take. Default 5000 ms. */
  readonly keepAliveTimeoutMs?: number;
  /** At least this long between two keep-alives to one element, whatever asks for them. Default 500 ms. */
  readonly keepAliveSpacingMs?: number;
  /** How long an element may be without association before it is removed. Default 1000 ms. */
  readonly associationGraceMs?: number;
  /** MAX-BAD-PE-REPORT: an element with more reports than this is removed although it answers. Default 3. */
  readonly badReportsMax?: number;
  /** One reporter's reports on an element count once in this time. Default 10000 ms. */
  readonly badReportSpacingMs?: number;
  /** Elements in an answer when the question does not say. Default 3. */
  readonly itemsDefault?: number;
  /** Elements in an answer at most. Default 128. */
  readonly itemsMax?: number;
  /** Handle resolutions of one association; beyond it the answer is negative. Default 100 a second, burst 200. */
  readonly resolutionRate?: RateLimit;
  /** Unreachable reports of one association; beyond it they are ignored. Default 10 a second, burst 20. */
  readonly reportRate?: RateLimit;
  /** Elements registered over one association at most. Default 1024. */
  readonly elementsPerAssociationMax?: number;
  /**
   * Associations at most, a quarter of them of one identity, or else address. Beyond it the idle ones go, or, if there
   * are none, the new one. Default 4096.
   */
  readonly associationsMax?: number;
  /** Malformed messages after which an association is closed. Default 16. */
  readonly malformedMax?: number;
  readonly limits?: HandlespaceLimits;
  /** The life that is sent for "for ever". Default −1. */
  readonly infiniteLife?: number;
  /** How the element checksum is summed; all registrars of a scope agree. Default exact. */
  readonly checksum?: ScopeProfile['checksum'];
  /** What one can select by; `policyTable()` adds policies from outside. Default those of RFC 5356 and of rsplib. */
  readonly policies?: PolicyTable;
  /** MaxIncrement: elements of an answer that count as used; 0: what the policy says. Default 0. */
  readonly maxIncrement?: number;
  /** Registrations of one association; beyond it they are rejected. Default 100 a second, burst 2000. */
  readonly registrationRate?: RateLimit;
  /** Pools whose updates one association may subscribe to. Default 64. */
  readonly subscriptionsPerAssociationMax?: number;
  /** Subscriptions in all. Default 16384. */
  readonly subscriptionsMax?: number;
  /** Changes of a pool within this time make one update to its subscribers. Default 50 ms. */
  readonly updateDelayMs?: number;
  /** Distances are rounded to a multiple of this. Default 50 ms. @see draft-dreibholz-rserpool-delay */
  readonly distanceStepMs?: number;
  /** T6-Serverannounce: all registrars together announce once in this time. Default 1000 ms. */
  readonly serverAnnounceCycleMs?: number;
  /** Other registrars whose announcements are counted. Default 256. */
  readonly announcersMax?: number;

  /**
   * Whether a registrar without identity may be a peer. Only for a closed network. Default false.
   * @see RFC 5355 §2.5
   */
  readonly openPeering?: boolean;
  /** PEER-HEARTBEAT-CYCLE, ±12.5 %. Default 30000 ms. */
  readonly peerHeartbeatCycleMs?: number;
  /** MAX-TIME-LAST-HEARD: a peer silent for longer is asked. Default 61000 ms. */
  readonly maxTimeLastHeardMs?: number;
  /** MAX-TIME-NO-RESPONSE: so long it may take to answer. Default 5000 ms. */
  readonly maxTimeNoResponseMs?: number;
  /** So long a mentor may take to accept our association. Default 5000 ms. */
  readonly mentorDiscoveryTimeoutMs?: number;
  /** Before a mentor that refused is asked again. Default 3000 ms. */
  readonly mentorRetryMs?: number;
  /** Rounds through all mentors before we begin alone. Default 3. */
  readonly mentorRoundsMax?: number;
  /** How long the acknowledgements of a takeover may take. Default 5000 ms. */
  readonly takeoverExpiryMs?: number;
  /** Before a takeover without enough acknowledgements starts over, at random up to this. Default 2000 ms. */
  readonly takeoverRestartMs?: number;
  /** Whose takeover goes on when two start one for the same target; all registrars agree. Default highest. */
  readonly arbitration?: ScopeProfile['arbitration'];
  /** Elements that are asked at once whether they accept us as their home. Default 32. */
  readonly adoptionsAtOnceMax?: number;
  /** MaxElementsPerHTRequest: elements in one part of a handle table. Default 128. */
  readonly tableElementsMax?: number;
  /** Octets of one part of a handle table, unless its first element alone is longer. Default 1400. */
  readonly tableBytesMax?: number;
  /** How long a handle table session waits for the next request. Default 5000 ms. */
  readonly tableSessionMs?: number;
  /** Handle table sessions at once; beyond it a request is refused. Default 16. */
  readonly tableSessionsMax?: number;
  /** Handle tables that one peer begins to fetch; beyond it they are refused. Default 5 a second, burst 20. */
  readonly tableRequestRate?: RateLimit;
  /** Mismatches of a peer's checksum in a row that start a resynchronisation. Default 2. */
  readonly auditMismatches?: number;
  /** Registrars in the peer list; beyond it a new one is not taken. Default 64. */
  readonly peersMax?: number;
  /** ENRP associations; beyond it a new one is closed. Default 256. */
  readonly peerAssociationsMax?: number;
  /** First pause before a peer is connected to again; it doubles. Default 500 ms. */
  readonly reconnectMinMs?: number;
  /** Longest such pause. Default 30000 ms. */
  readonly reconnectMaxMs?: number;
  /** Whether presences also go to the ENRP announcement group. Default false. */
  readonly multicastPresence?: boolean;
  /**
   * Whether an element is suggested to the peer whose identifier suits it best. Default false.
   * @see draft-dreibholz-rserpool-enrp-takeover
   */
  readonly suggestTakeover?: boolean;
  /** Whether we follow such suggestions of others. Default true. */
  readonly followSuggestions?: boolean;
}

/** The options that a scope's profile decides. */
export function profileOptions(profile: ScopeProfile): Omit<RegistrarOptions, 'registrarId'> {
  const { lifeUnit, infiniteLife, checksum, arbitration, poolHandleBytesMax, enrpAnnounce, registrar } =
    profile;
  return {
    ...registrar,
    lifeUnit,
    infiniteLife,
    checksum,
    arbitration,
    limits: { ...HANDLESPACE_LIMITS, poolHandleBytesMax },
    multicastPresence: enrpAnnounce !== null,
  };
}

export const REGISTRAR_DEFAULTS: Required<Omit<RegistrarOptions, 'registrarId'>> = {
  ...PROFILES.rfc.registrar,
  lifeUnit: 'seconds',
  openRegistration: false,
  keepAliveSpacingMs: 500,
  associationGraceMs: 1000,
  badReportSpacingMs: 10_000,
  itemsDefault: 3,
  itemsMax: 128,
  resolutionRate: { perSecond: 100, burst: 200 },
  reportRate: { perSecond: 10, burst: 20 },
  elementsPerAssociationMax: 1024,
  associationsMax: 4096,
  malformedMax: 16,
  limits: HANDLESPACE_LIMITS,
  infiniteLife: -1,
  checksum: 'exact',
  policies: POLICIES,
  maxIncrement: 0,
  registrationRate: { perSecond: 100, burst: 2000 },
  subscriptionsPerAssociationMax: 64,
  subscriptionsMax: 16_384,
  updateDelayMs: 50,
  distanceStepMs: 50,
  announcersMax: 256,
  openPeering: false,
  mentorRetryMs: 3000,
  mentorRoundsMax: 3,
  takeoverRestartMs: 2000,
  arbitration: 'highest',
  adoptionsAtOnceMax: 32,
  tableElementsMax: 128,
  tableBytesMax: 1400,
  tableSessionMs: 5000,
  tableSessionsMax: 16,
  tableRequestRate: { perSecond: 5, burst: 20 },
  auditMismatches: 2,
  peersMax: 64,
  peerAssociationsMax: 256,
  reconnectMinMs: 500,
  reconnectMaxMs: 30_000,
  multicastPresence: false,
  suggestTakeover: false,
  followSuggestions: true,
};
