// SPDX-License-Identifier: Apache-2.0
import { decodeUtf8, WireError } from '../bytes/index.ts';
import type { SessionInformation } from '../mobility/information.ts';
import { fail, integer, object, oneOf, type Shape, text } from '../mobility/shape.ts';
import { formatIp } from '../parameters/ip-text.ts';

/**
 * Which sessions, as a function is told; several mean their union. A ratio of all of them is rounded half up, and is at
 * least one above 0; a count above their number means all.
 */
export type SessionSelector =
  | { readonly type: 'all' }
  /** 0 to 1. */
  | { readonly type: 'ratio'; readonly ratio: number }
  | { readonly type: 'count'; readonly count: number }
  | { readonly type: 'sip-uri'; readonly uri: string }
  /** An IPv4 or IPv6 address, or whatever else the manager said. */
  | { readonly type: 'contact'; readonly contact: string };

/** Most selectors of one order. */
export const SESSION_SELECTORS_MAX = 256;

/**
 * The options of a MOVE_SESSION as a function gets them. Counts beyond what a number holds are all.
 * @throws WireError for a contact that is neither an address nor text
 * @see draft-yokota-opsawg-virtnw-service-management-02 §6.4.8
 */
export function sessionSelectors(selection: readonly SessionInformation[]): SessionSelector[] {
  return selection.map((session) => {
    switch (session.type) {
      case 'all':
        return { type: 'all' };
      case 'ratio':
        return session.ratio === 1 ? { type: 'all' } : { type: 'ratio', ratio: session.ratio };
      case 'count':
        return session.count > BigInt(Number.MAX_SAFE_INTEGER)
          ? { type: 'all' }
          : { type: 'count', count: Number(session.count) };
      case 'sip-uri':
        return { type: 'sip-uri', uri: session.uri };
      case 'contact':
        return { type: 'contact', contact: contactText(session.contact) };
    }
  });
}

function contactText(contact: Uint8Array): string {
  return contact.length === 4 || contact.length === 16 ? formatIp(contact) : decodeUtf8(contact);
}

const ratio: Shape<number> = (value, path) =>
  typeof value === 'number' && value >= 0 && value <= 1 ? value : fail(path, 'must be a number from 0 to 1');

const SHAPES: Readonly<Record<SessionSelector['type'], Shape<SessionSelector>>> = {
  all: object({ type: oneOf('all') }),
  ratio: object({ type: oneOf('ratio'), ratio }),
  count: object({ type: oneOf('count'), count: integer(0, Number.MAX_SAFE_INTEGER) }),
  'sip-uri': object({ type: oneOf('sip-uri'), uri: text }),
  contact: object({ type: oneOf('contact'), contact: text }),
};
const type = oneOf('all', 'ratio', 'count', 'sip-uri', 'contact');

/** One selector of a line. */
export const sessionSelector: Shape<SessionSelector> = (value, path) =>
  SHAPES[object({ type })(value, path).type](value, path);

/** At least one, and no more than there may be. */
export const sessionSelectorList: Shape<readonly SessionSelector[]> = (value, path) => {
  if (!Array.isArray(value)) fail(path, 'must be a list');
  const given = value as readonly unknown[];
  if (given.length === 0 || given.length > SESSION_SELECTORS_MAX)
    throw new WireError('limit', 0, `${path} must have 1 to ${SESSION_SELECTORS_MAX} entries`);
  return given.map((entry, at) => sessionSelector(entry, `${path}[${at}]`));
};
