// SPDX-License-Identifier: Apache-2.0
import type { ConntrackKey, ConntrackLayer4 } from './entry.ts';

const DIRECTIONS: readonly ConntrackKey['zoneDirection'][] = ['both', 'original', 'reply'];
const PORTS = 1;
const ICMP = 2;
const HEAD = 10;

/**
 * A string that is equal for equal keys only, for keys of tables; not for people. An octet a character: addresses' length,
 * protocol, zone's direction, zone 2, kind of layer 4 and its numbers, addresses. A table of these is a fraction of the size of
 * one of keys.
 */
export function keyText({ original, zone, zoneDirection }: ConntrackKey): string {
  const { source, destination, protocol, layer4 } = original;
  const octets = source.length;
  const direction = DIRECTIONS.indexOf(zoneDirection);
  const [kind, a, b] = numbersOf(layer4);
  const head = String.fromCharCode(
    octets,
    protocol,
    direction,
    zone >> 8,
    zone & 0xff,
    kind,
    a >> 8,
    a & 0xff,
    b >> 8,
    b & 0xff,
  );
  return head + textOf(source) + textOf(destination);
}

/** The key that such a string was made of. */
export function keyOfText(text: string): ConntrackKey {
  const at = (place: number): number => text.charCodeAt(place);
  const u16 = (place: number): number => (at(place) << 8) | at(place + 1);
  const octets = at(0);
  const address = (from: number): Uint8Array => Uint8Array.from({ length: octets }, (_, i) => at(from + i));
  return {
    original: {
      source: address(HEAD),
      destination: address(HEAD + octets),
      protocol: at(1),
      layer4: layer4Of(at(5), u16(6), u16(8)),
    },
    zone: u16(3),
    zoneDirection: DIRECTIONS[at(2)] ?? 'both',
  };
}

function textOf(octets: Uint8Array): string {
  return octets.length === 4
    ? String.fromCharCode(octets[0] ?? 0, octets[1] ?? 0, octets[2] ?? 0, octets[3] ?? 0)
    : String.fromCharCode(...octets);
}

function numbersOf(layer4: ConntrackLayer4): [kind: number, a: number, b: number] {
  if (layer4 === null) return [0, 0, 0];
  if (layer4.kind === 'ports') return [PORTS, layer4.source, layer4.destination];
  return [ICMP, (layer4.type << 8) | layer4.code, layer4.id];
}

function layer4Of(kind: number, a: number, b: number): ConntrackLayer4 {
  if (kind === PORTS) return { kind: 'ports', source: a, destination: b };
  return kind === ICMP ? { kind: 'icmp', type: a >> 8, code: a & 0xff, id: b } : null;
}
