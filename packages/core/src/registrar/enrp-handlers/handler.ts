// SPDX-License-Identifier: Apache-2.0
import type { EnrpMessage } from '@vnfpool/wire/enrp';
import type { PeerLink, PeerRegistrar } from '../peers/peer.ts';
import type { RegistrarState } from '../state.ts';

/** Who sent a message, and over which association. */
export interface From {
  readonly peer: PeerRegistrar;
  readonly link: PeerLink;
}

/** Carries out one message of a peer; what has to be done gathers in the state. */
export type EnrpHandler<M extends EnrpMessage> = (
  state: RegistrarState,
  from: From,
  message: M,
  nowMs: number,
) => void;
