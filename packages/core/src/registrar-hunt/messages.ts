// SPDX-License-Identifier: Apache-2.0
import type { ServerAnnounce } from '@vnfpool/wire/asap';
import type { IpText } from '@vnfpool/wire/parameters';
import type { RegistrarAddress, RegistrarTransport } from './registrar-address.ts';

export interface HuntOptions {
  /** Configured; those not tried for longest go first, else in this order. Empty: announced ones only. */
  readonly registrars: readonly RegistrarAddress[];
  /** Attempts at once. Default 3, which RFC 5352 §3.6 makes the most; 1: one after the other. */
  readonly attemptsAtOnce?: number;
  /** T5-Serverhunt: how long the attempts may take; doubles up to RETRAN-MAX. Default 10000 ms. */
  readonly connectTimeoutMs?: number;
  /** Pause after all have failed; doubles with each round, varies by half. Default 500 ms. */
  readonly backoffMinMs?: number;
  /** RETRAN-MAX. Default 60000 ms. */
  readonly backoffMaxMs?: number;
  /** T7-ENRPoutdate: how long an announced address is believed. Default 5000 ms. */
  readonly outdateMs?: number;
  /** Announced addresses at most; more are ignored. 0: announcements are not heard. Default 256. */
  readonly announcedMax?: number;
  /** What the driver can connect over; announcements of others are ignored. Default all. */
  readonly transports?: readonly RegistrarTransport[];
}

/** What the driver must do. Associations are numbered by the core, from 1 on; a number is never used twice. */
export type HuntOutput =
  | { readonly type: 'connect'; readonly association: number; readonly registrar: RegistrarAddress }
  | { readonly type: 'disconnect'; readonly association: number };

/** What the driver tells. A failed attempt is `disconnected` without `connected`. */
export type HuntInput =
  | { readonly type: 'connected'; readonly association: number }
  | { readonly type: 'disconnected'; readonly association: number }
  /** An ASAP_SERVER_ANNOUNCE that came by multicast. Nobody vouches for it. */
  | { readonly type: 'announcement'; readonly message: ServerAnnounce; readonly source: IpText };
