// SPDX-License-Identifier: Apache-2.0
import type { Extensions } from './extensions.ts';
import type {
  FunctionInformation,
  NodeInformation,
  SessionInformation,
  WantedOption,
} from './information.ts';

/** Commands of an OPERATION, in the order of their Sub-Types 1 to 6. */
export const COMMANDS = ['get', 'add', 'delete', 'move', 'copy', 'move-session'] as const;
export type Command = (typeof COMMANDS)[number];

/** Numbers of the message types. ERROR has none in the draft; 7 is ours. */
export const MessageType = {
  registration: 1,
  'keep-alive': 2,
  operation: 3,
  'status-update': 4,
  deregistration: 5,
  ack: 6,
  error: 7,
} as const;

/** Octets of the text for people, option 9/1. */
export const TEXT_BYTES_MAX = 1024;

/** Codes of an ACK: below 128 success, from 128 failure. */
export const AckCode = {
  successful: 0,
  failed: 128,
  insufficientResources: 129,
  administrativelyProhibited: 130,
  statusUnknown: 131,
} as const;

/** What stands behind one Node ID: its own options, then its functions. */
export interface NodePart {
  /** 0: none; in REGISTRATION it asks for one. */
  readonly id: number;
  /** IPv4 or IPv6 addresses in text form. */
  readonly addresses?: readonly string[];
  readonly ports?: readonly number[];
  readonly information?: NodeInformation;
  /** Only in KEEP-ALIVE and GET. */
  readonly wanted?: readonly WantedOption[];
  readonly sessions?: readonly SessionInformation[];
  /** For people, at most 1024 octets of UTF-8. */
  readonly text?: string;
  readonly extensions?: Extensions;
  readonly functions?: readonly FunctionPart[];
}

/** What stands behind one Function ID. */
export interface FunctionPart {
  /** 0: the node itself; 4294967295: all functions (GET only). */
  readonly id: number;
  readonly information?: FunctionInformation;
  /** Only in KEEP-ALIVE and GET. */
  readonly wanted?: readonly WantedOption[];
  readonly text?: string;
  readonly extensions?: Extensions;
}

interface Body {
  /** 1 to 16777215; 0 only in an ACK to a message whose number could not be read. */
  readonly sequence: number;
  /** In wire order; the first is the node concerned, or the source. */
  readonly nodes: readonly NodePart[];
}

/** Execution node to manager: here I am. */
export interface Registration extends Body {
  readonly type: 'registration';
}

/** Manager to execution node: are you there, and what of the wanted can you tell? */
export interface KeepAlive extends Body {
  readonly type: 'keep-alive';
}

/** Manager to execution node. */
export interface Operation extends Body {
  readonly type: 'operation';
  readonly command: Command;
}

/** Execution node to manager: something changed. */
export interface StatusUpdate extends Body {
  readonly type: 'status-update';
}

/** Execution node to manager: I leave; manager to node: leave. */
export interface Deregistration extends Body {
  readonly type: 'deregistration';
}

/** The one answer to any message but ACK; copies its sequence number and Sub-Type. */
export interface Ack extends Body {
  readonly type: 'ack';
  readonly subType: number;
  readonly code: number;
}

/** Either way; reports, does not close. */
export interface ErrorReport extends Body {
  readonly type: 'error';
}

export type MobilityMessage =
  | Registration
  | KeepAlive
  | Operation
  | StatusUpdate
  | Deregistration
  | Ack
  | ErrorReport;

/** Function ID that stands for the node itself. */
export const NODE_SCOPE = 0;
/** Function ID that stands for every function of a node, in GET only. */
export const ALL_FUNCTIONS = 0xffffffff;
