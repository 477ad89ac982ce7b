// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createVirtualAddresses, type LinuxVirtualAddresses } from '@vnfpool/platform/addresses';
import { writeConntrackSetting } from '@vnfpool/platform/conntrack';
import {
  createNamespace,
  createNetwork,
  inNamespace,
  type NetworkNamespace,
} from '@vnfpool/platform/namespaces';
import {
  addAddress,
  createBridge,
  createVeth,
  deleteAddress,
  findLink,
  NETLINK_ROUTE,
  NetlinkSocket,
  setDefaultRoute,
  setLinkMaster,
  setLinkUp,
} from '@vnfpool/platform/netlink';

/*
 *   client 10.1.0.2 ──┬── inside ──┬── a ──┬── outside ──┬── server 192.0.2.80
 *                                  └── b ──┘
 *
 * One gateway at a time is 10.1.0.1 inside and 192.0.2.1 outside, and masquerades: with ports of its own, so that nobody
 * guesses them, and without taking up connections that it does not know.
 */
const INSIDE = '10.1.0.1';
const OUTSIDE = { address: '192.0.2.1', prefix: 24 };
/** Where the server listens. */
export const SERVER = { address: '192.0.2.80', port: 8080 };
const ATTEMPTS = 1000;

const RULES = `
table ip nat {
  chain after { type nat hook postrouting priority srcnat; oifname "eth1" meta l4proto tcp masquerade to :20000-20999; }
}
table inet filter {
  chain through { type filter hook forward priority filter; ct state invalid drop; }
}
`;

/** One of the two gateways. */
export interface Gateway {
  readonly name: string;
  readonly namespace: NetworkNamespace;
  /** Takes the addresses, and tells the neighbours. */
  activate(): void;
  /** Gives the addresses up. */
  retire(): void;
  /** Cuts it off on both sides. */
  cut(): void;
}

/** A client and a server with two gateways between them. */
export interface GatewayLab {
  readonly client: NetworkNamespace;
  readonly server: NetworkNamespace;
  readonly a: Gateway;
  readonly b: Gateway;
  close(): void;
}

/** Builds it; no gateway is active yet. */
export function createGatewayLab(): GatewayLab {
  const closers: (() => void)[] = [];
  const close = (): void => {
    for (const step of closers.splice(0).reverse()) step();
  };
  try {
    const home = createNamespace();
    closers.push(() => home.close());
    const inside = inNamespace(home.fd, () =>
      createNetwork({
        bridge: 'inside',
        hosts: [
          { name: 'client', address: '10.1.0.2/24' },
          { name: 'a', address: '10.1.0.11/24' },
          { name: 'b', address: '10.1.0.12/24' },
        ],
      }),
    );
    closers.push(() => inside.close());
    const route = inNamespace(home.fd, () => new NetlinkSocket(NETLINK_ROUTE));
    closers.push(() => route.close());
    createBridge(route, 'outside');
    const bridge = findLink(route, 'outside').index;
    setLinkUp(route, bridge, true);
    const plug = (name: string, namespace: NetworkNamespace, link: string): number => {
      createVeth(route, { name }, { name: link, namespaceFd: namespace.fd });
      withRoute(namespace, (socket) => setLinkUp(socket, findLink(socket, link).index, true));
      const { index } = findLink(route, name);
      setLinkMaster(route, index, bridge);
      setLinkUp(route, index, true);
      return index;
    };

    const server = createNamespace();
    closers.push(() => server.close());
    const ports = [plug('server', server, 'eth0')];
    withRoute(server, (socket) => {
      addAddress(socket, findLink(socket, 'eth0').index, { address: SERVER.address, prefix: 24 });
    });
    const client = inside.host('client').namespace;
    withRoute(client, (socket) => setDefaultRoute(socket, findLink(socket, 'eth0').index, INSIDE));

    const gateway = (name: string): Gateway => {
      const { namespace } = inside.host(name);
      const port = plug(`outside-${name}`, namespace, 'eth1');
      ports.push(port);
      const cut = (): void => {
        inside.cut(name);
        setLinkUp(route, port, false);
      };
      return makeGateway(name, namespace, cut, closers);
    };
    const [a, b] = [gateway('a'), gateway('b')];
    awaitForwarding(route, ['server', 'outside-a', 'outside-b']);
    return { client, server, a, b, close };
  } catch (error) {
    close();
    throw error;
  }
}

function makeGateway(
  name: string,
  namespace: NetworkNamespace,
  cut: () => void,
  closers: (() => void)[],
): Gateway {
  const within = <Result>(work: () => Result): Result => inNamespace(namespace.fd, work);
  within(() => {
    writeFileSync('/proc/sys/net/ipv4/ip_forward', '1\n');
    const done = spawnSync('nft', ['-f', '-'], { input: RULES, encoding: 'utf8', timeout: 10_000 });
    if (done.status !== 0) throw new Error(`nft: ${done.stderr}`);
    writeConntrackSetting('nf_conntrack_tcp_loose', 0);
    writeConntrackSetting('nf_conntrack_events', 1);
  });
  const sides = ['eth0', 'eth1'].map((link): LinuxVirtualAddresses => {
    const side = within(() => createVirtualAddresses({ interface: link }));
    closers.push(() => side.close());
    return side;
  });
  const [inner, outer] = sides as [LinuxVirtualAddresses, LinuxVirtualAddresses];
  return {
    name,
    namespace,
    activate: () => {
      inner.raise(INSIDE);
      withRoute(namespace, (socket) => addAddress(socket, findLink(socket, 'eth1').index, OUTSIDE));
      inner.announce(INSIDE, 2);
      outer.announce(OUTSIDE.address, 2);
    },
    retire: () => {
      inner.withdraw(INSIDE);
      withRoute(namespace, (socket) => deleteAddress(socket, findLink(socket, 'eth1').index, OUTSIDE));
    },
    cut,
  };
}

function withRoute<Result>(namespace: NetworkNamespace, work: (socket: NetlinkSocket) => Result): Result {
  return inNamespace(namespace.fd, () => {
    const socket = new NetlinkSocket(NETLINK_ROUTE);
    try {
      return work(socket);
    } finally {
      socket.close();
    }
  });
}

/** The kernel tells bridges of carriers from a work queue; frames sent before that are lost. */
function awaitForwarding(route: NetlinkSocket, names: readonly string[]): void {
  const nobody = new Int32Array(new SharedArrayBuffer(4));
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (names.every((name) => findLink(route, name).isForwarding)) return;
    Atomics.wait(nobody, 0, 0, 5);
  }
  throw new Error('the outside ports do not forward');
}
