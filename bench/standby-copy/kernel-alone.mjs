// SPDX-License-Identifier: Apache-2.0
import { Conntrack } from '@vnfpool/platform/conntrack';
import { createNamespace, inNamespace } from '@vnfpool/platform/namespaces';
import { NETLINK_NETFILTER, NetlinkSocket } from '@vnfpool/platform/netlink';

const SEQUENCE_AT = 8;

/** The datagrams by which a table puts entries in: they are taken from its way to the kernel, which gets none of them. */
function datagramsOf(table, entries) {
  const way = Object.getOwnPropertyDescriptor(NetlinkSocket.prototype, 'sendMany');
  const made = [];
  NetlinkSocket.prototype.sendMany = (_, count, build) => {
    made.push({ count, datagram: build(1).slice() });
    return [];
  };
  try {
    table.insert(entries);
  } finally {
    Object.defineProperty(NetlinkSocket.prototype, 'sendMany', way);
  }
  return made;
}

/** Milliseconds that the kernel of an empty namespace takes for entries whose messages were made before. */
export function kernelAlone(entries, whole) {
  return whole.part(async (cleanup) => {
    const namespace = createNamespace();
    cleanup.add(() => namespace.close());
    const [table, socket] = inNamespace(namespace.fd, () => [
      new Conntrack(),
      new NetlinkSocket(NETLINK_NETFILTER, 2000, 1024 * 1024),
    ]);
    cleanup.add(() => table.close());
    cleanup.add(() => socket.close());
    const made = datagramsOf(table, entries);
    const start = performance.now();
    for (const { count, datagram } of made) {
      const refusals = socket.sendMany('insert conntrack', count, (first) => {
        const view = new DataView(datagram.buffer);
        for (let at = 0, number = first; at < datagram.length; at += view.getUint32(at, true), number++)
          view.setUint32(at + SEQUENCE_AT, number, true);
        return datagram;
      });
      if (refusals.length > 0) throw new Error(`the kernel refuses ${refusals.length} entries`);
    }
    const tookMs = performance.now() - start;
    if (table.count() !== entries.length) throw new Error(`${table.count()} of ${entries.length} entries`);
    return tookMs;
  });
}
