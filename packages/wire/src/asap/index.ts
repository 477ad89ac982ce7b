// SPDX-License-Identifier: Apache-2.0
export { type AsapMessage, asapFrameLength, type DecodedAsap, decodeAsap, encodeAsap } from './asap.ts';
export type { BusinessCard } from './business-card.ts';
export type { Cookie, CookieEcho } from './cookie.ts';
export type { Deregistration } from './deregistration.ts';
export type { DeregistrationResponse } from './deregistration-response.ts';
export type { EndpointKeepAlive } from './endpoint-keep-alive.ts';
export type { EndpointKeepAliveAck } from './endpoint-keep-alive-ack.ts';
export type { EndpointUnreachable } from './endpoint-unreachable.ts';
export type { AsapError } from './error.ts';
export type { HandleResolution } from './handle-resolution.ts';
export type { HandleResolutionResponse } from './handle-resolution-response.ts';
export type { Registration } from './registration.ts';
export type { RegistrationResponse } from './registration-response.ts';
export type { ServerAnnounce } from './server-announce.ts';
