// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { ServerAnnounce } from '@vnfpool/wire/asap';
import { readAsap } from './asap-stream.ts';

export interface AnnouncementListenerOptions {
  /** A multicast group; an address of our own listens for datagrams to it. */
  readonly group: string;
  readonly port: number;
  /** Address of the interface to join on. Default: the host chooses. */
  readonly interface?: string;
  /** Nobody vouches for what is in it. */
  readonly onAnnouncement: (message: ServerAnnounce, source: string) => void;
  /** It cannot listen any more, or could not at all. */
  readonly onTrouble: (reason: string) => void;
}

/** Hears registrars that announce themselves; returns the end of it. @see RFC 5352 §2.2.10, §3.6 */
export function listenForAnnouncements(options: AnnouncementListenerOptions): () => void {
  const { group, port, onAnnouncement, onTrouble } = options;
  const socket = createSocket({ type: isIPv6(group) ? 'udp6' : 'udp4', reuseAddr: true });
  let closed = false;
  const close = (): void => {
    if (closed) return;
    closed = true;
    socket.close();
  };
  socket.on('error', (error) => {
    onTrouble(`announcements: ${error.message}`);
    close();
  });
  socket.on('message', (datagram, { address }) => {
    const incoming = readAsap(datagram);
    if (incoming.type === 'message' && incoming.message.type === 'server-announce')
      onAnnouncement(incoming.message, address.split('%')[0] ?? address);
  });
  socket.bind(port, isMulticast(group) ? undefined : group, () => {
    if (!isMulticast(group)) return;
    try {
      socket.addMembership(group, options.interface);
    } catch (error) {
      onTrouble(`announcements: ${(error as Error).message}`);
      close();
    }
  });
  // Hearing is no reason to stay alive.
  socket.unref();
  return close;
}

function isMulticast(address: string): boolean {
  if (isIPv6(address)) return address.toLowerCase().startsWith('ff');
  const first = Number(address.split('.')[0]);
  return first >= 224 && first <= 239;
}
