// SPDX-License-Identifier: Apache-2.0
import { transportAddresses } from '@vnfpool/wire/parameters';
import type { RegistrarTransport } from '../messages.ts';

/** Whether both name the same endpoint: one port, and an address in common. */
export function sameEndpoint(a: RegistrarTransport, b: RegistrarTransport): boolean {
  if (a.type !== b.type || a.port !== b.port) return false;
  const known = transportAddresses(b);
  return transportAddresses(a).some((address) => known.includes(address));
}

/** An endpoint as a map key. */
export function endpointKey(transport: RegistrarTransport): string {
  return `${transport.type} ${transport.port} ${[...transportAddresses(transport)].sort().join(' ')}`;
}
