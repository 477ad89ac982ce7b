// SPDX-License-Identifier: Apache-2.0
import type { ConntrackFilter } from '@vnfpool/platform/conntrack';
import type { ConnectionFilter } from '@vnfpool/wire/mobility';
import { parseIp } from '@vnfpool/wire/parameters';

/** A specification's filter of connections as the kernel's table takes it. */
export function connectionFilter({ zones, protocols, addresses }: ConnectionFilter = {}): ConntrackFilter {
  return {
    ...(zones && { zones }),
    ...(protocols && { protocols }),
    ...(addresses && { addresses: addresses.map(networkOf) }),
  };
}

function networkOf(text: string): { network: Uint8Array; prefix: number } {
  const [address = '', length = ''] = text.split('/');
  return { network: parseIp(address), prefix: Number(length) };
}
