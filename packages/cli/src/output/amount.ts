// SPDX-License-Identifier: Apache-2.0

const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
const DECIMAL = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'] as const;

/** Octets, rounded: `512 B`, `1.5 MiB`. */
export function showBytes(octets: number): string {
  return scaled(octets, 1_024, BINARY);
}

/** Bits a second, rounded: `80 kbit/s`. */
export function showBitRate(bitsPerSecond: number): string {
  return scaled(bitsPerSecond, 1_000, DECIMAL);
}

function scaled(amount: number, step: number, units: readonly string[]): string {
  let value = amount;
  let place = 0;
  while (value >= step - 0.5 && place < units.length - 1) {
    value /= step;
    place += 1;
  }
  return `${value < 10 && place > 0 ? Number(value.toFixed(1)) : Math.round(value)} ${units[place]}`;
}
