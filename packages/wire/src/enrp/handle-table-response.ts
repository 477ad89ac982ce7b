// SPDX-License-Identifier: Apache-2.0
import type { MessageBody, MessageCodec } from '../message/message-codec.ts';
import { type PoolElement, readPoolElement, writePoolElement } from '../parameters/pool-element.ts';
import { readPoolHandle, writePoolHandle } from '../parameters/pool-handle.ts';
import { invalid, PARAMETER } from '../parameters/tlv.ts';
import { type EnrpHeader, readHeader, writeHeader } from './header.ts';

/** Elements of one pool. A pool may go on in the next response, under its handle again. */
export interface PoolEntry {
  readonly poolHandle: Uint8Array;
  readonly elements: readonly PoolElement[];
}

/**
 * ENRP_HANDLE_TABLE_RESPONSE, registrar → registrar: a part of the handlespace.
 *
 * ```
 *  ( pool handle | pool element, ... ) repeated
 * ```
 * @see RFC 5353 §2.3
 */
export interface HandleTableResponse extends EnrpHeader {
  readonly type: 'handle-table-response';
  /** R: not now. There are no pools then. */
  readonly rejected: boolean;
  /** M: ask again for the next part. */
  readonly more: boolean;
  readonly pools: readonly PoolEntry[];
}

const REJECTED = 0x01;
const MORE = 0x02;

export const handleTableResponse: MessageCodec<HandleTableResponse> = {
  code: 0x03,
  flags: ({ rejected, more }) => (rejected ? REJECTED : 0) | (more ? MORE : 0),
  write(writer, message) {
    writeHeader(writer, message);
    for (const { poolHandle, elements } of message.pools) {
      writePoolHandle(writer, poolHandle);
      for (const element of elements) writePoolElement(writer, element);
    }
  },
  read(body) {
    const header = readHeader(body);
    return {
      type: 'handle-table-response',
      ...header,
      rejected: (body.flags & REJECTED) !== 0,
      more: (body.flags & MORE) !== 0,
      pools: readPools(body),
    };
  },
};

/** A pool ends at the next pool handle; one without elements is let pass, it says nothing. */
function readPools(body: MessageBody): PoolEntry[] {
  const pools: { poolHandle: Uint8Array; elements: PoolElement[] }[] = [];
  for (const tlv of body.tlvs) {
    if (tlv.type === PARAMETER.poolHandle) {
      pools.push({ poolHandle: readPoolHandle(tlv), elements: [] });
    } else if (tlv.type === PARAMETER.poolElement) {
      const pool = pools.at(-1);
      if (pool === undefined)
        throw invalid('missing', tlv.offset, 'pool element before any pool handle', tlv.whole);
      pool.elements.push(readPoolElement(tlv, body.unrecognized));
    }
  }
  return pools;
}
