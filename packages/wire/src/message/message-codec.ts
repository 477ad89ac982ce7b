// SPDX-License-Identifier: Apache-2.0
import type { ByteReader, ByteWriter } from '../bytes/index.ts';
import { readOperationError } from '../parameters/operation-error.ts';
import { readPeIdentifier } from '../parameters/pe-identifier.ts';
import { readPoolHandle } from '../parameters/pool-handle.ts';
import {
  type ErrorCause,
  mandatoryTlv,
  optionalTlv,
  PARAMETER,
  readTlvs,
  type Tlv,
  type UnrecognizedParameter,
} from '../parameters/tlv.ts';

/** How one message type is written and read. */
export interface MessageCodec<M> {
  /** The Message Type octet. */
  readonly code: number;
  /** The Message Flags octet; without it, 0. */
  readonly flags?: (message: M) => number;
  /** Writes everything behind the header. */
  readonly write: (writer: ByteWriter, message: M) => void;
  readonly read: (body: MessageBody) => M;
}

/** What stands behind a message header, while it is being read. */
export class MessageBody {
  readonly flags: number;
  readonly unrecognized: UnrecognizedParameter[] = [];
  readonly #reader: ByteReader;
  #tlvs: Tlv[] | undefined;

  constructor(flags: number, reader: ByteReader) {
    this.flags = flags;
    this.#reader = reader;
  }

  /** A fixed field; all of them come before the parameters. */
  u16(): number {
    return this.#reader.u16();
  }

  /** A fixed field. */
  u32(): number {
    return this.#reader.u32();
  }

  /** All parameters, in the order of the message. Their order is free; types that do not belong here are ignored. */
  get tlvs(): readonly Tlv[] {
    this.#tlvs ??= readTlvs(this.#reader, this.unrecognized);
    return this.#tlvs;
  }

  mandatory(type: number): Tlv {
    return mandatoryTlv(this.tlvs, type, 0);
  }

  optional(type: number): Tlv | undefined {
    return optionalTlv(this.tlvs, type);
  }

  poolHandle(): Uint8Array {
    return readPoolHandle(this.mandatory(PARAMETER.poolHandle));
  }

  elementId(): number {
    return readPeIdentifier(this.mandatory(PARAMETER.peIdentifier));
  }

  /** Causes of the Operation Error; none without one. */
  causes(): readonly ErrorCause[] {
    const tlv = this.optional(PARAMETER.operationError);
    return tlv === undefined ? [] : readOperationError(tlv);
  }
}
