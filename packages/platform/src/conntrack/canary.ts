// SPDX-License-Identifier: Apache-2.0
import { type ConntrackEntry, type ConntrackKey, type ConntrackTuple, IPS_FIXED_TIMEOUT } from './entry.ts';

/** Which canary an entry is. */
export interface ConntrackCanary {
  /** Whose it is, 16 hexadecimal digits: several sing in one kernel. */
  readonly singer: string;
  /** 1, 2, 3 … of this singer, below 2^48. */
  readonly number: number;
}

/** No packet has this protocol: it is reserved. */
const PROTOCOL = 255;
/** The block whose packets everybody discards, `100::/64` (RFC 6666). The other half says whose it is, and which. */
const DISCARD: Uint8Array = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
const NUMBER_AT = 10;
/** Of one that its singer did not take away any more: nothing renews it. */
const TIMEOUT_SECONDS = 5;

/** An entry that is of no traffic: whoever puts it into the kernel is to hear of it. Listings and events leave such entries out. */
export function canaryEntry({ singer, number }: ConntrackCanary): ConntrackEntry {
  const source = new Uint8Array(16);
  source.set(DISCARD);
  source.set(Buffer.from(singer, 'hex'), DISCARD.length);
  const destination = new Uint8Array(16);
  destination.set(DISCARD);
  Buffer.from(destination.buffer).writeUIntBE(number, NUMBER_AT, 6);
  const tuple = { protocol: PROTOCOL, layer4: null };
  return {
    original: { ...tuple, source, destination },
    reply: { ...tuple, source: destination, destination: source },
    zone: 0,
    zoneDirection: 'both',
    status: IPS_FIXED_TIMEOUT,
    timeoutSeconds: TIMEOUT_SECONDS,
    mark: 0,
    tcp: null,
    sctp: null,
    helper: null,
    labels: null,
    counters: null,
    master: null,
    shifts: null,
  };
}

/** Null: it is a connection. */
export function canaryOf({ original }: Pick<ConntrackKey, 'original'>): ConntrackCanary | null {
  if (original.protocol !== PROTOCOL || !isCanary(original)) return null;
  const { source, destination } = original;
  return {
    singer: Buffer.from(source.subarray(DISCARD.length)).toString('hex'),
    number: Buffer.from(destination.subarray(NUMBER_AT)).readUIntBE(0, 6),
  };
}

function isCanary({ source, destination }: ConntrackTuple): boolean {
  if (source.length !== 16 || destination.length !== 16) return false;
  return DISCARD.every((octet, place) => source[place] === octet && destination[place] === octet);
}
