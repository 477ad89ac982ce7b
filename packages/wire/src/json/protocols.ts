// SPDX-License-Identifier: Apache-2.0
import { type AsapMessage, decodeAsap, encodeAsap } from '../asap/index.ts';
import { WireError } from '../bytes/index.ts';
import { type ComponentStatus, decodeComponentStatus, encodeComponentStatus } from '../csp/index.ts';
import { decodeEnrp, type EnrpMessage, encodeEnrp } from '../enrp/index.ts';
import type { Decoded } from '../message/message-set.ts';
import {
  decodeMobility,
  encodeMobility,
  FRAME_HEADER_BYTES,
  type MobilityMessage,
  mobilityFrameBytes,
} from '../mobility/index.ts';
import type { FinalPadding } from '../parameters/tlv.ts';
import { decodePfsync, encodePfsync, type PfsyncMessage } from '../pfsync/index.ts';
import { asapFields } from './asap-fields.ts';
import { cspFields } from './csp-fields.ts';
import { enrpFields } from './enrp-fields.ts';
import type { Field } from './field.ts';
import { mobilityFields } from './mobility-fields.ts';
import { pfsyncFields } from './pfsync-fields.ts';

/** Protocols whose messages have a JSON form. */
export type WireProtocol = 'asap' | 'enrp' | 'csp' | 'mobility' | 'pfsync';

/** What the JSON form needs to know of a protocol. */
export interface ProtocolCodec<M> {
  readonly fields: Field<M>;
  /** Forms of final padding that its messages have; only one where nothing is padded. */
  readonly paddings: readonly FinalPadding[];
  decode(octets: Uint8Array): Decoded<M>;
  encode(message: M, padding: FinalPadding): Uint8Array;
}

const BOTH = ['excluded', 'included'] as const;

const asap: ProtocolCodec<AsapMessage> = {
  fields: asapFields,
  paddings: BOTH,
  decode: decodeAsap,
  encode: encodeAsap,
};

const enrp: ProtocolCodec<EnrpMessage> = {
  fields: enrpFields,
  paddings: BOTH,
  decode: decodeEnrp,
  encode: encodeEnrp,
};

const csp: ProtocolCodec<ComponentStatus> = {
  fields: cspFields,
  paddings: ['excluded'],
  decode: (octets) => ({ message: decodeComponentStatus(octets), unrecognized: [] }),
  encode: encodeComponentStatus,
};

const mobility: ProtocolCodec<MobilityMessage> = {
  fields: mobilityFields,
  paddings: ['excluded'],
  decode: (octets) => {
    const size = mobilityFrameBytes(octets.subarray(0, FRAME_HEADER_BYTES));
    if (octets.length > size)
      throw new WireError('trailing', size, `${octets.length - size} octets behind the message`);
    return { message: decodeMobility(octets), unrecognized: [] };
  },
  encode: encodeMobility,
};

const pfsync: ProtocolCodec<PfsyncMessage> = {
  fields: pfsyncFields,
  paddings: ['excluded'],
  decode: (octets) => ({ message: decodePfsync(octets), unrecognized: [] }),
  encode: encodePfsync,
};

/** Each encodes only what it has decoded, or what its own fields have read. */
export const PROTOCOLS = { asap, enrp, csp, mobility, pfsync } as unknown as Readonly<
  Record<WireProtocol, ProtocolCodec<unknown>>
>;
