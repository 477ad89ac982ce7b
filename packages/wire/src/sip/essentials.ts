// SPDX-License-Identifier: Apache-2.0
import { headerValue, headerValues, type SipMessage } from './message.ts';
import { parseNameAddress, type SipNameAddress } from './name-address.ts';
import { refuse } from './refuse.ts';
import { parseVia, type SipVia } from './via.ts';

/** What every message must have, read. @see RFC 3261 §8.1.1 */
export interface SipEssentials {
  /** The topmost is the first; at least one. */
  readonly vias: readonly [SipVia, ...SipVia[]];
  readonly from: SipNameAddress;
  readonly to: SipNameAddress;
  readonly callId: string;
  readonly cseq: SipCSeq;
  /** Null: none. */
  readonly maxForwards: number | null;
}

export interface SipCSeq {
  /** 0 to 2³¹ − 1. */
  readonly number: number;
  readonly method: string;
}

const ONCE = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Expires', 'Content-Type'];

/**
 * Reads the mandatory headers, and refuses a message whose own parts contradict each other.
 * @throws WireError `missing`, `duplicate`, `value`, `unknown`, `limit`
 */
export function readSipEssentials(message: SipMessage): SipEssentials {
  for (const name of ONCE)
    if (message.headers.filter((header) => header.name === name).length > 1)
      refuse('duplicate', `${name} stands twice`);
  const [top, ...more] = headerValues(message, 'Via').map(parseVia);
  if (top === undefined) refuse('missing', 'no Via');
  const callId = required(message, 'Call-ID');
  if (!/^[^\s"]+$/.test(callId)) refuse('value', 'Call-ID is no word');
  const cseq = parseCSeq(required(message, 'CSeq'));
  if (message.type === 'request' && message.method !== cseq.method)
    refuse('value', 'CSeq names another method than the request');
  const from = parseNameAddress(required(message, 'From'));
  const to = parseNameAddress(required(message, 'To'));
  return {
    vias: [top, ...more],
    from,
    to,
    callId,
    cseq,
    maxForwards: readSipNumber(message, 'Max-Forwards', 255),
  };
}

/** Value of a header that is a number; null: there is none. @throws WireError `value` */
export function readSipNumber(message: SipMessage, name: string, max: number = 2 ** 32 - 1): number | null {
  const text = headerValue(message, name);
  if (text === undefined) return null;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number <= max)) refuse('value', `${name} is no number up to ${max}`);
  return number;
}

/** @throws WireError `value` @see RFC 3261 §20.16 */
export function parseCSeq(text: string): SipCSeq {
  const match = /^(\d{1,10})[ \t]+([A-Za-z0-9\-.!%*_+`'~]+)$/.exec(text);
  const number = Number(match?.[1] ?? Number.NaN);
  if (!(number < 2 ** 31)) refuse('value', 'CSeq is not understood');
  return { number, method: match?.[2] ?? '' };
}

function required(message: SipMessage, name: string): string {
  const value = headerValue(message, name);
  if (value === undefined || value === '') refuse('missing', `no ${name}`);
  return value;
}
