// SPDX-License-Identifier: Apache-2.0
export { type DecodedEnrp, decodeEnrp, type EnrpMessage, encodeEnrp, enrpFrameLength } from './enrp.ts';
export type { EnrpError } from './error.ts';
export type { HandleTableRequest } from './handle-table-request.ts';
export type { HandleTableResponse, PoolEntry } from './handle-table-response.ts';
export type { HandleUpdate } from './handle-update.ts';
export type { EnrpHeader } from './header.ts';
export type { InitTakeover } from './init-takeover.ts';
export type { InitTakeoverAck } from './init-takeover-ack.ts';
export type { ListRequest } from './list-request.ts';
export type { ListResponse } from './list-response.ts';
export type { Presence } from './presence.ts';
export type { TakeoverServer } from './takeover-server.ts';
