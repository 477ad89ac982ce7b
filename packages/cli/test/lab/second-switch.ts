// SPDX-License-Identifier: Apache-2.0
import { createNamespace, inNamespace, type NetworkNamespace } from '@vnfpool/platform/namespaces';
import {
  createBridge,
  createVeth,
  findLink,
  NETLINK_ROUTE,
  NetlinkSocket,
  setLinkMaster,
  setLinkUp,
} from '@vnfpool/platform/netlink';
import type { Hosts } from './hosts.ts';

/** Another switch beside that of the hosts: what is joined to it has it at `eth1`. */
export class SecondSwitch {
  readonly #hosts: Hosts;
  readonly #home: NetworkNamespace = createNamespace();

  constructor(hosts: Hosts) {
    this.#hosts = hosts;
    this.#route((socket) => {
      createBridge(socket, 'br1');
      setLinkUp(socket, findLink(socket, 'br1').index, true);
    });
  }

  /** `address`: of a /24, different in its last octet from all others here. */
  join(host: string, address: string): void {
    this.#route((socket) => {
      const port = portOf(address);
      const { fd } = this.#hosts.network.host(host).namespace;
      createVeth(socket, { name: port }, { name: 'eth1', namespaceFd: fd });
      const { index } = findLink(socket, port);
      setLinkMaster(socket, index, findLink(socket, 'br1').index);
      setLinkUp(socket, index, true);
    });
    this.#hosts.ip(host, 'addr', 'add', `${address}/24`, 'dev', 'eth1');
    this.#hosts.ip(host, 'link', 'set', 'eth1', 'up');
  }

  /** Sets the switch's end of a cable up or down: the host's own end stays up, with or without a carrier. */
  plug(address: string, isIn: boolean): void {
    this.#route((socket) => setLinkUp(socket, findLink(socket, portOf(address)).index, isIn));
  }

  close(): void {
    this.#home.close();
  }

  #route(work: (socket: NetlinkSocket) => void): void {
    inNamespace(this.#home.fd, () => {
      const socket = new NetlinkSocket(NETLINK_ROUTE);
      work(socket);
      socket.close();
    });
  }
}

function portOf(address: string): string {
  return `p${address.split('.').at(-1)}`;
}
