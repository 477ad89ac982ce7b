// SPDX-License-Identifier: Apache-2.0
import type {
  EnrpError,
  EnrpMessage,
  HandleTableRequest,
  HandleTableResponse,
  HandleUpdate,
  InitTakeover,
  InitTakeoverAck,
  ListRequest,
  ListResponse,
  PoolEntry,
  Presence,
  TakeoverServer,
} from '../enrp/index.ts';
import { type Field, list, object, optional, tagged } from './field.ts';
import { causes, poolElement, poolHandle, serverInformation } from './parameter-fields.ts';
import { flag, oneOf, u16, u32 } from './value-fields.ts';

const header = { sender: u32, receiver: u32 };

export const enrpFields: Field<EnrpMessage> = tagged<EnrpMessage>({
  presence: object<Presence>({
    type: oneOf('presence'),
    ...header,
    replyRequired: flag,
    checksum: optional(u16),
    server: optional(serverInformation),
  }),
  'handle-table-request': object<HandleTableRequest>({
    type: oneOf('handle-table-request'),
    ...header,
    ownOnly: flag,
  }),
  'handle-table-response': object<HandleTableResponse>({
    type: oneOf('handle-table-response'),
    ...header,
    rejected: flag,
    more: flag,
    pools: list(object<PoolEntry>({ poolHandle, elements: list(poolElement) })),
  }),
  'handle-update': object<HandleUpdate>({
    type: oneOf('handle-update'),
    ...header,
    takeoverSuggested: flag,
    action: oneOf('add', 'delete'),
    poolHandle,
    element: poolElement,
  }),
  'list-request': object<ListRequest>({ type: oneOf('list-request'), ...header }),
  'list-response': object<ListResponse>({
    type: oneOf('list-response'),
    ...header,
    rejected: flag,
    servers: list(serverInformation),
  }),
  'init-takeover': object<InitTakeover>({ type: oneOf('init-takeover'), ...header, target: u32 }),
  'init-takeover-ack': object<InitTakeoverAck>({ type: oneOf('init-takeover-ack'), ...header, target: u32 }),
  'takeover-server': object<TakeoverServer>({ type: oneOf('takeover-server'), ...header, target: u32 }),
  error: object<EnrpError>({ type: oneOf('error'), ...header, causes }),
});
