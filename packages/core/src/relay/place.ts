// SPDX-License-Identifier: Apache-2.0
import { formatIp, parseIp } from '@vnfpool/wire/parameters';

/** The address in its canonical text. */
export interface RelayPlace {
  readonly address: string;
  readonly port: number;
}

/** `192.0.2.1:53` or `[2001:db8::1]:53`. */
export function formatPlace({ address, port }: RelayPlace): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Null: it is none. */
export function parsePlace(text: string): RelayPlace | null {
  const [, six, four, digits] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  try {
    const octets = parseIp(six ?? four ?? '');
    return octets.length === (six === undefined ? 4 : 16) && port <= 65_535
      ? { address: formatIp(octets), port }
      : null;
  } catch {
    return null;
  }
}

export function samePlace(one: RelayPlace, other: RelayPlace): boolean {
  return one.port === other.port && one.address === other.address;
}
