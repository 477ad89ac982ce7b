// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage } from '@vnfpool/wire/asap';
import type {
  ErrorCause,
  IpText,
  SctpTransport,
  TcpTransport,
  UnrecognizedParameter,
} from '@vnfpool/wire/parameters';
import type { Refusal } from '../handlespace/handlespace.ts';
import type { Identity } from './options.ts';

/** The driver's number of an association: a later one has a higher number. */
export type AssociationId = number;

/** The other end of an association. */
export interface Peer {
  readonly transport: 'tcp' | 'sctp';
  /** At least one; for SCTP all of them. */
  readonly addresses: readonly IpText[];
  /** Where its ASAP endpoint accepts associations; absent: not known, the association is the only way to it. */
  readonly asapTransport?: SctpTransport | TcpTransport;
}

export type RegistrarInput =
  | {
      readonly type: 'association-opened';
      readonly association: AssociationId;
      /** null: not authenticated. */
      readonly identity: Identity | null;
      readonly peer: Peer;
    }
  | {
      readonly type: 'message';
      readonly association: AssociationId;
      readonly message: AsapMessage;
      readonly unrecognized: readonly UnrecognizedParameter[];
    }
  | {
      readonly type: 'malformed';
      readonly association: AssociationId;
      /** From `DiscardError`; null: nothing is to be told. */
      readonly report: ErrorCause | null;
    }
  | { readonly type: 'association-closed'; readonly association: AssociationId };

export type RegistrarOutput =
  | { readonly type: 'send'; readonly association: AssociationId; readonly message: AsapMessage }
  | { readonly type: 'close'; readonly association: AssociationId; readonly reason: string }
  | RegistrarEvent;

/** Why an element is gone. */
export type RemovalReason =
  | 'deregistered'
  | 'life-expired'
  | 'keep-alive-timeout'
  | 'association-lost'
  | 'reported-unreachable';

/** Why a registration was refused. */
export type RegistrationRefusal =
  | 'not-authenticated'
  | 'not-authorized'
  | 'address-not-own'
  | 'invalid-identifier'
  | 'invalid-life'
  | 'identifier-in-use'
  | 'association-full'
  | Refusal;

interface ElementEvent {
  readonly type: 'event';
  readonly poolHandle: Uint8Array;
  readonly elementId: number;
}

/** What happened, for logs and views. */
export type RegistrarEvent =
  | (ElementEvent & { readonly event: 'element-registered'; readonly reason: 'new' | 'renewed' | 'changed' })
  | (ElementEvent & { readonly event: 'element-removed'; readonly reason: RemovalReason })
  | (ElementEvent & { readonly event: 'registration-refused'; readonly reason: RegistrationRefusal })
  | (ElementEvent & { readonly event: 'deregistration-refused'; readonly reason: 'not-its-own' })
  | (ElementEvent & {
      readonly event: 'element-reported';
      readonly reason: string;
      readonly badReports: number;
    })
  | (ElementEvent & { readonly event: 'element-detached'; readonly reason: 'association-lost' })
  | {
      readonly type: 'event';
      readonly event: 'peer-error';
      readonly association: AssociationId;
      readonly reason: string;
    };
