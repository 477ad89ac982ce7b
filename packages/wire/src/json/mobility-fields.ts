// SPDX-License-Identifier: Apache-2.0
import type {
  DocumentPart,
  Extensions,
  Hello,
  KeepAliveTiming,
  StateTransfer,
} from '../mobility/extensions.ts';
import type {
  FunctionInformation,
  NodeInformation,
  SessionInformation,
  WantedOption,
} from '../mobility/information.ts';
import {
  type Ack,
  COMMANDS,
  type Deregistration,
  type ErrorReport,
  type FunctionPart,
  type KeepAlive,
  type MobilityMessage,
  type NodePart,
  type Operation,
  type Registration,
  type StatusUpdate,
} from '../mobility/message.ts';
import { type Field, list, object, optional, tagged } from './field.ts';
import {
  address,
  fraction,
  integer,
  octets,
  oneOf,
  readable,
  text,
  u8,
  u16,
  u32,
  u64,
} from './value-fields.ts';

type Member<K> = Extract<SessionInformation, { readonly type: K }>;

const amount = optional(u64);
const load = optional(fraction(Number.MAX_VALUE));
const document = optional(readable);

const nodeInformation = object<NodeInformation>({
  capacityGhz: load,
  load,
  loadAverage: load,
  memoryBytes: amount,
  memoryFreeBytes: amount,
  storageBytes: amount,
  storageFreeBytes: amount,
  bandwidthBitsPerSecond: amount,
  bandwidthUsedBitsPerSecond: amount,
  bandwidthAverageBitsPerSecond: amount,
  bootTime: amount,
});

const functionInformation = object<FunctionInformation>({
  name: optional(text),
  load,
  loadAverage: load,
  memoryBytes: amount,
  memoryFreeBytes: amount,
  storageBytes: amount,
  storageFreeBytes: amount,
  bandwidthUsedBitsPerSecond: amount,
  bandwidthAverageBitsPerSecond: amount,
  bootTime: amount,
  status: optional(oneOf('Starting', 'Running', 'Terminating', 'Unknown')),
});

const session: Field<SessionInformation> = tagged<SessionInformation>({
  'sip-uri': object<Member<'sip-uri'>>({ type: oneOf('sip-uri'), uri: text }),
  contact: object<Member<'contact'>>({ type: oneOf('contact'), contact: octets }),
  ratio: object<Member<'ratio'>>({ type: oneOf('ratio'), ratio: fraction(1) }),
  count: object<Member<'count'>>({ type: oneOf('count'), count: u64 }),
  all: object<Member<'all'>>({ type: oneOf('all'), subType: u8 }),
});

const extensions = object<Extensions>({
  hello: optional(object<Hello>({ version: u8, instance: u64, term: amount })),
  transfer: optional(object<StateTransfer>({ token: octets, role: oneOf('source', 'destination') })),
  functionGone: optional(u32),
  timing: optional(object<KeepAliveTiming>({ intervalMs: u32, misses: u32 })),
  error: optional(u16),
  specification: document,
  assignment: document,
  configuration: document,
  leaseEndpoint: document,
  slotReport: document,
  functionReport: document,
  stateOrder: document,
  stateAnswer: document,
  configurationPart: optional(object<DocumentPart>({ part: u16, of: u16, octets })),
});

const wanted = optional(list(object<WantedOption>({ opType: u8, subType: u8 })));

const functionPart = object<FunctionPart>({
  id: u32,
  information: optional(functionInformation),
  wanted,
  text: optional(text),
  extensions: optional(extensions),
});

const nodePart = object<NodePart>({
  id: u32,
  addresses: optional(list(address)),
  ports: optional(list(u16)),
  information: optional(nodeInformation),
  wanted,
  sessions: optional(list(session)),
  text: optional(text),
  extensions: optional(extensions),
  functions: optional(list(functionPart)),
});

const body = { sequence: integer(0, 0xff_ffff), nodes: list(nodePart) };

export const mobilityFields: Field<MobilityMessage> = tagged<MobilityMessage>({
  registration: object<Registration>({ type: oneOf('registration'), ...body }),
  'keep-alive': object<KeepAlive>({ type: oneOf('keep-alive'), ...body }),
  operation: object<Operation>({ type: oneOf('operation'), command: oneOf(...COMMANDS), ...body }),
  'status-update': object<StatusUpdate>({ type: oneOf('status-update'), ...body }),
  deregistration: object<Deregistration>({ type: oneOf('deregistration'), ...body }),
  ack: object<Ack>({ type: oneOf('ack'), subType: u8, code: u8, ...body }),
  error: object<ErrorReport>({ type: oneOf('error'), ...body }),
});
