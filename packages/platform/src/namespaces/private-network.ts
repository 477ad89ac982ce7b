// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { PlatformError } from '../errors.ts';
import { deleteLink, listLinks } from '../netlink/link.ts';
import { NETLINK_ROUTE, NetlinkSocket } from '../netlink/socket.ts';
import { limitTable, removeLeftLimits, removeLimits } from './link-limits.ts';
import { createNamespace, inNamespace, type NetworkNamespace, openNamespaceOf } from './namespace.ts';
import { applyStep, type NetworkStep } from './network-step.ts';

/** A network namespace with links, rules and settings, to be made in one go. */
export interface PrivateNetworkPlan {
  readonly interfaces: readonly {
    /** Name inside. */
    readonly name: string;
    /** Bridge that the other end becomes a port of. */
    readonly bridge?: string;
    /** Name of the other end; with a bridge it gets one of ours. */
    readonly peer?: string;
    /** `10.0.0.1/24`, `2001:db8::1/64`. */
    readonly addresses: readonly string[];
    readonly peerAddresses?: readonly string[];
    readonly gateway?: string;
    readonly gateway6?: string;
    /** Of the end inside; without, the kernel chooses. 6 octets. */
    readonly hardwareAddress?: Uint8Array;
  }[];
  /** In the language of nftables. */
  readonly rules?: string;
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly routes?: readonly { readonly to: string; readonly via: string }[];
  /** What all its links together may carry, in each direction by itself; more is dropped. */
  readonly bandwidthBps?: number;
  /** It begins with its gate closed as `standby`, see `NetworkGate`: nothing is heard from it, nor let through. */
  readonly isClosed?: boolean;
}

/** A network namespace that is there until `close`. */
export interface PrivateNetwork {
  readonly namespace: NetworkNamespace;
  /** Whether all of its links carry frames: bridges learn of a new carrier up to a second after it is there. */
  isPassing(): boolean;
  /** Octets that its links have carried, seen from inside; null: the kernel does not say. */
  traffic(): { readonly receivedBytes: number; readonly sentBytes: number } | null;
  /** Removes its links and lets go of it; what still runs in it has no link any more. */
  close(): void;
}

/** Begins the note on every host's end; the label of its owner follows. */
const ALIAS = 'vnfpool function of';

/** The note on links of this owner; each is only its own. */
export function linkAlias(label: string): string {
  return `${ALIAS} ${label}`;
}

/**
 * What is to be done, in order. Rules and settings stand before any link is up, and the host's ends come up last: no packet
 * passes an unfinished network.
 * @param name of the network, unique among those of `label`; names of host's ends at bridges come from it
 */
export function networkSteps(label: string, name: string, plan: PrivateNetworkPlan): NetworkStep[] {
  const links = plan.interfaces.map((link, i) => ({
    ...link,
    hostEnd: link.peer ?? hostEndName(label, name, i),
  }));
  const alias = linkAlias(label);
  return [
    ...links.flatMap(({ name: link, hostEnd, bridge, hardwareAddress }): NetworkStep[] => [
      {
        do: 'link',
        name: link,
        hostEnd,
        alias,
        ...(hardwareAddress === undefined ? {} : { hardwareAddress }),
      },
      ...(bridge === undefined ? [] : [{ do: 'port', hostEnd, bridge } as const]),
    ]),
    ...Object.entries(plan.sysctls ?? {}).map(
      ([key, value]): NetworkStep => ({ do: 'sysctl', name: key, value }),
    ),
    ...(plan.rules === undefined ? [] : [{ do: 'rules', text: plan.rules } as const]),
    // After the rules, which may begin by removing whatever there is.
    ...(plan.isClosed === true ? [{ do: 'gate' } as const] : []),
    ...links.flatMap(({ name: link, addresses }): NetworkStep[] => [
      ...addresses.map((address): NetworkStep => ({ do: 'address', inside: true, link, address })),
      { do: 'up', inside: true, link },
    ]),
    ...links.flatMap(({ name: link, gateway, gateway6 }): NetworkStep[] =>
      [gateway, gateway6].flatMap((via) =>
        via === undefined ? [] : [{ do: 'gateway', link, via } as const],
      ),
    ),
    ...(plan.routes ?? []).map(({ to, via }): NetworkStep => ({ do: 'route', to, via })),
    ...limitSteps(label, name, links, plan),
    ...links.flatMap(({ hostEnd: link, peerAddresses = [] }): NetworkStep[] => [
      ...peerAddresses.map((address): NetworkStep => ({ do: 'address', inside: false, link, address })),
      { do: 'up', inside: false, link },
    ]),
  ];
}

/**
 * Makes a network from the namespace of the calling thread. What was made is taken away when a step fails.
 * @throws PlatformError naming the step and the reason
 */
export async function createPrivateNetwork(
  label: string,
  name: string,
  plan: PrivateNetworkPlan,
): Promise<PrivateNetwork> {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  const hostEnds: number[] = [];
  let namespace: NetworkNamespace | undefined;
  const close = closer(label, name, plan, socket, hostEnds, () => namespace?.close());
  try {
    namespace = createNamespace();
    for (const step of networkSteps(label, name, plan)) {
      const made = await applyStep(step, socket, namespace);
      if (made !== null) hostEnds.push(made);
    }
    const { fd } = namespace;
    return {
      namespace,
      isPassing: () => isPassing(socket, fd, hostEnds),
      traffic: () => trafficOf(socket, hostEnds),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** Names of a network's ends on the host's side. */
export function hostEndsOf(label: string, name: string, { interfaces }: PrivateNetworkPlan): string[] {
  return interfaces.map(({ peer }, i) => peer ?? hostEndName(label, name, i));
}

/**
 * Takes over a network that a former owner with this label made, as it is now.
 * @param pid a process that lives in it
 * @throws PlatformError or Error of the system when there is no such process
 */
export function adoptPrivateNetwork(
  label: string,
  name: string,
  plan: PrivateNetworkPlan,
  pid: number,
): PrivateNetwork {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    const names = new Set(hostEndsOf(label, name, plan));
    const hostEnds = listLinks(socket).flatMap(({ name: link, alias, index }) =>
      names.has(link) && alias === linkAlias(label) ? [index] : [],
    );
    const namespace = openNamespaceOf(pid);
    return {
      namespace,
      isPassing: () => isPassing(socket, namespace.fd, hostEnds),
      traffic: () => trafficOf(socket, hostEnds),
      close: closer(label, name, plan, socket, hostEnds, () => namespace.close()),
    };
  } catch (error) {
    socket.close();
    throw error;
  }
}

/**
 * Removes links that an owner with this label left behind when it was killed, as long as something kept their namespace.
 * @param keep names of host's ends that stay
 * @returns their names
 */
export function removeLeftLinks(label: string, keep: ReadonlySet<string> = new Set()): string[] {
  const socket = new NetlinkSocket(NETLINK_ROUTE);
  try {
    const left = listLinks(socket).filter(({ alias, name }) => alias === linkAlias(label) && !keep.has(name));
    for (const { index } of left) removeLink(socket, index);
    removeLeftLimits(label);
    return left.map(({ name }) => name);
  } finally {
    socket.close();
  }
}

/** Limits stand before the host's ends come up. */
function limitSteps(
  label: string,
  name: string,
  hostEnds: readonly { readonly hostEnd: string }[],
  { bandwidthBps: bitsPerSecond }: PrivateNetworkPlan,
): NetworkStep[] {
  if (bitsPerSecond === undefined || hostEnds.length === 0) return [];
  const links = hostEnds.map(({ hostEnd }) => hostEnd);
  return [{ do: 'limit', table: limitTable(label, digitsOf(label, name)), links, bitsPerSecond }];
}

function closer(
  label: string,
  name: string,
  { bandwidthBps }: PrivateNetworkPlan,
  socket: NetlinkSocket,
  hostEnds: number[],
  letGo: () => void,
): () => void {
  let isClosed = false;
  return () => {
    if (isClosed) return;
    isClosed = true;
    for (const index of hostEnds.splice(0)) removeLink(socket, index);
    letGo();
    socket.close();
    if (bandwidthBps !== undefined) removeLimits(limitTable(label, digitsOf(label, name)));
  };
}

function trafficOf(
  socket: NetlinkSocket,
  hostEnds: readonly number[],
): ReturnType<PrivateNetwork['traffic']> {
  let [receivedBytes, sentBytes] = [0, 0];
  for (const link of listLinks(socket)) {
    if (!hostEnds.includes(link.index)) continue;
    if (link.receivedBytes === null || link.sentBytes === null) return null;
    receivedBytes += link.sentBytes;
    sentBytes += link.receivedBytes;
  }
  return { receivedBytes, sentBytes };
}

function isPassing(socket: NetlinkSocket, fd: number, hostEnds: readonly number[]): boolean {
  const outside = listLinks(socket).filter(({ index }) => hostEnds.includes(index));
  const inside = inNamespace(fd, () => {
    const own = new NetlinkSocket(NETLINK_ROUTE);
    try {
      return listLinks(own).filter(({ name }) => name !== 'lo');
    } finally {
      own.close();
    }
  });
  return (
    inside.every(({ isUp, isOperational }) => !isUp || isOperational) &&
    outside.every(({ masterIndex, isForwarding, isOperational }) =>
      masterIndex === 0 ? isOperational : isForwarding,
    )
  );
}

/** One that is gone already is fine. */
function removeLink(socket: NetlinkSocket, index: number): void {
  try {
    deleteLink(socket, index);
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === 'ENODEV')) throw error;
  }
}

/** 15 characters at most: 10 digits tell one network from another. */
function hostEndName(label: string, name: string, i: number): string {
  return `vf${digitsOf(label, name)}.${i}`;
}

function digitsOf(label: string, name: string): string {
  return createHash('sha256').update(`${label}/${name}`).digest('hex').slice(0, 10);
}
