// SPDX-License-Identifier: Apache-2.0
import type { FoundElement, Policy, Transport } from '@vnfpool/client';
import type { Column } from '../output/table.ts';

export const foundColumns: readonly Column<FoundElement>[] = [
  { title: 'ELEMENT', cell: ({ id }) => identifier(id) },
  { title: 'REACHED AT', cell: ({ userTransport }) => showTransport(userTransport) },
  { title: 'POLICY', cell: ({ policy }) => policy.type },
  { title: 'VALUES', cell: ({ policy }) => showPolicyValues(policy) },
  { title: 'HOME', cell: ({ homeRegistrar }) => identifier(homeRegistrar) },
];

export function identifier(id: number): string {
  return `0x${id.toString(16).padStart(8, '0')}`;
}

/** `tcp://192.0.2.1:80`. */
export function showTransport(transport: Transport): string {
  if (transport.type === 'opaque') return `opaque:${Buffer.from(transport.data).toString('hex')}`;
  const addresses = transport.type === 'sctp' ? transport.addresses : [transport.address];
  const hosts = addresses.map((address) => (address.includes(':') ? `[${address}]` : address));
  return `${transport.type}://${hosts.join(',')}:${transport.port}`;
}

const LOAD_MAX = 0xffffffff;
const FRACTIONS = new Set(['load', 'degradation', 'loadDistancePenalty', 'weightDistancePenalty']);

/** Loads and penalties are fractions of 2^32 − 1. */
export function showPolicyValues(policy: Policy | Readonly<Record<string, unknown>>): string {
  return Object.entries(policy)
    .filter(([name, value]) => name !== 'type' && typeof value === 'number')
    .map(([name, value]) =>
      FRACTIONS.has(name)
        ? `${name} ${Number(((100 * (value as number)) / LOAD_MAX).toFixed(4))}%`
        : `${name} ${String(value)}`,
    )
    .join(', ');
}
