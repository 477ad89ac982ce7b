// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto';
import { encodeSealedHead, type SealedKey } from '@vnfpool/wire/replication';
import { keyInfo, nonceOf, valueAdditional } from './additional.ts';
import { encrypt, sealBase } from './hpke.ts';
import type { SealReceiver } from './seal-key.ts';

/**
 * Seals the secrets of one slot's holder to the nodes that may open them: by one content key, drawn here, which is in no other place but
 * sealed to each of them. So every copy has the same octets, and its digest is the holder's.
 */
export class ValueSealer {
  readonly #slot: string;
  readonly #epoch: number;
  readonly #contentKey = randomBytes(32);
  readonly #keys: readonly SealedKey[];
  #number = 0;

  /** @param receivers 1 to `SEAL_RECEIVERS_MAX` */
  constructor(slot: string, epoch: number, receivers: readonly SealReceiver[]) {
    this.#slot = slot;
    this.#epoch = epoch;
    const info = keyInfo(slot, epoch);
    this.#keys = receivers.map(({ key, id }) => ({
      receiver: id,
      ...sealBase(key, info, id, this.#contentKey),
    }));
  }

  /** @param key of the state, as characters U+0000 to U+00FF @param value at most `REPLICA_SECRET_BYTES_MAX` octets */
  seal(key: string, value: Uint8Array): Uint8Array {
    this.#number += 1;
    const head = encodeSealedHead({ epoch: this.#epoch, number: this.#number, keys: this.#keys });
    const additional = valueAdditional(this.#slot, head, key);
    const octets = encrypt(this.#contentKey, nonceOf(this.#number), additional, value);
    return new Uint8Array(Buffer.concat([head, octets]));
  }
}
