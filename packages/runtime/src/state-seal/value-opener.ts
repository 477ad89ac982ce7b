// SPDX-License-Identifier: Apache-2.0
import { WireError } from '@vnfpool/wire/bytes';
import { decodeSealedValue, type SealedKey, type SealedValue } from '@vnfpool/wire/replication';
import { keyInfo, nonceOf, valueAdditional } from './additional.ts';
import { decrypt, openBase } from './hpke.ts';
import { SealError } from './seal-error.ts';
import { type SealKey, sealReceiver } from './seal-key.ts';

/** Content keys that are remembered: a state has few, one for each time that its receivers changed. */
const REMEMBERED_MAX = 64;

/** Opens what was sealed to this node's key. */
export class ValueOpener {
  readonly #own: SealKey;
  readonly #id: Uint8Array;
  /** By slot, epoch and what was sealed to us; the oldest first. */
  readonly #contentKeys = new Map<string, Uint8Array>();

  constructor(own: SealKey) {
    this.#own = own;
    this.#id = sealReceiver(own.publicKey).id;
  }

  /** @throws SealError `malformed`, `not-for-us`, `forged` */
  open(
    slot: string,
    key: string,
    sealed: Uint8Array,
  ): { readonly value: Uint8Array; readonly epoch: number } {
    const decoded = decodedValue(sealed);
    const { epoch, number, head, octets } = decoded;
    const own = decoded.keys.find(({ receiver }) => Buffer.compare(receiver, this.#id) === 0);
    if (own === undefined)
      throw new SealError('not-for-us', 'it is sealed to other keys than that of this node');
    try {
      const contentKey = this.#contentKeyOf(slot, epoch, own);
      return { value: decrypt(contentKey, nonceOf(number), valueAdditional(slot, head, key), octets), epoch };
    } catch (error) {
      throw new SealError('forged', 'it is not what was sealed under this key of this slot', error);
    }
  }

  #contentKeyOf(slot: string, epoch: number, own: SealedKey): Uint8Array {
    const { encapsulated, sealed } = own;
    const name = `${slot} ${epoch} ${Buffer.concat([encapsulated, sealed]).toString('base64')}`;
    const known = this.#contentKeys.get(name);
    if (known !== undefined) return known;
    const contentKey = openBase(this.#own.privateKey, keyInfo(slot, epoch), this.#id, own);
    for (const [oldest] of this.#contentKeys) {
      if (this.#contentKeys.size < REMEMBERED_MAX) break;
      this.#contentKeys.delete(oldest);
    }
    this.#contentKeys.set(name, contentKey);
    return contentKey;
  }
}

/** Ids of the keys that a value is sealed to, ascending, as one text. @throws SealError `malformed` */
export function receiversOf(sealed: Uint8Array): string {
  return textOfReceivers(decodedValue(sealed).keys.map(({ receiver }) => receiver));
}

export function textOfReceivers(ids: readonly Uint8Array[]): string {
  return ids
    .map((id) => Buffer.from(id).toString('hex'))
    .sort()
    .join(' ');
}

function decodedValue(sealed: Uint8Array): SealedValue {
  try {
    return decodeSealedValue(sealed);
  } catch (error) {
    if (error instanceof WireError) throw new SealError('malformed', 'it is no sealed value', error);
    throw error;
  }
}
