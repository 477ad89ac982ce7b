// SPDX-License-Identifier: Apache-2.0
import type { SessionSelector } from '@vnfpool/wire/function-socket';

/** Decimals of a ratio on the wire. */
const RATIO_UNITS = 1_000_000;

/**
 * How many of `total` sessions the selectors ask for that name none: ratios and counts. Their union is the largest, as
 * all of them choose from the same end. A ratio is rounded half up, to at least 1 above 0; a count above `total` is all.
 * @see draft-yokota-opsawg-virtnw-service-management-02 §6.4.8
 */
export function chosenCount(selection: readonly SessionSelector[], total: number): number {
  let most = 0;
  for (const selector of selection) {
    if (selector.type === 'all') return total;
    if (selector.type === 'count') most = Math.max(most, Math.min(total, selector.count));
    if (selector.type === 'ratio') most = Math.max(most, shareOf(selector.ratio, total));
  }
  return most;
}

/** In whole millionths: 0.145 of 100 is 15, whatever the nearest binary fraction is. */
function shareOf(ratio: number, total: number): number {
  const share = (BigInt(Math.round(ratio * RATIO_UNITS)) * BigInt(total) * 2n) / BigInt(RATIO_UNITS);
  const rounded = Number((share + 1n) / 2n);
  return ratio > 0 && total > 0 ? Math.max(1, rounded) : rounded;
}

/** What a session is known by; without one of these no session is found by it. */
export interface SessionNames<Key, Session> {
  /** Whether this is a URI of the session, of either side. */
  readonly hasUri?: (session: Session, uri: string, key: Key) => boolean;
  /** Whether it is served for this address; IPv6 in the form of RFC 5952. */
  readonly hasContact?: (session: Session, contact: string, key: Key) => boolean;
}

/** The union of what the selectors choose; ratios and counts take the first of `total` sessions, in a stable order. */
export function selectSessions<Key, Session>(
  sessions: Iterable<readonly [Key, Session]>,
  total: number,
  selection: readonly SessionSelector[],
  { hasUri, hasContact }: SessionNames<Key, Session> = {},
): Set<Key> {
  let left = chosenCount(selection, total);
  const uris = selection.flatMap((selector) => (selector.type === 'sip-uri' ? [selector.uri] : []));
  const contacts = selection.flatMap((selector) => (selector.type === 'contact' ? [selector.contact] : []));
  const chosen = new Set<Key>();
  const isByName = uris.length + contacts.length > 0;
  for (const [key, session] of sessions) {
    if (left <= 0 && !isByName) break;
    const isNamed =
      uris.some((uri) => hasUri?.(session, uri, key) === true) ||
      contacts.some((contact) => hasContact?.(session, contact, key) === true);
    if (left > 0 || isNamed) chosen.add(key);
    left -= 1;
  }
  return chosen;
}
