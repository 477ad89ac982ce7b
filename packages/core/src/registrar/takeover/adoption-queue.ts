// SPDX-License-Identifier: Apache-2.0
import type { RegistrarTransport } from '../messages.ts';

/** An ASAP endpoint whose elements are asked to accept us as their home. */
export interface AdoptionTarget {
  readonly transport: RegistrarTransport;
  readonly elements: {
    readonly poolHandle: Uint8Array;
    readonly id: number;
    /** `suggestion`: it stays its owner's until it registers with us. */
    readonly cause: 'takeover' | 'suggestion';
  }[];
}

/** Endpoints yet to be connected to, by `endpointKey`, and how many attempts are under way. */
export class AdoptionQueue {
  readonly waiting: Map<string, AdoptionTarget> = new Map<string, AdoptionTarget>();
  connecting = 0;
}
