// SPDX-License-Identifier: Apache-2.0
import type { Socket } from 'node:net';

/** The descriptor of a Node socket, plain or TLS; null once it is closed. Node does not document where it is. */
export function descriptorOf(socket: Socket): number | null {
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: number } | null };
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : null;
}
