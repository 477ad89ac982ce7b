// SPDX-License-Identifier: Apache-2.0
import type { IpText } from '../parameters/ip-text.ts';

/*
 * Datagrams of sessions that were moved while the address stayed: between the instance that clients still reach, the
 * home, and the one that has the session now, its holder.
 *
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +---------------+---------------+---------------+---------------+
 * |      'V'      |      'F'      |   version 1   |     type      |
 * +---------------+---------------+---------------+---------------+
 * |                     transfer (64 bits)                        |
 * |                    generation (32 bits)                       |
 * |                     sequence (64 bits)                        |
 * +---------------------------------------------------------------+
 * | gone, ended: session (32)                                     |
 * | send, arrived: session (32), side (8), family (8), port (16), |
 * |   address (32 or 128), payload                                |
 * +---------------------------------------------------------------+
 * |         MAC (128 bits), which this codec does not see         |
 *
 * Our own format. Types of the home are even, those of the holder odd: none can be thrown back at its sender.
 */

export const FORWARD_VERSION = 1;
/** Octets of the MAC that is put behind a datagram: the front of an HMAC-SHA256 with the secret of the transfer. */
export const FORWARD_MAC_BYTES = 16;
/** What fits a datagram of 65,507 octets beside header, address and MAC. */
export const FORWARD_PAYLOAD_BYTES_MAX: number = 65_507 - 24 - 24 - FORWARD_MAC_BYTES;

/** At which side of the function a packet came in or goes out: its clients', or that of what is behind it. */
export type ForwardSide = 'client' | 'backend';

export interface ForwardHeader {
  /** 16 hexadecimal digits, random. */
  readonly transfer: string;
  /** How often this end of the transfer has moved on; one that knows a greater one refuses what is older. */
  readonly generation: number;
  /** Grows by one with each datagram of a generation. */
  readonly sequence: bigint;
}

/** A packet of a moved session. Its payload shares memory with what was decoded. */
export interface ForwardedPacket {
  /** Which session of the transfer, 32 bits. */
  readonly session: number;
  readonly side: ForwardSide;
  /** Where an arrived packet came from; where one goes that is to be sent. */
  readonly address: IpText;
  readonly port: number;
  readonly payload: Uint8Array;
}

/**
 * - `claim`: the holder has the sessions, and is where this came from; repeated, it says that it lives
 * - `welcome`: the home's answer to each
 * - `arrived`: what came in at the home, for the holder
 * - `send`: what the holder has to say, to be sent by the home
 * - `gone`: the holder does not have this session, or not any more
 * - `ended`: the session is over at the home
 * - `over`: the home has taken all of them back
 */
export type ForwardMessage =
  | { readonly type: 'claim' | 'welcome' | 'over' }
  | { readonly type: 'gone' | 'ended'; readonly session: number }
  | ({ readonly type: 'send' | 'arrived' } & ForwardedPacket);

export type ForwardDatagram = ForwardHeader & { readonly message: ForwardMessage };
