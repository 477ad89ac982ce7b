// SPDX-License-Identifier: Apache-2.0

const NAMES = [
  'registrations',
  'registrationsRefused',
  'registrationsLimited',
  'deregistrations',
  'resolutions',
  'resolutionsNegative',
  'resolutionsLimited',
  'keepAlivesSent',
  'keepAlivesAnswered',
  'reports',
  'reportsLimited',
  'elementsRemoved',
  'malformed',
  'unrecognized',
  'unexpected',
  'associationsRefused',
  'subscriptionsRefused',
  'poolUpdatesSent',
  'announcementsSent',
  'announcementsUnknown',
  'presencesSent',
  'handleUpdatesSent',
  'handleUpdatesReceived',
  'handleUpdatesIgnored',
  'elementConflicts',
  'elementsExpired',
  'peersRefused',
  'peerMessagesMisaddressed',
  'tableRequests',
  'tableRequestsRefused',
  'downloads',
  'downloadsFailed',
  'auditMismatches',
  'resynchronisations',
  'takeoversStarted',
  'takeoversWon',
  'takeoversLost',
  'adoptions',
  'adoptionsFailed',
  'suggestionsSent',
  'suggestionsFollowed',
  'suggestionsIgnored',
  'identifierChanges',
] as const;

/** Counted since the start. */
export type RegistrarCounters = { [N in (typeof NAMES)[number]]: number };

export function newCounters(): RegistrarCounters {
  return Object.fromEntries(NAMES.map((name) => [name, 0])) as RegistrarCounters;
}
