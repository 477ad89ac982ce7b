// SPDX-License-Identifier: Apache-2.0

/* What a seal is bound to, besides its octets. A label first, so that nothing of ours can be taken for another thing of ours. */

const slotOctets = (slot: string): Buffer => Buffer.from(slot, 'hex');

/** Of the content key for one node. */
export function keyInfo(slot: string, epoch: number): Uint8Array {
  const octets = Buffer.alloc(8);
  octets.writeBigUInt64BE(BigInt(epoch));
  return Buffer.concat([Buffer.from('vnfpool state-seal key 1\0'), slotOctets(slot), octets]);
}

/** Of a value: its slot, what stands before it (with the epoch) and its key, which is the rest. */
export function valueAdditional(slot: string, head: Uint8Array, key: string): Uint8Array {
  const label = Buffer.from('vnfpool state-seal value 1\0');
  return Buffer.concat([label, slotOctets(slot), head, Buffer.from(key, 'latin1')]);
}

/** A value's number as a nonce: no content key has a number twice. */
export function nonceOf(number: number): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(number), 4);
  return nonce;
}
