// SPDX-License-Identifier: Apache-2.0
import { SIP_PARAMETERS_MAX } from './bounds.ts';
import { refuse } from './refuse.ts';

/**
 * Takes text apart at a separator that stands neither in a quoted string nor between angle brackets; trims the parts.
 * @throws WireError `value` for a quote or bracket without its end
 */
export function splitOutside(text: string, separator: ',' | ';'): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  let angle = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at += 1;
      else if (character === '"') quoted = false;
    } else if (character === '"' && !angle) quoted = true;
    else if (character === '<' && !angle) angle = true;
    else if (character === '<' || (character === '>' && !angle))
      refuse('value', 'angle brackets do not match');
    else if (character === '>') angle = false;
    else if (character === separator && !angle) {
      parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  if (quoted || angle) refuse('value', quoted ? 'a quote has no end' : 'an angle bracket has no end');
  parts.push(text.slice(start).trim());
  return parts;
}

/** Names in lower case; a value as it stands, quotes included; null: the name alone. */
export type SipParameters = ReadonlyMap<string, string | null>;

/** Characters of a token. @see RFC 3261 §25.1 */
export const TOKEN: RegExp = /^[A-Za-z0-9\-.!%*_+`'~]+$/;
/** A token, a host, or a quoted string. */
const VALUE = /^(?:[^\s"<>;,=]+|"(?:[^"\\]|\\.)*")$/;

/**
 * Parameters `;a=1;b`, without what stands before the first semicolon.
 * @throws WireError `value`, `duplicate`, `limit`
 */
export function parseParameters(parts: readonly string[], isName: RegExp = TOKEN): SipParameters {
  if (parts.length > SIP_PARAMETERS_MAX) refuse('limit', `more than ${SIP_PARAMETERS_MAX} parameters`);
  const parameters = new Map<string, string | null>();
  for (const part of parts) {
    const equals = part.indexOf('=');
    const name = (equals < 0 ? part : part.slice(0, equals)).trimEnd().toLowerCase();
    const value = equals < 0 ? null : part.slice(equals + 1).trimStart();
    if (!isName.test(name)) refuse('value', 'the name of a parameter is no token');
    if (value !== null && !VALUE.test(value)) refuse('value', `the parameter ${name} has no fit value`);
    if (parameters.has(name)) refuse('duplicate', `the parameter ${name} stands twice`);
    parameters.set(name, value);
  }
  return parameters;
}

export function formatParameters(parameters: SipParameters): string {
  return [...parameters].map(([name, value]) => (value === null ? `;${name}` : `;${name}=${value}`)).join('');
}
