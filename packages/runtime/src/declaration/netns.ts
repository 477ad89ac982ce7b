// SPDX-License-Identifier: Apache-2.0
import { isIP, isIPv6 } from 'node:net';
import type { NetworkSpecification } from '@vnfpool/wire/mobility';
import { z } from 'zod';
import type { Finding } from './checks.ts';

/** `netns` of a function, as a person writes it. */
export interface NetworkFile {
  readonly interfaces: readonly {
    readonly name: string;
    readonly bridge?: string | undefined;
    readonly peer?: string | undefined;
    readonly addresses: readonly string[];
    readonly peerAddresses?: readonly string[] | undefined;
    readonly gateway?: string | undefined;
    readonly gateway6?: string | undefined;
  }[];
  readonly rules?: string | undefined;
  readonly sysctls?: Readonly<Record<string, string>> | undefined;
  readonly routes?: readonly { readonly to: string; readonly via: string }[] | undefined;
}

// What a node accepts, as it checks it again: packages/wire/src/mobility/netns.ts.
const RULES_MAX = 16_384;

/** Whether a text is an address of this family, or of any. */
const isIp = (address: string, family: 4 | 6 | null = null): boolean =>
  !address.includes('%') && (family === null ? isIP(address) !== 0 : isIP(address) === family);

const address = (family: 4 | 6 | null = null): z.ZodString =>
  z
    .string()
    .refine(
      (value) => isIp(value, family),
      family === null
        ? 'must be an IP address: 10.0.0.1'
        : `must be an IPv${family} address: ${family === 4 ? '10.0.0.1' : '2001:db8::1'}`,
    );
/** An address, or a network, with its prefix length. */
export const prefixed = (): z.ZodString =>
  z.string().refine((value) => {
    const [address = '', length = '', ...rest] = value.split('/');
    const isLength = /^(?:0|[1-9]\d{0,2})$/.test(length) && Number(length) <= (isIPv6(address) ? 128 : 32);
    return isIp(address) && isLength && rest.length === 0;
  }, 'must be an IP address with a prefix length: 10.0.0.2/24');
const link = (): z.ZodString =>
  z
    .string()
    .regex(
      /^(?!lo$)[A-Za-z0-9_-][A-Za-z0-9_.-]{0,14}$/,
      'must be the name of an interface: at most 15 letters, digits, ".", "_" or "-", and not lo',
    );

const networkInterface = z.strictObject({
  name: link().meta({ description: 'Its name inside.' }),
  bridge: link().optional().meta({ description: 'Bridge of the node that the other end becomes a port of.' }),
  peer: link().optional().meta({ description: 'In place of a bridge: name of the other end, on the node.' }),
  addresses: z.array(prefixed()).max(8).default([]).meta({
    description: 'IPv4 and IPv6 addresses. The function is reached at the first one of all.',
  }),
  peerAddresses: z.array(prefixed()).max(8).optional().meta({
    description: 'Addresses of the other end, with `peer`.',
  }),
  gateway: address(4).optional().meta({
    description: 'Where the default route of IPv4 goes; of one interface at most.',
  }),
  gateway6: address(6).optional().meta({
    description:
      'Where the default route of IPv6 goes, which may be a link-local address; of one interface at most.',
  }),
});

/** A network of its own for a function. */
export const netnsSchema: z.ZodType<NetworkFile> = z.strictObject({
  interfaces: z.array(networkInterface).max(8).default([]).meta({
    description: 'Its links, each one end of a virtual Ethernet pair; besides these it has a loopback.',
  }),
  rules: z
    .string()
    .min(1, 'must not be empty')
    .max(RULES_MAX, `must have at most ${RULES_MAX} characters`)
    .optional()
    .meta({ description: 'Rules in the language of nftables, loaded inside.' }),
  sysctls: z
    .record(
      z.string().regex(/^net(?:\.[A-Za-z0-9_-]+)+$/, 'must be the name of a setting below net.'),
      z
        .string({ error: () => 'must be text: put it in quotes' })
        .regex(/^[^\0\n]{0,256}$/, 'must be one line of at most 256 characters'),
    )
    .refine((settings) => Object.keys(settings).length <= 64, 'must have at most 64 entries')
    .optional()
    .meta({ description: 'Kernel settings below `net.`, set inside: `net.ipv4.ip_forward: "1"`.' }),
  routes: z
    .array(
      z.strictObject({
        to: prefixed().meta({ description: 'Network that it leads to.' }),
        via: address().meta({ description: 'Address of the next router.' }),
      }),
    )
    .max(64)
    .optional()
    .meta({ description: 'Routes besides those that the addresses make.' }),
});

/** What no single key of it can tell. */
export function checkNetns(at: readonly PropertyKey[], { interfaces, routes = [] }: NetworkFile): Finding[] {
  const findings: Finding[] = [];
  const add = (i: number, key: string | null, message: string): void => {
    findings.push({ path: [...at, 'interfaces', i, ...(key === null ? [] : [key])], message });
  };
  for (const [i, { name, bridge, peer, peerAddresses, addresses, gateway }] of interfaces.entries()) {
    if (interfaces.findIndex((other) => other.name === name) < i) add(i, 'name', `${name} is named twice`);
    if (peer !== undefined && interfaces.findIndex((other) => other.peer === peer) < i)
      add(i, 'peer', `${peer} is named twice`);
    if ((bridge === undefined) === (peer === undefined)) add(i, null, 'give one of bridge and peer');
    if (peerAddresses !== undefined && peer === undefined)
      add(i, 'peerAddresses', 'needs the key peer: a bridge has its own addresses');
    if (gateway !== undefined && !addresses.some((entry) => !entry.includes(':')))
      add(i, 'gateway', 'needs an IPv4 address of this interface');
    for (const key of ['gateway', 'gateway6'] as const)
      if (interfaces[i]?.[key] !== undefined && interfaces.findIndex((other) => other[key] !== undefined) < i)
        add(i, key, 'is a second one; there is one default route');
  }
  for (const [i, { to, via }] of routes.entries()) {
    const path = [...at, 'routes', i, 'via'];
    if (to.includes(':') !== via.includes(':'))
      findings.push({ path, message: 'must be of the family of to' });
    else if (/^fe[89ab][0-9a-f]:/i.test(via))
      findings.push({ path, message: 'must not be a link-local address' });
  }
  return findings;
}

/** Whether there is something for the kernel to do without a program. */
export function hasRules({ rules, sysctls, routes }: NetworkFile): boolean {
  return rules !== undefined || sysctls !== undefined || routes !== undefined;
}

/** As a node is told: without keys that are not there; settings sorted, so that their order makes no difference. */
export function normalNetns({ interfaces, rules, sysctls, routes }: NetworkFile): NetworkSpecification {
  return {
    interfaces: interfaces.map(({ name, bridge, peer, addresses, peerAddresses, gateway, gateway6 }) => ({
      name,
      addresses,
      ...(bridge === undefined ? {} : { bridge }),
      ...(peer === undefined ? {} : { peer }),
      ...(peerAddresses === undefined ? {} : { peerAddresses }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(gateway6 === undefined ? {} : { gateway6 }),
    })),
    ...(rules === undefined ? {} : { rules }),
    ...(sysctls === undefined
      ? {}
      : { sysctls: Object.fromEntries(Object.entries(sysctls).sort(([a], [b]) => (a < b ? -1 : 1))) }),
    ...(routes === undefined ? {} : { routes }),
  };
}
