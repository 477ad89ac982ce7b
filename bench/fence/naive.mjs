// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import {
  changeSets,
  listSet,
  NETLINK_NETFILTER,
  NetlinkSocket,
  NFPROTO_NETDEV,
} from '@vnfpool/platform/netlink';

/**
 * What one would write first, and what stood here before: an element for each address, with an interval of the wall clock
 * and a timeout, all of them replaced in one transaction.
 */
export class NaiveFence {
  #place = { family: NFPROTO_NETDEV, table: 'naive', set: 'lease' };
  #socket = new NetlinkSocket(NETLINK_NETFILTER, 60_000, 8 * 1024 * 1024);
  #written = [];
  #addresses;

  constructor(link, addresses) {
    this.#addresses = addresses;
    const input = `table netdev naive {
      set lease { typeof ip saddr . meta time; flags interval,timeout; }
      chain in { type filter hook ingress devices = { ${link} } priority -450; policy accept;
        ip daddr . meta time != @lease counter accept;
      }
    }
`;
    const run = spawnSync('nft', ['-f', '-'], { input, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`nft: ${run.stderr || run.error}`);
  }

  refresh(leftMs) {
    const fromNs = BigInt(Math.floor(Date.now())) * 1_000_000n;
    const grain = (ns) => (ns >> 20n) << 20n;
    const key = (address, ns) => {
      const bytes = new Uint8Array(12);
      bytes.set(address.split('.').map(Number));
      new DataView(bytes.buffer).setBigUint64(4, ns);
      return bytes;
    };
    const elements = this.#addresses.map((address) => ({
      key: key(address, grain(fromNs)),
      keyEnd: key(address, grain(fromNs + BigInt(leftMs) * 1_000_000n) - 1n),
      timeoutMs: leftMs,
    }));
    for (let attempt = 0; attempt < 3; attempt++) {
      const failure = changeSets(this.#socket, [
        { change: 'delete', place: this.#place, elements: this.#written },
        { change: 'add', place: this.#place, elements },
      ]);
      if (!failure) {
        this.#written = elements;
        return;
      }
      // Now and then the kernel finds an interval in the way that the same transaction takes away.
      if (failure.error.code !== 'EEXIST') throw failure.error;
      this.#written = listSet(this.#socket, this.#place);
    }
    throw new Error('the intervals cannot be replaced');
  }

  dispose() {
    this.#socket.close();
    spawnSync('nft', ['delete', 'table', 'netdev', 'naive']);
  }
}
