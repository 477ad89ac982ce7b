// SPDX-License-Identifier: Apache-2.0
import { toHex } from '@vnfpool/wire/bytes';
import type { WireProtocol } from '@vnfpool/wire/json';
import { VECTORS } from '../mobility/vectors.ts';
import { octetsOf, VECTORS as PFSYNC_VECTORS } from '../pfsync/vectors.ts';
import { ASAP_VECTORS } from '../vectors/asap.ts';
import { ENRP_VECTORS } from '../vectors/enrp.ts';
import { RSPLIB_ASAP } from '../vectors/rsplib-asap.ts';
import { RSPLIB_CSP } from '../vectors/rsplib-csp.ts';
import { RSPLIB_ENRP } from '../vectors/rsplib-enrp.ts';

interface Named {
  readonly name: string;
  readonly hex: string;
}

/** Every message in this repository, made by hand or captured. */
export const MESSAGES: Readonly<Record<WireProtocol, readonly Named[]>> = {
  asap: [...ASAP_VECTORS, ...RSPLIB_ASAP],
  enrp: [...ENRP_VECTORS, ...RSPLIB_ENRP],
  csp: RSPLIB_CSP,
  mobility: VECTORS,
  pfsync: PFSYNC_VECTORS.map(({ name, hex }) => ({ name, hex: toHex(octetsOf(hex)) })),
};
