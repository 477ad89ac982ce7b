// SPDX-License-Identifier: Apache-2.0
import type { RegistrarOptions } from './options.ts';
import type { Association, RegistrarState } from './state.ts';
import { TokenBucket } from './token-bucket.ts';

/** All associations of one source, an identity or else an address, together may do so many times as much as one alone. */
const SOURCE_FACTOR = 16;
/** Sources without association that are remembered, so that coming back does not fill their buckets. */
const SOURCES_IDLE_MAX = 4096;

const LIMITED = ['registrations', 'resolutions', 'reports', 'unasked'] as const;
/** `registrations`: deregistrations too. `unasked`: errors, and acknowledgements that nobody waits for. */
type Limited = (typeof LIMITED)[number];
type Buckets = { readonly [L in Limited]: TokenBucket };

/** What one source may do. @see RFC 5355 §2.13 */
export interface Source {
  readonly buckets: Buckets;
  associations: number;
}

const RATES = {
  registrations: 'registrationRate',
  resolutions: 'resolutionRate',
  reports: 'reportRate',
  unasked: 'reportRate',
} as const satisfies { [L in Limited]: keyof RegistrarOptions };

function bucketsOf(options: Required<RegistrarOptions>, factor: number, nowMs: number): Buckets {
  const bucket = (limited: Limited): TokenBucket => {
    const { perSecond, burst } = options[RATES[limited]];
    return new TokenBucket({ perSecond: perSecond * factor, burst: burst * factor }, nowMs);
  };
  return {
    registrations: bucket('registrations'),
    resolutions: bucket('resolutions'),
    reports: bucket('reports'),
    unasked: bucket('unasked'),
  };
}

/** The limits of a new association, and those that it shares with others of its source. */
export function openLimits(
  state: RegistrarState,
  key: string,
  nowMs: number,
): { readonly limits: Buckets; readonly source: Source } {
  const { sources, options } = state;
  const source = sources.get(key) ?? {
    buckets: bucketsOf(options, SOURCE_FACTOR, nowMs),
    associations: 0,
  };
  // The latest is the last to be forgotten.
  sources.delete(key);
  sources.set(key, source);
  source.associations += 1;
  return { limits: bucketsOf(options, 1, nowMs), source };
}

export function closeLimits(state: RegistrarState, { source }: Association): void {
  const { sources, options } = state;
  source.associations -= 1;
  for (const [key, { associations }] of sources) {
    if (sources.size <= SOURCES_IDLE_MAX + options.associationsMax) return;
    if (associations === 0) sources.delete(key);
  }
}

/** Whether this association, and its source, may do this once more. */
export function withinLimits(
  state: RegistrarState,
  association: Association,
  limited: Limited,
  nowMs: number,
): boolean {
  const tell = (whose: string): void => {
    const what = limited === 'unasked' ? 'messages that nobody asked for' : limited;
    const reason = `${what} of one ${whose}`;
    state.event({ type: 'event', event: 'limit-reached', association: association.id, reason });
  };
  if (!association.limits[limited].take(nowMs, () => tell('association'))) return false;
  return association.source.buckets[limited].take(nowMs, () => tell('source'));
}
