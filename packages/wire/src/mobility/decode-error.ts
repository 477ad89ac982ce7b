// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';

/**
 * A message that does not decode though its frame holds, with what an ACK 128 to it needs. `sequence` is 0
 * and `nodeId` undefined where they could not be read. `answerable` is false for an ACK: those get none.
 */
export class MobilityDecodeError extends WireError {
  override readonly name: string = 'MobilityDecodeError';
  readonly messageType: number;
  readonly subType: number;
  readonly sequence: number;
  readonly nodeId: number | undefined;
  /** Number for extension 4. */
  readonly errorNumber: number;

  constructor(
    cause: WireError,
    header: {
      messageType: number;
      subType: number;
      sequence: number;
      nodeId: number | undefined;
      errorNumber: number;
    },
  ) {
    super(cause.code, cause.offset, '');
    this.message = cause.message;
    this.messageType = header.messageType;
    this.subType = header.subType;
    this.sequence = header.sequence;
    this.nodeId = header.nodeId;
    this.errorNumber = header.errorNumber;
  }
}
