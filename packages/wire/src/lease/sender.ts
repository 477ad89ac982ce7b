// SPDX-License-Identifier: Apache-2.0

const SENDER_OFFSET = 4;

/**
 * The sender that a sealed datagram names, read before the seal is checked: it only tells whose key to try.
 * Undefined when the datagram is too short.
 */
export function claimedSender(sealed: Uint8Array): number | undefined {
  if (sealed.length < SENDER_OFFSET + 4) return undefined;
  return new DataView(sealed.buffer, sealed.byteOffset, sealed.byteLength).getUint32(SENDER_OFFSET);
}
