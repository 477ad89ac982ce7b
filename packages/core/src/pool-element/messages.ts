// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import type { ErrorCause, Policy, SctpTransport, TcpTransport, Transport } from '@vnfpool/wire/parameters';
import type { HuntInput, HuntOptions, HuntOutput } from '../registrar-hunt/messages.ts';

export interface PoolElementOptions extends HuntOptions {
  /** Unit of the registration life on the wire; all of a scope agree. Default seconds. */
  readonly lifeUnit?: 'seconds' | 'milliseconds';
  /** T2-registration: how long the answer to a registration may take. Default 30000 ms. */
  readonly registrationTimeoutMs?: number;
  /** T3-deregistration. Default 30000 ms. */
  readonly deregistrationTimeoutMs?: number;
  /** T4-reregistration at most. Default 600000 ms. */
  readonly reregistrationMaxMs?: number;
  /** MAX-REG-ATTEMPT: unanswered attempts after the first, before it is given up. Infinity: never. Default 2. */
  readonly attemptsMax?: number;
  /** The life sent for "for ever". Default −1, as RFC 5354 §3.10 has it; some peers know no such value. */
  readonly infiniteLife?: number;
  /** Two registrations of changed values are at least this far apart. Default 100 ms. */
  readonly updateSpacingMs?: number;
  /** A load that changed by less than this fraction of the scale waits for the next registration. Default 0. */
  readonly loadHysteresis?: number;
  /** Associations that registrars opened to us, at most; more are let go. Default 16. */
  readonly inboundMax?: number;
  /** Elements at most; more are refused. Default 1024. */
  readonly elementsMax?: number;
}

export const POOL_ELEMENT_DEFAULTS: Required<Omit<PoolElementOptions, keyof HuntOptions>> = {
  lifeUnit: 'seconds',
  registrationTimeoutMs: 30_000,
  deregistrationTimeoutMs: 30_000,
  reregistrationMaxMs: 600_000,
  attemptsMax: 2,
  infiniteLife: -1,
  updateSpacingMs: 100,
  loadHysteresis: 0,
  inboundMax: 16,
  elementsMax: 1024,
};

/** One element of one pool. */
interface ElementName {
  readonly poolHandle: Uint8Array;
  /** Not 0; unique in the pool. */
  readonly elementId: number;
}

export type PoolElementInput =
  /** Registers it, or replaces all of its values. */
  | (ElementName & {
      readonly type: 'register';
      readonly userTransport: Transport;
      readonly policy: Policy;
      /** null: for ever. */
      readonly lifeMs: number | null;
      /** Where our ASAP endpoint listens, if the association does not tell: over TCP. */
      readonly asapTransport?: SctpTransport | TcpTransport;
    })
  /** Changes the values of its policy: its load, say. */
  | (ElementName & { readonly type: 'update'; readonly policy: Policy })
  | (ElementName & { readonly type: 'deregister' })
  | { readonly type: 'message'; readonly association: number; readonly message: AsapMessage }
  /** A registrar opened an association to our ASAP endpoint; the driver numbers these from −1 downwards. */
  | { readonly type: 'inbound-opened'; readonly association: number }
  | { readonly type: 'inbound-message'; readonly association: number; readonly message: AsapMessage }
  | { readonly type: 'inbound-closed'; readonly association: number }
  | HuntInput;

export type PoolElementOutput =
  | { readonly type: 'send'; readonly association: number; readonly message: AsapMessage }
  | HuntOutput
  | PoolElementEvent;

/** What became of an element. After `rejected`, `failed` and `deregistered` it is forgotten. */
export type PoolElementEvent = ElementName & { readonly type: 'event' } & (
    | { readonly event: 'registered'; readonly warnings: readonly ErrorCause[] }
    | { readonly event: 'rejected'; readonly reason: string; readonly causes: readonly ErrorCause[] }
    | { readonly event: 'failed'; readonly reason: 'not answered' | 'too many elements' }
    | { readonly event: 'detached'; readonly reason: 'association lost' | 'life expired' }
    | { readonly event: 'adopted'; readonly reason: string; readonly registrarId: number }
    | {
        readonly event: 'deregistered';
        readonly reason: 'confirmed' | 'not confirmed' | 'was not registered';
      }
    | {
        readonly event: 'deregistration-refused';
        readonly reason: string;
        readonly causes: readonly ErrorCause[];
      }
  );
