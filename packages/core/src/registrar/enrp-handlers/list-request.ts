// SPDX-License-Identifier: Apache-2.0
import type { ListRequest } from '@vnfpool/wire/enrp';
import { sendServerList } from '../peers/server-list.ts';
import type { EnrpHandler } from './handler.ts';

/** Tells whom we know; refuses while we are learning it ourselves. @see RFC 5353 §3.2.2 */
export const handleListRequest: EnrpHandler<ListRequest> = (state, { link }) => sendServerList(state, link);
