// SPDX-License-Identifier: Apache-2.0
import { MobilityError } from './extensions.ts';
import { DocumentError, fail, list, matching, object, record, type Shape } from './shape.ts';

/** The network of a function of kind `netns`: everything is there before it starts, and gone after it ended. */
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
  /** IPv4 addresses with prefix length; at most 8. */
  readonly addresses: readonly string[];
  /** Addresses of the host's end `peer`; at most 8. */
  readonly peerAddresses?: readonly string[];
  /** Where the default route goes; of one interface at most. */
  readonly gateway?: string;
}

export interface NetworkRoute {
  /** Network with prefix length, `10.1.0.0/16`. */
  readonly to: string;
  /** IPv4 address of the next router. */
  readonly via: string;
}

const INTERFACES_MAX = 8;
const ADDRESSES_MAX = 8;
const SYSCTLS_MAX = 64;
const ROUTES_MAX = 64;
const RULES_MAX = 16_384;

const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const ADDRESS = `${OCTET}(?:\\.${OCTET}){3}`;
const address = matching(new RegExp(`^${ADDRESS}$`), 'must be an IPv4 address');
const prefixed = matching(
  new RegExp(`^${ADDRESS}/(?:3[0-2]|[12]?[0-9])$`),
  'must be an IPv4 address with a prefix length',
);
const linkName = matching(
  /^(?!lo$)[A-Za-z0-9_-][A-Za-z0-9_.-]{0,14}$/,
  'must be the name of an interface: at most 15 letters, digits, ".", "_" or "-", and not lo',
);
const setting = matching(/^[^\0\n]{0,256}$/, 'must be one line of at most 256 characters');
const rules = matching(
  new RegExp(`^[^\\0]{1,${RULES_MAX}}$`),
  `must be rules of nftables, at most ${RULES_MAX} characters`,
);

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
    gateway: address,
  },
);

const networkInterface: Shape<NetworkInterface> = (value, path) => {
  const link = interfaceFields(value, path);
  if ((link.bridge === undefined) === (link.peer === undefined))
    fail(path, 'must have one of bridge and peer');
  if (link.peerAddresses && link.peer === undefined)
    fail(`${path}.peerAddresses`, 'needs peer: a bridge has its own addresses');
  if (link.gateway !== undefined && link.addresses.length === 0)
    fail(`${path}.gateway`, 'needs an address of this interface');
  return link;
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
  { rules, sysctls, routes: atMost(ROUTES_MAX, list(object({ to: prefixed, via: address }))) },
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
  const gateways = interfaces.flatMap(({ gateway }, i) => (gateway === undefined ? [] : [i]));
  if (gateways[1] !== undefined)
    fail(`${path}.interfaces[${gateways[1]}].gateway`, 'is a second one: there is one default route');
  return network;
};

/** What kind, command and network of a specification must be together. */
export function checkKind(
  {
    kind,
    command,
    netns,
  }: {
    readonly kind: 'process' | 'netns';
    readonly command: readonly string[];
    readonly netns?: NetworkSpecification;
  },
  path: string,
): void {
  const refuse = (key: string, why: string): never => {
    throw new DocumentError(MobilityError.specificationRefused, `${path}.${key}`, why);
  };
  if (kind === 'process') {
    if (netns !== undefined) refuse('netns', 'belongs to kind netns');
    if (command.length === 0) fail(`${path}.command`, 'must name a program');
    return;
  }
  if (netns === undefined) refuse('netns', 'is missing');
  else if (command.length === 0 && !netns.rules && !netns.sysctls && !netns.routes)
    refuse('command', 'must name a program: there are no rules, sysctls or routes either');
}
