// SPDX-License-Identifier: Apache-2.0
import { refuse } from './refuse.ts';
import { formatParameters, parseParameters, type SipParameters, splitOutside } from './split.ts';

/** Value of From, To, Contact, Route, Record-Route. @see RFC 3261 §20.10 */
export interface SipNameAddress {
  /** As it stands, quotes included; null: none. */
  readonly display: string | null;
  /** Of any scheme, as it stands. */
  readonly uri: string;
  /** Of the header, not of the URI: `tag`, `expires`, `q`. */
  readonly parameters: SipParameters;
}

/** @throws WireError `value`, `duplicate`, `limit` */
export function parseNameAddress(text: string): SipNameAddress {
  const [place = '', ...parts] = splitOutside(text, ';');
  const parameters = parseParameters(parts);
  const angle = /^((?:"(?:[^"\\]|\\.)*"|[^"<>])*)<([^<>\s]+)>$/.exec(place);
  const display = angle?.[1]?.trim() ?? '';
  if (display !== '' && !/^(?:"(?:[^"\\]|\\.)*"|[A-Za-z0-9\-.!%*_+`'~ \t]+)$/.test(display))
    refuse('value', 'a name that needs quotes');
  const uri = angle?.[2] ?? place;
  if (!/^[A-Za-z][A-Za-z0-9+\-.]*:[^\s"<>]+$/.test(uri)) refuse('value', 'no URI');
  // Without brackets a question mark or comma could be of the URI or of the header. RFC 3261 §20.10.
  if (!angle && /[?,]/.test(uri)) refuse('value', 'a URI that needs angle brackets');
  return { display: display === '' ? null : display, uri, parameters };
}

export function formatNameAddress({ display, uri, parameters }: SipNameAddress): string {
  return `${display === null ? '' : `${display} `}<${uri}>${formatParameters(parameters)}`;
}
