// SPDX-License-Identifier: Apache-2.0

import { REGISTRAR_DEFAULTS } from '@vnfpool/core/registrar';
import type { ScopeProfile } from '@vnfpool/core/scope';
import { RETRY_MS_MAX } from './element-host.ts';
import { BACKOFF_MS_MAX } from './hunt-options.ts';
import type { RserpoolPlan } from './options.ts';

/** Longest time that anything is paused. */
export const PAUSE_MS_MAX = 90_000;
/** What a slow machine adds to each message, at most; two may meet. */
export const SLOW_MS_MAX = 2_000;
const ADOPT_CONNECT_MS = 5_000;
/** Tolerance for clocks, and for messages that are on their way. */
const LOOK_MS_MAX = 2_000;
const HEARTBEAT_JITTER = 1.125;
/** A takeover may have to start over: its taker gave up, or an acknowledgement was missing. */
const TAKEOVERS = 3;

/** How long each thing may take on a good network, in ms. All follow from the timers of the scope. */
export interface Bounds {
  /** From the calm until all registrars agree on everything. */
  readonly wholeMs: number;
  /** What is broken may lie hidden so long: an end that nobody uses, a copy that nobody compares. */
  readonly hiddenMs: number;
  /** From the moment in which element and registrar are well until the registrar knows the element. */
  readonly registeredMs: number;
  /** From the end of an element until no registrar that is well knows it, and no answer names it. */
  readonly goneMs: number;
  /** The same, where no fault has concerned any registrar for so long. */
  readonly goneAmongWellMs: number;
  /** From the end of one registrar until nobody lists it, where nothing else happens to any other. */
  readonly takenOverMs: number;
  readonly parts: Readonly<Record<string, number>>;
}

export function boundsOf(profile: ScopeProfile, plan: RserpoolPlan): Bounds {
  const { registrar, endpoint } = profile;
  const rtt = 2 * plan.delayMsMax;
  const heartbeat = registrar.peerHeartbeatCycleMs * HEARTBEAT_JITTER;
  const d = REGISTRAR_DEFAULTS;
  const mentors = Math.min(Math.max(1, plan.mentors), plan.registrars);
  const names = Math.max(1, plan.elements * 2);
  const parts = {
    // A sender whose association is dead finds out by sending.
    broken: plan.breakMs + (plan.heartbeatMs ?? 0),
    // Everybody asks everybody else, and is refused, until the rounds are over.
    join:
      d.mentorRoundsMax * mentors * (d.mentorRetryMs + rtt) +
      registrar.mentorDiscoveryTimeoutMs +
      registrar.maxTimeNoResponseMs,
    reconnect: 1.5 * d.reconnectMaxMs + ADOPT_CONNECT_MS + rtt,
    detect: heartbeat + registrar.maxTimeLastHeardMs + registrar.maxTimeNoResponseMs,
    takeover: TAKEOVERS * (registrar.takeoverExpiryMs + d.takeoverRestartMs + rtt),
    adopt: (ADOPT_CONNECT_MS + registrar.keepAliveTimeoutMs) * Math.ceil(names / d.adoptionsAtOnceMax),
    keepAlive: 1.5 * registrar.keepAlivePeriodMs + registrar.keepAliveTimeoutMs,
    hunt: endpoint.serverHuntTimeoutMs * 2 + 1.5 * BACKOFF_MS_MAX,
    register: (endpoint.attemptsMax + 1) * endpoint.registrationTimeoutMs + RETRY_MS_MAX,
    // An element that was removed without being told comes back with its next registration.
    reregister: reregisterMs(plan),
    audit: (d.auditMismatches + 1) * heartbeat + d.tableSessionMs + Math.ceil(names / 8) * rtt,
  };
  const registeredMs = parts.broken + parts.hunt + parts.register + parts.reregister + rtt;
  const hiddenMs =
    Math.max(parts.detect, parts.reregister, 3 * heartbeat) +
    parts.broken +
    parts.keepAlive +
    d.associationGraceMs;
  const wholeMs =
    hiddenMs +
    parts.join +
    parts.reconnect +
    parts.detect +
    parts.takeover +
    parts.adopt +
    Math.max(parts.hunt + parts.register + parts.reregister, parts.keepAlive) +
    2 * parts.audit;
  const goneMs = wholeMs + PAUSE_MS_MAX + (plan.lifeMs ?? Number.POSITIVE_INFINITY) + 2 * SLOW_MS_MAX;
  const goneAmongWellMs =
    parts.broken + parts.detect + parts.takeover + parts.adopt + parts.keepAlive + 2 * parts.audit;
  // One takeover without a repetition: arbitration settles at once who goes on.
  const takenOverMs =
    1.125 * registrar.maxTimeLastHeardMs + registrar.maxTimeNoResponseMs + 1.5 * rtt + LOOK_MS_MAX;
  return { takenOverMs, goneAmongWellMs, wholeMs, hiddenMs, registeredMs, goneMs, parts };
}

/** T4: 20 s before the life is over, half of a short one. */
function reregisterMs({ lifeMs, reregistrationMaxMs }: RserpoolPlan): number {
  if (lifeMs === null) return reregistrationMaxMs;
  return Math.min(reregistrationMaxMs, lifeMs <= 40_000 ? lifeMs / 2 : lifeMs - 20_000);
}
