// SPDX-License-Identifier: Apache-2.0
import { parseIp } from '../parameters/ip-text.ts';
import { type ContainerSpecification, checkContainer } from './container.ts';
import { MobilityError } from './extensions.ts';
import { DocumentError, fail, list, matching, object, record, type Shape } from './shape.ts';

/** What keeps a function: nothing but its group, a network of its own, or a container. */
export type FunctionKind = 'process' | 'netns' | 'container';

/**
 * The network of a function of kind `netns`, or of a container that has one of its own: everything is there before it
 * starts, and gone after it ended.
 */
export interface NetworkSpecification {
  /** At most 8; besides these there is the loopback. The function is reached at the first address of the first one. */
  readonly interfaces: readonly NetworkInterface[];
  /** Rules in the language of nftables, loaded inside. At most 16,384 characters. */
  readonly rules?: string;
  /** Kernel settings below `net.`, set inside: `net.ipv4.ip_forward: '1'`. At most 64. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Routes besides those that the addresses make. At most 64. */
  readonly routes?: readonly NetworkRoute[];
}

/** One end of a virtual Ethernet pair; the other is a port of `bridge`, or the host's own link `peer`. */
export interface NetworkInterface {
  /** Its name inside; at most 15 letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  /** A bridge that the node has. */
  readonly bridge?: string;
  /** Name of the host's end, which the node makes. */
  readonly peer?: string;
  /** IPv4 and IPv6 addresses with prefix length; at most 8. */
  readonly addresses: readonly string[];
  /** Addresses of the host's end `peer`; at most 8. */
  readonly peerAddresses?: readonly string[];
  /** Where the default route of IPv4 goes; of one interface at most. */
  readonly gateway?: string;
  /** Where that of IPv6 goes, which may be a link-local address; of one interface at most. */
  readonly gateway6?: string;
}

export interface NetworkRoute {
  /** Network with prefix length, `10.1.0.0/16` or `2001:db8:1::/48`. */
  readonly to: string;
  /** Address of the next router, of the same family. */
  readonly via: string;
}

const INTERFACES_MAX = 8;
const ADDRESSES_MAX = 8;
const SYSCTLS_MAX = 64;
const ROUTES_MAX = 64;
const RULES_MAX = 16_384;

/** 4 or 6; null: no address. */
function familyOf(text: string): 4 | 6 | null {
  try {
    return parseIp(text).length === 4 ? 4 : 6;
  } catch {
    return null;
  }
}

function addressOf(families: readonly (4 | 6)[], expected: string): Shape<string> {
  return (value, path) => {
    const family = typeof value === 'string' ? familyOf(value) : null;
    return family !== null && families.includes(family) ? (value as string) : fail(path, expected);
  };
}

const address = addressOf([4, 6], 'must be an IP address');
const prefixed: Shape<string> = (value, path) => {
  const [address = '', length = '', ...rest] = typeof value === 'string' ? value.split('/') : [];
  const family = familyOf(address);
  const isLength = /^(?:0|[1-9][0-9]{0,2})$/.test(length) && Number(length) <= (family === 4 ? 32 : 128);
  return family !== null && isLength && rest.length === 0
    ? (value as string)
    : fail(path, 'must be an IP address with a prefix length');
};
const linkName = matching(
  /^(?!lo$)[A-Za-z0-9_-][A-Za-z0-9_.-]{0,14}$/,
  'must be the name of an interface: at most 15 letters, digits, ".", "_" or "-", and not lo',
);
const setting = matching(/^[^\0\n]{0,256}$/, 'must be one line of at most 256 characters');
const rules = matching(
  new RegExp(`^[^\\0]{1,${RULES_MAX}}$`),
  `must be rules of nftables, at most ${RULES_MAX} characters`,
);

/** Of an address, with or without a prefix length, that is one. */
function isIpv6(address: string): boolean {
  return address.includes(':');
}

function atMost<Value>(max: number, shape: Shape<readonly Value[]>): Shape<readonly Value[]> {
  return (value, path) => {
    const items = shape(value, path);
    return items.length > max ? fail(path, `must have at most ${max} entries`) : items;
  };
}

const interfaceFields = object(
  { name: linkName, addresses: atMost(ADDRESSES_MAX, list(prefixed)) },
  {
    bridge: linkName,
    peer: linkName,
    peerAddresses: atMost(ADDRESSES_MAX, list(prefixed)),
    gateway: addressOf([4], 'must be an IPv4 address'),
    gateway6: addressOf([6], 'must be an IPv6 address'),
  },
);

const networkInterface: Shape<NetworkInterface> = (value, path) => {
  const link = interfaceFields(value, path);
  if ((link.bridge === undefined) === (link.peer === undefined))
    fail(path, 'must have one of bridge and peer');
  if (link.peerAddresses && link.peer === undefined)
    fail(`${path}.peerAddresses`, 'needs peer: a bridge has its own addresses');
  if (link.gateway !== undefined && !link.addresses.some((entry) => !isIpv6(entry)))
    fail(`${path}.gateway`, 'needs an IPv4 address of this interface');
  return link;
};

const routeFields = object({ to: prefixed, via: address });

const route: Shape<NetworkRoute> = (value, path) => {
  const found = routeFields(value, path);
  if (isIpv6(found.to) !== isIpv6(found.via)) fail(`${path}.via`, 'must be of the family of to');
  // Neighbours on every link may have it.
  if (/^fe[89ab][0-9a-f]:/i.test(found.via)) fail(`${path}.via`, 'must not be a link-local address');
  return found;
};

const sysctls: Shape<Readonly<Record<string, string>>> = (value, path) => {
  const settings = record(setting)(value, path);
  const names = Object.keys(settings);
  if (names.length > SYSCTLS_MAX) fail(path, `must have at most ${SYSCTLS_MAX} entries`);
  const wrong = names.find((name) => !/^net(?:\.[A-Za-z0-9_-]+)+$/.test(name));
  return wrong === undefined
    ? settings
    : fail(`${path}.${wrong.slice(0, 64)}`, 'must be the name of a setting below net.');
};

const networkFields = object(
  { interfaces: atMost(INTERFACES_MAX, list(networkInterface)) },
  { rules, sysctls, routes: atMost(ROUTES_MAX, list(route)) },
);

/** What `netns` of a function specification must be. */
export const networkSpecification: Shape<NetworkSpecification> = (value, path) => {
  const network = networkFields(value, path);
  const { interfaces } = network;
  for (const key of ['name', 'peer'] as const) {
    const seen = new Set<string>();
    for (const [i, link] of interfaces.entries()) {
      const name = link[key];
      if (name === undefined) continue;
      if (seen.has(name)) fail(`${path}.interfaces[${i}].${key}`, `names ${name} a second time`);
      seen.add(name);
    }
  }
  for (const key of ['gateway', 'gateway6'] as const) {
    const gateways = interfaces.flatMap((link, i) => (link[key] === undefined ? [] : [i]));
    if (gateways[1] !== undefined)
      fail(`${path}.interfaces[${gateways[1]}].${key}`, 'is a second one: there is one default route');
  }
  return network;
};

interface KindParts {
  readonly kind: FunctionKind;
  readonly command: readonly string[];
  readonly netns?: NetworkSpecification;
  readonly container?: ContainerSpecification;
  readonly limits?: { readonly storageBytes?: number };
}

/** What kind, command, network and container of a specification must be together. */
export function checkKind(parts: KindParts, path: string): void {
  const { kind, command, netns, container } = parts;
  const refuse = (key: string, why: string): never => {
    throw new DocumentError(MobilityError.specificationRefused, `${path}.${key}`, why);
  };
  if (kind === 'container') {
    checkContainer(parts, path);
    return;
  }
  if (container !== undefined) refuse('container', 'belongs to kind container');
  if (kind === 'process') {
    if (netns !== undefined) refuse('netns', 'belongs to kinds netns and container');
    if (command.length === 0) fail(`${path}.command`, 'must name a program');
    return;
  }
  if (netns === undefined) refuse('netns', 'is missing');
  else if (command.length === 0 && !netns.rules && !netns.sysctls && !netns.routes)
    refuse('command', 'must name a program: there are no rules, sysctls or routes either');
}
