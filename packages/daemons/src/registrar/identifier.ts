// SPDX-License-Identifier: Apache-2.0

/** A registrar's identifier: random, not 0. @see RFC 5353 §3.1 */
export function drawIdentifier(u32: () => number): number {
  for (;;) {
    const id = u32();
    if (id !== 0) return id;
  }
}
