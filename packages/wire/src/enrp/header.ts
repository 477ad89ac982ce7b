// SPDX-License-Identifier: Apache-2.0
import type { ByteWriter } from '../bytes/index.ts';
import type { MessageBody } from '../message/message-codec.ts';

/** What every ENRP message starts with. @see RFC 5353 §2 */
export interface EnrpHeader {
  /** Identifier of the registrar that sends. */
  readonly sender: number;
  /** Identifier of the registrar meant; 0: all of them, or not known. */
  readonly receiver: number;
}

export function writeHeader(writer: ByteWriter, { sender, receiver }: EnrpHeader): void {
  writer.u32(sender).u32(receiver);
}

export function readHeader(body: MessageBody): EnrpHeader {
  const sender = body.u32();
  return { sender, receiver: body.u32() };
}
