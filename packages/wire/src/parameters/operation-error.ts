// SPDX-License-Identifier: Apache-2.0
import { ByteWriter, WireError } from '../bytes/index.ts';
import { decodeTlv, type ErrorCause, PARAMETER, readTlv, type Tlv, writeContainer, writeTlv } from './tlv.ts';

/** Error cause codes. Others are met too: treat them as `unspecified` and show the number. @see RFC 5354 §3.12 */
export const CAUSE = {
  unspecified: 0x0,
  unrecognizedParameter: 0x1,
  unrecognizedMessage: 0x2,
  invalidValues: 0x3,
  nonUniqueIdentifier: 0x4,
  inconsistentPolicy: 0x5,
  lackOfResources: 0x6,
  inconsistentTransport: 0x7,
  inconsistentDataControl: 0x8,
  unknownPoolHandle: 0x9,
  security: 0xa,
} as const;

/** At most this many causes in one Operation Error are read. */
export const CAUSES_MAX: number = 64;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0x0, 'unspecified error'],
  [0x1, 'unrecognized parameter'],
  [0x2, 'unrecognized message'],
  [0x3, 'invalid values'],
  [0x4, 'PE identifier not unique'],
  [0x5, 'inconsistent pooling policy'],
  [0x6, 'lack of resources'],
  [0x7, 'inconsistent transport type'],
  [0x8, 'inconsistent data/control configuration'],
  [0x9, 'unknown pool handle'],
  [0xa, 'rejected due to security considerations'],
]);

/** A cause in words; the number for one that no standard knows. */
export function describeCause(cause: ErrorCause): string {
  return NAMES.get(cause.code) ?? `error cause 0x${cause.code.toString(16)}`;
}

/** A cause without information, or with this one. */
export function errorCause(code: number, info: Uint8Array = new Uint8Array(0)): ErrorCause {
  return { code, info };
}

const INFO = new ByteWriter(0xffff, 4096);

/** The octets of what `write` writes, for a cause that carries a parameter. */
export function causeInfo(write: (writer: ByteWriter) => void): Uint8Array {
  INFO.reset();
  write(INFO);
  return INFO.take();
}

/** Reads an Operation Error: one cause or more. `info` shares memory. */
export function readOperationError(tlv: Tlv): ErrorCause[] {
  return decodeTlv(tlv, (value) => {
    const causes: ErrorCause[] = [];
    while (value.remaining > 0) {
      if (causes.length === CAUSES_MAX) throw new WireError('limit', value.offset, 'too many error causes');
      const cause = readTlv(value);
      causes.push({ code: cause.type, info: cause.value.rest() });
    }
    if (causes.length === 0) throw new WireError('missing', tlv.offset, 'operation error without cause');
    return causes;
  });
}

export function writeOperationError(writer: ByteWriter, causes: readonly ErrorCause[]): void {
  writeContainer(writer, PARAMETER.operationError, () => {
    for (const { code, info } of causes) writeTlv(writer, code, () => writer.bytes(info));
  });
}
