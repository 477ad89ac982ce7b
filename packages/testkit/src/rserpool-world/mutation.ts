// SPDX-License-Identifier: Apache-2.0
import type { RegistrarOptions, RegistrarOutput } from '@vnfpool/core/registrar';
import type { EnrpMessage } from '@vnfpool/wire/enrp';

/** Which registrar of how many it is, counted from 0 in the order of their making. */
export interface MutationPlace {
  readonly index: number;
  readonly registrarId: number;
}

/** Broken behaviour where a registrar meets its world. */
export interface RserpoolMutation {
  /** Options that a registrar gets wrong. */
  readonly options?: (place: MutationPlace) => Partial<RegistrarOptions>;
  /** What becomes of an output; undefined: it is lost. */
  readonly output?: (output: RegistrarOutput, place: MutationPlace) => RegistrarOutput | undefined;
  /** What becomes of a message of another registrar; undefined: it is lost. */
  readonly heard?: (message: EnrpMessage, place: MutationPlace) => EnrpMessage | undefined;
}
