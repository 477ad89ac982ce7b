// SPDX-License-Identifier: Apache-2.0
import { SIP_VALUES_MAX } from './bounds.ts';
import { refuse } from './refuse.ts';
import { splitOutside } from './split.ts';

/** One header field. `name` in the spelling of the standard where we know it; `value` unfolded and trimmed. */
export interface SipHeader {
  readonly name: string;
  readonly value: string;
}

interface SipParts {
  /** In their order; without Content-Length, which the codec reads and writes. */
  readonly headers: readonly SipHeader[];
  readonly body: Uint8Array;
}

/** @see RFC 3261 §7.1 */
export interface SipRequest extends SipParts {
  readonly type: 'request';
  /** Case counts: `INVITE`. */
  readonly method: string;
  /** As it stands in the request line; `parseSipUri` takes it apart. */
  readonly uri: string;
}

/** @see RFC 3261 §7.2 */
export interface SipResponse extends SipParts {
  readonly type: 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
}

export type SipMessage = SipRequest | SipResponse;

/** Headers that have a short form, and those whose spelling case alone would not give. @see RFC 3261 §7.3.3 */
const SHORT: Readonly<Record<string, string>> = {
  c: 'Content-Type',
  e: 'Content-Encoding',
  f: 'From',
  i: 'Call-ID',
  k: 'Supported',
  l: 'Content-Length',
  m: 'Contact',
  s: 'Subject',
  t: 'To',
  v: 'Via',
  'call-id': 'Call-ID',
  cseq: 'CSeq',
  'www-authenticate': 'WWW-Authenticate',
  'mime-version': 'MIME-Version',
};

/** The name in one spelling: `v` and `VIA` are `Via`, `max-forwards` is `Max-Forwards`. */
export function canonicalHeaderName(name: string): string {
  const lower = name.toLowerCase();
  const known = Object.hasOwn(SHORT, lower) ? SHORT[lower] : undefined;
  return known ?? lower.replaceAll(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}

/** Value of the first field of that name (canonical), or undefined. */
export function headerValue(message: SipMessage, name: string): string | undefined {
  return message.headers.find((header) => header.name === name)?.value;
}

/**
 * Values of all fields of a header that is a list, in order, taken apart at commas: Via, Route, Record-Route, Contact, …
 * @throws WireError `value` for a quote or angle bracket without its end or an empty element; `limit` beyond SIP_VALUES_MAX
 */
export function headerValues(message: SipMessage, name: string): string[] {
  const values: string[] = [];
  for (const header of message.headers) {
    if (header.name !== name) continue;
    if (header.value === '') continue;
    for (const value of splitOutside(header.value, ',')) {
      if (value === '') refuse('value', `an empty element in ${name}`);
      values.push(value);
      if (values.length > SIP_VALUES_MAX) refuse('limit', `${name} has more than ${SIP_VALUES_MAX} values`);
    }
  }
  return values;
}

/** The message with these values, a field each, in the place of the fields of that name, or else before all others. */
export function withHeader<Message extends SipMessage>(
  message: Message,
  name: string,
  values: readonly string[],
): Message {
  const place = message.headers.findIndex((header) => header.name === name);
  const rest = message.headers.filter((header) => header.name !== name);
  rest.splice(Math.max(place, 0), 0, ...values.map((value) => ({ name, value })));
  return { ...message, headers: rest };
}
