// SPDX-License-Identifier: Apache-2.0
import type {
  AsapError,
  AsapMessage,
  BusinessCard,
  Cookie,
  CookieEcho,
  Deregistration,
  DeregistrationResponse,
  EndpointKeepAlive,
  EndpointKeepAliveAck,
  EndpointUnreachable,
  HandleResolution,
  HandleResolutionResponse,
  Registration,
  RegistrationResponse,
  ServerAnnounce,
} from '../asap/index.ts';
import { type Field, list, object, optional, tagged } from './field.ts';
import { causes, endpoint, policy, poolElement, poolHandle } from './parameter-fields.ts';
import { flag, octets, oneOf, u32 } from './value-fields.ts';

const elements = list(poolElement);

export const asapFields: Field<AsapMessage> = tagged<AsapMessage>({
  registration: object<Registration>({ type: oneOf('registration'), poolHandle, element: poolElement }),
  deregistration: object<Deregistration>({ type: oneOf('deregistration'), poolHandle, elementId: u32 }),
  'registration-response': object<RegistrationResponse>({
    type: oneOf('registration-response'),
    rejected: flag,
    poolHandle,
    elementId: u32,
    causes,
  }),
  'deregistration-response': object<DeregistrationResponse>({
    type: oneOf('deregistration-response'),
    poolHandle,
    elementId: u32,
    causes,
  }),
  'handle-resolution': object<HandleResolution>({
    type: oneOf('handle-resolution'),
    sendUpdates: flag,
    poolHandle,
    items: optional(u32),
  }),
  'handle-resolution-response': object<HandleResolutionResponse>({
    type: oneOf('handle-resolution-response'),
    updatesAccepted: flag,
    poolHandle,
    policy: optional(policy),
    elements,
    causes,
  }),
  'endpoint-keep-alive': object<EndpointKeepAlive>({
    type: oneOf('endpoint-keep-alive'),
    becomeHome: flag,
    registrarId: u32,
    poolHandle,
    elementId: optional(u32),
  }),
  'endpoint-keep-alive-ack': object<EndpointKeepAliveAck>({
    type: oneOf('endpoint-keep-alive-ack'),
    poolHandle,
    elementId: u32,
  }),
  'endpoint-unreachable': object<EndpointUnreachable>({
    type: oneOf('endpoint-unreachable'),
    poolHandle,
    elementId: u32,
  }),
  'server-announce': object<ServerAnnounce>({
    type: oneOf('server-announce'),
    registrarId: u32,
    transports: list(endpoint),
  }),
  cookie: object<Cookie>({ type: oneOf('cookie'), cookie: octets }),
  'cookie-echo': object<CookieEcho>({ type: oneOf('cookie-echo'), cookie: octets }),
  'business-card': object<BusinessCard>({ type: oneOf('business-card'), poolHandle, elements }),
  error: object<AsapError>({ type: oneOf('error'), causes }),
});
