// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { addAddress } from '../netlink/address.ts';
import { parseIpv4Prefix } from '../netlink/ipv4.ts';
import {
  checkInterfaceName,
  createBridge,
  createVeth,
  deleteLink,
  findLink,
  listLinks,
  setLinkMaster,
  setLinkUp,
} from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';
import { createNamespace, inNamespace, type NetworkNamespace } from './namespace.ts';

const HOSTS_MAX = 254;
const READY_WITHIN_MS = 5000;

/** What to build: a bridge in the current namespace and a namespace for each host. */
export interface NetworkPlan {
  /** Name of the bridge. */
  readonly bridge: string;
  /** Address of the current namespace on the bridge, `10.0.0.254/24`; without, it takes no part. */
  readonly bridgeAddress?: string;
  readonly hosts: readonly {
    readonly name: string;
    /** `10.0.0.1/24`. */
    readonly address: string;
  }[];
}

/** A host of the network: its only link is `eth0`, besides loopback. */
export interface NetworkHost {
  readonly name: string;
  readonly address: string;
  readonly interface: string;
  readonly namespace: NetworkNamespace;
}

/** A network on one machine. */
export interface Network {
  readonly hosts: readonly NetworkHost[];
  /** @throws PlatformError `ENOENT` */
  host(name: string): NetworkHost;
  /** Takes the host's port at the bridge down: the host sees its link lose the carrier. */
  cut(name: string): void;
  /** Takes it up again. */
  heal(name: string): void;
  /** Removes bridge and links, and lets go of the namespaces. */
  close(): void;
}

/**
 * Builds the network in the namespace of the calling thread, and returns when frames pass, synchronously, after some
 * 10 ms to 1 s. What was built is taken away when a step fails.
 * @throws PlatformError `BAD_ARGUMENT` for names and addresses, `EEXIST` for a bridge that is there
 */
export function createNetwork(plan: NetworkPlan): Network {
  checkInterfaceName(plan.bridge);
  const names = new Set(plan.hosts.map((host) => host.name));
  if (plan.hosts.length > HOSTS_MAX || names.size !== plan.hosts.length) {
    const message = `at most ${HOSTS_MAX} hosts with different names`;
    throw new PlatformError('BAD_ARGUMENT', message, { call: 'create network' });
  }
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  const hosts: NetworkHost[] = [];
  const ports = new Map<string, number>();
  let bridgeIndex = 0;

  const close = (): void => {
    for (const index of ports.values()) deleteLink(socket, index);
    ports.clear();
    if (bridgeIndex !== 0) deleteLink(socket, bridgeIndex);
    bridgeIndex = 0;
    for (const host of hosts) host.namespace.close();
    socket.close();
  };

  try {
    createBridge(socket, plan.bridge);
    bridgeIndex = findLink(socket, plan.bridge).index;
    if (plan.bridgeAddress !== undefined) {
      addAddress(socket, bridgeIndex, parseIpv4Prefix(plan.bridgeAddress));
    }
    setLinkUp(socket, bridgeIndex, true);
    for (const [place, { name, address }] of plan.hosts.entries()) {
      const namespace = createNamespace();
      hosts.push({ name, address, interface: 'eth0', namespace });
      // Host names may be longer than a link's; the number keeps ports apart.
      const port = `${plan.bridge.slice(0, 10)}p${place}`;
      createVeth(socket, { name: port }, { name: 'eth0', namespaceFd: namespace.fd });
      const index = findLink(socket, port).index;
      ports.set(name, index);
      setLinkMaster(socket, index, bridgeIndex);
      // The host's end first: the port then has a carrier when it comes up.
      inNamespace(namespace.fd, () => configureHost(address));
      setLinkUp(socket, index, true);
    }
    waitFor('the ports to forward', () => {
      const forwarding = listLinks(socket).filter((link) => link.isForwarding);
      return [...ports.values()].every((index) => forwarding.some((link) => link.index === index));
    });
    for (const host of hosts) inNamespace(host.namespace.fd, waitForCarrier);
  } catch (error) {
    close();
    throw error;
  }

  const port = (name: string): number => {
    const index = ports.get(name);
    if (index === undefined) throw new PlatformError('ENOENT', `no host ${name}`, { call: 'network' });
    return index;
  };
  return {
    hosts,
    host: (name) => {
      const found = hosts.find((host) => host.name === name);
      if (found === undefined) throw new PlatformError('ENOENT', `no host ${name}`, { call: 'network' });
      return found;
    },
    cut: (name) => {
      setLinkUp(socket, port(name), false);
    },
    heal: (name) => {
      setLinkUp(socket, port(name), true);
    },
    close,
  };
}

/** The kernel tells bridges and queues of a new carrier later, from a work queue; frames sent before that are lost. */
function waitFor(what: string, isSo: () => boolean): void {
  const deadline = process.hrtime.bigint() + BigInt(READY_WITHIN_MS) * 1_000_000n;
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  while (!isSo()) {
    if (process.hrtime.bigint() > deadline) {
      throw new PlatformError('TIMEOUT', `waited ${READY_WITHIN_MS} ms for ${what}`, {
        call: 'create network',
      });
    }
    Atomics.wait(nobody, 0, 0, 1);
  }
}

function waitForCarrier(): void {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    waitFor('eth0 to have a carrier', () => findLink(socket, 'eth0').isOperational);
  } finally {
    socket.close();
  }
}

function configureHost(address: string): void {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    const { index } = findLink(socket, 'eth0');
    addAddress(socket, index, parseIpv4Prefix(address));
    setLinkUp(socket, index, true);
  } finally {
    socket.close();
  }
}
