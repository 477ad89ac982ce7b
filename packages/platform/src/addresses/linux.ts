// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { isPlatformError, PlatformError } from '../errors.ts';
import type { VirtualAddresses } from '../interfaces.ts';
import { AF_PACKET, SOCK_CLOEXEC, SOCK_RAW } from '../libc/constants.ts';
import { libc } from '../libc/libc.ts';
import { addAddress, deleteAddress } from '../netlink/address.ts';
import { parseIpv4Prefix } from '../netlink/ipv4.ts';
import { findLink } from '../netlink/link.ts';
import { destroyTcpConnections } from '../netlink/sock-diag.ts';
import { NETLINK_ROUTE, NETLINK_SOCK_DIAG, NetlinkSocket } from '../netlink/socket.ts';
import { announcementFrame, broadcastPacketAddress } from './arp.ts';

const REPEATS_MAX = 16;

/** Where virtual addresses live. */
export interface VirtualAddressesOptions {
  /** An Ethernet-like link of the calling thread's namespace, `eth0`. */
  readonly interface: string;
}

/** The Linux implementation, which also tells what its kernel lacks. */
export interface LinuxVirtualAddresses extends VirtualAddresses {
  /** Why `destroySockets` does nothing; undefined as long as it works, or was not tried. */
  readonly socketDestroyMissing: string | undefined;
}

/**
 * Virtual addresses by rtnetlink and AF_PACKET, in the namespace of the calling thread; the sockets stay in it.
 *
 * An address without a prefix is a /32. It is deprecated as source, so that nothing but what binds to it speaks from it.
 * The link answers ARP only for its own addresses (`arp_ignore` 1) and asks with the best matching one (`arp_announce` 2).
 * `announce` throws `ENOBUFS` when the fence, or a full queue, stops the frame.
 * @throws PlatformError `ENODEV`; `BAD_ARGUMENT` for a link without a hardware address; `EPERM`
 */
export function createVirtualAddresses(options: VirtualAddressesOptions): LinuxVirtualAddresses {
  const system = libc();
  const route = new NetlinkSocket(NETLINK_ROUTE);
  const opened: (() => void)[] = [() => route.close()];
  try {
    const link = findLink(route, options.interface);
    if (link.hardwareAddress.length !== 6) {
      const message = `${options.interface} has no hardware address to announce`;
      throw new PlatformError('BAD_ARGUMENT', message, { call: 'virtual addresses' });
    }
    writeSetting(options.interface, 'arp_ignore', 1);
    writeSetting(options.interface, 'arp_announce', 2);
    const diag = new NetlinkSocket(NETLINK_SOCK_DIAG);
    opened.push(() => diag.close());
    // Protocol 0: this socket sends only, and no frame is queued at it.
    const packet = system.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    opened.push(() => system.close(packet));
    const everybody = broadcastPacketAddress(link.index);
    let socketDestroyMissing: string | undefined;

    return {
      get socketDestroyMissing() {
        return socketDestroyMissing;
      },
      raise: (address) => {
        try {
          addAddress(route, link.index, parseIpv4Prefix(address), true);
        } catch (error) {
          if (!isPlatformError(error, 'EEXIST')) throw error;
        }
      },
      withdraw: (address) => {
        try {
          deleteAddress(route, link.index, parseIpv4Prefix(address));
        } catch (error) {
          if (!isPlatformError(error, 'EADDRNOTAVAIL')) throw error;
        }
      },
      announce: (address, repeats) => {
        const frame = announcementFrame(parseIpv4Prefix(address).address, link.hardwareAddress);
        for (let sent = 0; sent < Math.min(repeats, REPEATS_MAX); sent++) {
          system.sendTo(packet, frame, 0, everybody);
        }
      },
      destroySockets: (address) => {
        if (socketDestroyMissing !== undefined) return;
        try {
          destroyTcpConnections(diag, parseIpv4Prefix(address).address);
        } catch (error) {
          if (!isPlatformError(error, 'EOPNOTSUPP', 'ENOENT', 'EINVAL')) throw error;
          socketDestroyMissing = `this kernel cannot end connections (${error.message})`;
        }
      },
      close: () => {
        for (const release of opened.splice(0)) release();
      },
    };
  } catch (error) {
    for (const release of opened) release();
    throw error;
  }
}

function writeSetting(link: string, name: string, value: number): void {
  const path = `/proc/sys/net/ipv4/conf/${link}/${name}`;
  try {
    writeFileSync(path, `${value}\n`);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    throw new PlatformError(code, `cannot write ${path}: ${code}`, { call: 'write setting', cause });
  }
}
