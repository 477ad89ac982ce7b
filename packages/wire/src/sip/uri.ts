// SPDX-License-Identifier: Apache-2.0
import { refuse } from './refuse.ts';
import { formatParameters, parseParameters, type SipParameters } from './split.ts';

/** @see RFC 3261 §19.1 */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** As it stands, escapes and a password included; null: none. */
  readonly user: string | null;
  /** Lower case; an IPv6 address with its brackets. */
  readonly host: string;
  /** Null: none said. */
  readonly port: number | null;
  readonly parameters: SipParameters;
  /** Behind the question mark, as it stands; null: none. */
  readonly headers: string | null;
}

const USER = /^(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/:]|%[0-9A-Fa-f]{2})+$/;
const PARAMETER_NAME = /^(?:[A-Za-z0-9\-_.!~*'()[\]/:&+$]|%[0-9A-Fa-f]{2})+$/;
const HEADERS = /^(?:[A-Za-z0-9\-_.!~*'()[\]/?:+$=&]|%[0-9A-Fa-f]{2})+$/;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9\-.]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])$/;

/** @throws WireError `value`, `duplicate`, `limit`; `unknown` for another scheme */
export function parseSipUri(text: string): SipUri {
  const scheme = /^(sips?):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) refuse('unknown', 'no URI of SIP');
  let rest = text.slice(scheme.length + 1);
  let user: string | null = null;
  const at = rest.indexOf('@');
  if (at >= 0) {
    user = rest.slice(0, at);
    if (!USER.test(user)) refuse('value', 'the user of a URI');
    rest = rest.slice(at + 1);
  }
  let headers: string | null = null;
  const question = rest.indexOf('?');
  if (question >= 0) {
    headers = rest.slice(question + 1);
    if (!HEADERS.test(headers)) refuse('value', 'the headers of a URI');
    rest = rest.slice(0, question);
  }
  const [place = '', ...parts] = rest.split(';');
  const { host, port } = parseHostPort(place);
  return {
    scheme: scheme === 'sips' ? 'sips' : 'sip',
    user,
    host,
    port,
    parameters: parseParameters(parts, PARAMETER_NAME),
    headers,
  };
}

export function formatSipUri({ scheme, user, host, port, parameters, headers }: SipUri): string {
  const place = `${user === null ? '' : `${user}@`}${host}${port === null ? '' : `:${port}`}`;
  return `${scheme}:${place}${formatParameters(parameters)}${headers === null ? '' : `?${headers}`}`;
}

/** `host`, `host:port`; white space around the colon is of Via. @throws WireError `value` */
export function parseHostPort(text: string): { readonly host: string; readonly port: number | null } {
  const match = /^(\[[^\]\s]*\]|[^:\s]*)(?:[ \t]*:[ \t]*(\d{1,5}))?$/.exec(text);
  const host = match?.[1] ?? '';
  if (!HOST.test(host)) refuse('value', 'no host');
  const port = match?.[2] === undefined ? null : Number(match[2]);
  if (port !== null && (port < 1 || port > 65_535)) refuse('value', 'no port');
  return { host: host.toLowerCase(), port };
}

/**
 * What a registrar keeps a user under: scheme, user and host, without a port, parameters or a password, escapes that
 * need not be resolved. @see RFC 3261 §10.3
 */
export function addressOfRecord({ scheme, user, host }: SipUri): string {
  const name = user?.split(':')[0]?.replaceAll(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const character = String.fromCodePoint(Number.parseInt(hex, 16));
    return /[A-Za-z0-9\-_.!~*'()]/.test(character) ? character : escape.toUpperCase();
  });
  return name === undefined ? `${scheme}:${host}` : `${scheme}:${name}@${host}`;
}
