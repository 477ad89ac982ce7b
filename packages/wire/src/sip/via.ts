// SPDX-License-Identifier: Apache-2.0
import { refuse } from './refuse.ts';
import { formatParameters, parseParameters, type SipParameters, splitOutside } from './split.ts';
import { parseHostPort } from './uri.ts';

/** Branches of RFC 3261 begin so. @see RFC 3261 §8.1.1.7 */
export const SIP_BRANCH_COOKIE = 'z9hG4bK';

/** @see RFC 3261 §20.42 */
export interface SipVia {
  /** Upper case: `UDP`. */
  readonly transport: string;
  readonly host: string;
  readonly port: number | null;
  readonly parameters: SipParameters;
}

/** @throws WireError `value`, `duplicate`, `limit`; `unknown` for another version */
export function parseVia(text: string): SipVia {
  const [place = '', ...parts] = splitOutside(text, ';');
  const match = /^SIP[ \t]*\/[ \t]*([0-9.]+)[ \t]*\/[ \t]*([A-Za-z0-9-]+)[ \t]+(\S.*)$/i.exec(place);
  if (!match) refuse('value', 'Via is not understood');
  const [, version, transport = '', sentBy = ''] = match;
  if (version !== '2.0') refuse('unknown', 'Via is not of SIP/2.0');
  return {
    transport: transport.toUpperCase(),
    ...parseHostPort(sentBy),
    parameters: parseParameters(parts),
  };
}

export function formatVia({ transport, host, port, parameters }: SipVia): string {
  return `SIP/2.0/${transport} ${host}${port === null ? '' : `:${port}`}${formatParameters(parameters)}`;
}
