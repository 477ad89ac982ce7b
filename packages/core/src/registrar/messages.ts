// SPDX-License-Identifier: Apache-2.0
import type { AsapMessage, ServerAnnounce } from '@vnfpool/wire/asap';
import type { EnrpMessage, Presence } from '@vnfpool/wire/enrp';
import type {
  ErrorCause,
  IpText,
  SctpTransport,
  TcpTransport,
  UnrecognizedParameter,
} from '@vnfpool/wire/parameters';
import type { Refusal } from '../handlespace/handlespace.ts';
import type { Identity } from './options.ts';

/** The driver's number of an association, ASAP or ENRP alike: a later one has a higher number. */
export type AssociationId = number;

/** The core's number of a `connect` output; what comes of it names the same number. */
export type ConnectAttempt = number;

/** Where a registrar is reached. TCP only in an all-TCP scope. */
export type RegistrarTransport = SctpTransport | TcpTransport;

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
      /** Present: this is what a `connect` with protocol `asap` led to. */
      readonly attempt?: ConnectAttempt;
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
  | { readonly type: 'association-closed'; readonly association: AssociationId }
  | EnrpInput;

/** What reaches a registrar as a member of a scope. */
export type EnrpInput =
  /** Joins the scope through a mentor, or begins one. Without it a registrar runs alone and knows no peers. */
  | {
      readonly type: 'start';
      /** Our ENRP endpoint, as other registrars reach it. */
      readonly server: RegistrarTransport;
      /** Where we serve ASAP, for announcements. */
      readonly asap: readonly RegistrarTransport[];
      /** ENRP endpoints of registrars to learn the handlespace from, the preferred one first; none: we begin the scope. */
      readonly mentors: readonly RegistrarTransport[];
    }
  /** No more announcements, presences, connects or takeovers. Associations stay until the driver closes them. */
  | { readonly type: 'stop' }
  /** An ENRP association, accepted or asked for. */
  | {
      readonly type: 'peer-opened';
      readonly association: AssociationId;
      /** null: not authenticated; refused unless `openPeering`. */
      readonly identity: Identity | null;
      readonly peer: Peer;
      /** Present: this is what a `connect` with protocol `enrp` led to. */
      readonly attempt?: ConnectAttempt;
    }
  | {
      readonly type: 'peer-message';
      readonly association: AssociationId;
      readonly message: EnrpMessage;
      readonly unrecognized: readonly UnrecognizedParameter[];
    }
  | {
      readonly type: 'peer-malformed';
      readonly association: AssociationId;
      /** From `DiscardError`; null: nothing is to be told. */
      readonly report: ErrorCause | null;
    }
  | { readonly type: 'peer-closed'; readonly association: AssociationId }
  | { readonly type: 'connect-failed'; readonly attempt: ConnectAttempt; readonly reason: string }
  /** Another registrar's announcement, by multicast: it is counted, never believed. */
  | { readonly type: 'announcement-heard'; readonly message: ServerAnnounce }
  /** A presence by multicast: a hint where a registrar may be. `address`: where the datagram came from. */
  | { readonly type: 'presence-heard'; readonly message: Presence; readonly address: IpText }
  /** Round-trip time of an association as the transport measured it, in milliseconds; else the core times its questions. */
  | { readonly type: 'round-trip'; readonly association: AssociationId; readonly ms: number };

export type RegistrarOutput =
  | { readonly type: 'send'; readonly association: AssociationId; readonly message: AsapMessage }
  /** Close this association, of either protocol. The core has forgotten it: what is still told of it means nothing. */
  | { readonly type: 'close'; readonly association: AssociationId; readonly reason: string }
  | EnrpOutput
  | RegistrarEvent;

export type EnrpOutput =
  /** Open an association; answered by `association-opened` or `peer-opened` with this attempt, or by `connect-failed`. */
  | {
      readonly type: 'connect';
      readonly attempt: ConnectAttempt;
      readonly protocol: 'asap' | 'enrp';
      readonly transport: RegistrarTransport;
    }
  | { readonly type: 'peer-send'; readonly association: AssociationId; readonly message: EnrpMessage }
  /** To the ASAP announcement group. */
  | { readonly type: 'announce'; readonly message: ServerAnnounce }
  /** To the ENRP announcement group, where the scope has one. */
  | { readonly type: 'presence-multicast'; readonly message: Presence };

/** Why an element is gone. */
export type RemovalReason =
  | 'deregistered'
  | 'life-expired'
  | 'keep-alive-timeout'
  | 'association-lost'
  | 'reported-unreachable'
  /** After a takeover or a suggestion: its ASAP endpoint could not be reached. */
  | 'adoption-failed';

/** Why a registration was refused. */
export type RegistrationRefusal =
  | 'not-authenticated'
  | 'not-authorized'
  | 'address-not-own'
  | 'invalid-identifier'
  | 'invalid-life'
  | 'identifier-in-use'
  | 'association-full'
  | 'rate-limited'
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
    }
  | ScopeEvent;

interface PeerEvent {
  readonly type: 'event';
  /** Identifier of the other registrar. */
  readonly registrarId: number;
  readonly reason: string;
}

/** What happened among the registrars of the scope. */
export type ScopeEvent =
  | (PeerEvent & {
      readonly event: 'peer-found' | 'peer-suspect' | 'peer-dead' | 'peer-back' | 'peer-removed';
    })
  /** An ENRP association was refused or closed by us, or a peer was not taken into the list. */
  | {
      readonly type: 'event';
      readonly event: 'peer-refused';
      readonly association: AssociationId | null;
      readonly reason: string;
    }
  | {
      readonly type: 'event';
      readonly event: 'mentor-failed';
      readonly mentor: RegistrarTransport;
      readonly reason: string;
    }
  /** We answer now. `mentor` null: as the first of our scope. */
  | {
      readonly type: 'event';
      readonly event: 'joined';
      readonly mentor: RegistrarTransport | null;
      readonly elements: number;
      readonly reason: string;
    }
  /** Somebody else has our identifier, so we took another. */
  | {
      readonly type: 'event';
      readonly event: 'identifier-changed';
      readonly from: number;
      readonly to: number;
      readonly reason: string;
    }
  /** `registrarId`: the dead registrar; `by`: who takes it over. */
  | (PeerEvent & {
      readonly event:
        | 'takeover-started'
        | 'takeover-lost'
        | 'takeover-won'
        | 'takeover-off'
        | 'takeover-repeated';
      readonly by: number;
    })
  | (ElementEvent & {
      readonly event: 'element-moved';
      readonly from: number;
      readonly to: number;
      readonly reason: 'registered-elsewhere' | 'registered-here' | 'taken-over' | 'suggested';
    })
  /** What a peer told of an element was not taken over. */
  | (ElementEvent & {
      readonly event: 'element-conflict';
      readonly registrarId: number;
      readonly reason: string;
    })
  | (PeerEvent & {
      readonly event: 'audit-mismatch' | 'audit-settled' | 'audit-failed';
      readonly told: number;
      readonly computed: number;
    })
  /** A bound was reached; told once until it is left again. */
  | {
      readonly type: 'event';
      readonly event: 'limit-reached';
      readonly association: AssociationId | null;
      readonly reason: string;
    };
