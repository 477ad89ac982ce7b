// SPDX-License-Identifier: Apache-2.0
import type { PoolElement } from '@vnfpool/wire/parameters';
import { HANDLESPACE_LIMITS, type HandlespaceLimits } from '../handlespace/handlespace.ts';
import type { RateLimit } from './token-bucket.ts';

/** Who is at the other end of an association, as its certificate or token says. */
export interface Identity {
  readonly role: 'node' | 'element' | 'user' | 'manager' | 'registrar';
  readonly name: string;
  /** Whether it may register at all; by default nodes and elements may. */
  readonly mayRegister?: boolean;
}

/** Whether this identity may register this element in this pool, with these addresses. */
export type Authorize = (identity: Identity, poolHandle: Uint8Array, element: PoolElement) => boolean;

export interface RegistrarOptions {
  /** Own identifier, random, not 0, kept for the life of the process. */
  readonly registrarId: number;
  /** Unit of the registration life on the wire: seconds by RFC 5354, milliseconds among rsplib. Default seconds. */
  readonly lifeUnit?: 'seconds' | 'milliseconds';
  /**
   * Whether an association without identity may register the addresses it comes from. Only for a closed network.
   * Default false.
   */
  readonly openRegistration?: boolean;
  /** Between two keep-alives to one element, ±50 %; 0: no periodic ones. Default 5000 ms. */
  readonly keepAlivePeriodMs?: number;
  /** How long an answer to a keep-alive may take. Default 5000 ms. */
  readonly keepAliveTimeoutMs?: number;
  /** At least this long between two keep-alives to one element, whatever asks for them. Default 500 ms. */
  readonly keepAliveSpacingMs?: number;
  /** How long an element may be without association before it is removed. Default 1000 ms. */
  readonly associationGraceMs?: number;
  /** MAX-BAD-PE-REPORT: an element with more reports than this is removed although it answers. Default 3. */
  readonly badReportsMax?: number;
  /** One reporter's reports on an element count once in this time. Default 10000 ms. */
  readonly badReportSpacingMs?: number;
  /** Elements in an answer when the question does not say. Default 3. */
  readonly itemsDefault?: number;
  /** Elements in an answer at most. Default 128. */
  readonly itemsMax?: number;
  /** Handle resolutions of one association; beyond it the answer is negative. Default 100 a second, burst 200. */
  readonly resolutionRate?: RateLimit;
  /** Unreachable reports of one association; beyond it they are ignored. Default 10 a second, burst 20. */
  readonly reportRate?: RateLimit;
  /** Elements registered over one association at most. Default 1024. */
  readonly elementsPerAssociationMax?: number;
  /** Associations at most; beyond it a new one is closed. Default 4096. */
  readonly associationsMax?: number;
  /** Malformed messages after which an association is closed. Default 16. */
  readonly malformedMax?: number;
  readonly limits?: HandlespaceLimits;
}

export const REGISTRAR_DEFAULTS: Required<Omit<RegistrarOptions, 'registrarId'>> = {
  lifeUnit: 'seconds',
  openRegistration: false,
  keepAlivePeriodMs: 5000,
  keepAliveTimeoutMs: 5000,
  keepAliveSpacingMs: 500,
  associationGraceMs: 1000,
  badReportsMax: 3,
  badReportSpacingMs: 10_000,
  itemsDefault: 3,
  itemsMax: 128,
  resolutionRate: { perSecond: 100, burst: 200 },
  reportRate: { perSecond: 10, burst: 20 },
  elementsPerAssociationMax: 1024,
  associationsMax: 4096,
  malformedMax: 16,
  limits: HANDLESPACE_LIMITS,
};
