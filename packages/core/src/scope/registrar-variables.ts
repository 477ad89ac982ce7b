// SPDX-License-Identifier: Apache-2.0
import type { RegistrarOptions } from '../registrar/options.ts';
import type { RateLimit } from '../registrar/token-bucket.ts';

type NumericOption = {
  [K in keyof RegistrarOptions]-?: Exclude<RegistrarOptions[K], undefined> extends number
    ? number extends Exclude<RegistrarOptions[K], undefined>
      ? K
      : never
    : never;
}[keyof RegistrarOptions];

/** One variable of a registrar that its operator may set. */
export interface RegistrarVariable {
  readonly option: Exclude<NumericOption, 'registrarId' | 'infiniteLife'>;
  /** On the command line, without the dashes. */
  readonly flag: string;
  readonly kind: 'duration' | 'count';
  /** Least value: milliseconds or a number. */
  readonly min: number;
  readonly help: string;
}

/** The variables of RFC 5352 §7, RFC 5353 §7 and of the drafts, under their names there where they have one. */
export const registrarVariables: readonly RegistrarVariable[] = [
  duration(
    'peerHeartbeatCycleMs',
    'peer-heartbeat-cycle',
    10,
    'between two presences (PEER-HEARTBEAT-CYCLE)',
  ),
  duration(
    'maxTimeLastHeardMs',
    'max-time-last-heard',
    10,
    'silence after which a peer is asked (MAX-TIME-LAST-HEARD)',
  ),
  duration(
    'maxTimeNoResponseMs',
    'max-time-no-response',
    10,
    'how long it may take to answer (MAX-TIME-NO-RESPONSE)',
  ),
  duration(
    'mentorDiscoveryTimeoutMs',
    'mentor-discovery-timeout',
    10,
    'how long a mentor may take to accept us',
  ),
  duration('mentorRetryMs', 'mentor-retry', 10, 'before a mentor that refused is asked again'),
  count('mentorRoundsMax', 'mentor-rounds', 1, 'rounds through all mentors before it begins alone'),
  duration(
    'reconnectMinMs',
    'reconnect-min',
    10,
    'first pause before a lost peer is connected to again; it doubles',
  ),
  duration(
    'reconnectMaxMs',
    'reconnect-max',
    10,
    'longest such pause; peers that are gone are looked for as often',
  ),
  duration('takeoverExpiryMs', 'takeover-expiry', 10, 'how long the acknowledgements of a takeover may take'),
  duration(
    'tableSessionMs',
    'table-session-timeout',
    10,
    'how long a download of the handle table may stand still',
  ),
  count('tableElementsMax', 'max-elements-per-table-request', 1, 'elements in one part of the handle table'),
  duration(
    'serverAnnounceCycleMs',
    'server-announce-cycle',
    10,
    'one announcement of all registrars together in this time (T6-Serverannounce)',
  ),
  duration('keepAlivePeriodMs', 'keep-alive-period', 0, 'between two keep-alives to one element; 0: none'),
  duration('keepAliveTimeoutMs', 'keep-alive-timeout', 1, 'how long an answer to a keep-alive may take'),
  duration(
    'keepAliveSpacingMs',
    'keep-alive-spacing',
    0,
    'least time between two keep-alives to one element',
  ),
  duration('associationGraceMs', 'association-grace', 0, 'how long an element may be without association'),
  count('badReportsMax', 'max-bad-pe-reports', 0, 'reports after which an element goes (MAX-BAD-PE-REPORT)'),
  duration('badReportSpacingMs', 'bad-report-spacing', 0, "time in which one reporter's reports count once"),
  count(
    'itemsDefault',
    'max-hres-items',
    1,
    'elements in an answer, unless the question says (MaxHResItems)',
  ),
  count('itemsMax', 'items-limit', 1, 'elements in an answer whatever the question says'),
  count(
    'maxIncrement',
    'max-increment',
    0,
    "elements of an answer that count as used; default the policy's own",
  ),
  duration('distanceStepMs', 'distance-step', 1, 'distances are multiples of this (DistanceStep)'),
  duration('updateDelayMs', 'update-delay', 0, 'changes of a pool within this time make one update'),
  count('auditMismatches', 'audit-mismatches', 1, 'wrong checksums in a row that start a resynchronisation'),
  count(
    'associationsMax',
    'max-associations',
    1,
    'connections of elements and users at once, a quarter of them of one identity or address; idle ones give way',
  ),
  count('peersMax', 'max-peers', 1, 'registrars in the peer list'),
  count(
    'elementsPerAssociationMax',
    'max-elements-per-association',
    1,
    'elements registered over one association',
  ),
];

function duration(
  option: RegistrarVariable['option'],
  flag: string,
  min: number,
  help: string,
): RegistrarVariable {
  return { option, flag, kind: 'duration', min, help };
}

function count(
  option: RegistrarVariable['option'],
  flag: string,
  min: number,
  help: string,
): RegistrarVariable {
  return { option, flag, kind: 'count', min, help };
}

/** Limits of what one association may ask, in messages a second; twice as many at once. */
export const registrarRates: readonly RegistrarRate[] = [
  { option: 'resolutionRate', flag: 'resolution-rate', help: 'handle resolutions of one association' },
  { option: 'registrationRate', flag: 'registration-rate', help: 'registrations of one association' },
  { option: 'reportRate', flag: 'report-rate', help: 'unreachable reports of one association' },
  {
    option: 'tableRequestRate',
    flag: 'table-request-rate',
    help: 'handle tables that one peer begins to fetch',
  },
];

export interface RegistrarRate {
  readonly option: 'resolutionRate' | 'registrationRate' | 'reportRate' | 'tableRequestRate';
  /** On the command line, without the dashes. */
  readonly flag: string;
  readonly help: string;
}

/** Values of some of the variables and rates, by option. */
export type RegistrarTuning = {
  readonly [V in RegistrarVariable['option']]?: number;
} & { readonly [R in RegistrarRate['option']]?: RateLimit };
