// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../bytes/index.ts';
import type { FlowKey, FlowLayer4, FlowZoneDirection } from './flow.ts';

/*
 * The key of a shared flow, an octet a character:
 *
 *   shape 8, protocol 8, source and destination 32 or 128 each, layer 4 32 or none, zone 16 where the shape has one
 *
 *   7 6 5          | 4 3                             | 2 1                        | 0
 *   0: a flow      | zone: none, both, original, reply | layer 4: none, ports, ICMP | IPv6
 *
 * Kind 1 is an expectation (`shared-expectation.ts`).
 */
const IPV6 = 0x01;
const PORTS = 0x02;
const ICMP = 0x04;
const LAYER4 = PORTS | ICMP;
const ZONE = 0x18;
const ZONE_SHIFT = 3;
const KIND = 0xe0;
const HEAD = 2;
const DIRECTIONS: readonly (FlowZoneDirection | null)[] = [null, 'both', 'original', 'reply'];

/** What names a flow, by which its value is shared: equal for equal flows only. */
export function sharedFlowKey({ original, zone, zoneDirection }: FlowKey): string {
  const { source, destination, protocol, layer4 } = original;
  let [shape, a, b] = [0, 0, 0];
  if (layer4?.kind === 'ports') [shape, a, b] = [PORTS, layer4.source, layer4.destination];
  else if (layer4 !== null) [shape, a, b] = [ICMP, (layer4.type << 8) | layer4.code, layer4.id];
  if (source.length === 4 && destination.length === 4 && layer4 !== null && zone === 0)
    return shortKey(shape, protocol, source, destination, a, b);
  if (source.length === 16) shape |= IPV6;
  if (zone !== 0) shape |= DIRECTIONS.indexOf(zoneDirection) << ZONE_SHIFT;
  const numbers = layer4 === null ? [] : [a >> 8, a & 0xff, b >> 8, b & 0xff];
  const place = zone === 0 ? [] : [zone >> 8, zone & 0xff];
  return String.fromCharCode(shape, protocol, ...source, ...destination, ...numbers, ...place);
}

/** Of most flows, and without a list. */
function shortKey(
  shape: number,
  protocol: number,
  source: Uint8Array,
  destination: Uint8Array,
  a: number,
  b: number,
): string {
  return String.fromCharCode(
    shape,
    protocol,
    source[0] ?? 0,
    source[1] ?? 0,
    source[2] ?? 0,
    source[3] ?? 0,
    destination[0] ?? 0,
    destination[1] ?? 0,
    destination[2] ?? 0,
    destination[3] ?? 0,
    a >> 8,
    a & 0xff,
    b >> 8,
    b & 0xff,
  );
}

/** The flow that a key names. @throws WireError when it names none: `unknown` for keys of another kind */
export function readSharedFlowKey(key: string): FlowKey {
  const at = (place: number): number => key.charCodeAt(place);
  const u16 = (place: number): number => (at(place) << 8) | at(place + 1);
  const shape = at(0);
  if ((shape & KIND) !== 0) throw new WireError('unknown', 0, `a key of shape ${shape}`);
  const octets = (shape & IPV6) === 0 ? 4 : 16;
  const layer4At = HEAD + 2 * octets;
  const zoneAt = layer4At + ((shape & LAYER4) === 0 ? 0 : 4);
  const direction = DIRECTIONS[(shape & ZONE) >> ZONE_SHIFT] ?? null;
  const length = zoneAt + (direction === null ? 0 : 2);
  if (!(key.length === length) || (shape & LAYER4) === LAYER4)
    throw new WireError('length', key.length, `a key of ${key.length} octets and shape ${shape}`);
  for (let place = 0; place < length; place++)
    if (at(place) > 0xff) throw new WireError('value', place, 'a character that is no octet');
  const zone = direction === null ? 0 : u16(zoneAt);
  if (direction !== null && zone === 0) throw new WireError('value', zoneAt, 'zone 0 is none');
  const [source, destination] = [new Uint8Array(octets), new Uint8Array(octets)];
  for (let place = 0; place < octets; place++) {
    source[place] = at(HEAD + place);
    destination[place] = at(HEAD + octets + place);
  }
  const layer4 = layer4Of(shape & LAYER4, u16(layer4At), u16(layer4At + 2));
  return {
    original: { source, destination, protocol: at(1), layer4 },
    zone,
    zoneDirection: direction ?? 'both',
  };
}

/** IP protocol number of the flow that a key names. */
export function protocolOfSharedKey(key: string): number {
  return key.charCodeAt(1);
}

/** Zone of the flow, or of the expectation, that a key names; 0 without one, -1 where it is of one direction. */
export function zoneOfSharedKey(key: string): number {
  const direction = (key.charCodeAt(0) & ZONE) >> ZONE_SHIFT;
  if (direction === 0) return 0;
  if (DIRECTIONS[direction] !== 'both') return -1;
  return (key.charCodeAt(key.length - 2) << 8) | key.charCodeAt(key.length - 1);
}

/** The key of the same without a zone. */
export function sharedKeyWithoutZone(key: string): string {
  const shape = key.charCodeAt(0);
  return (shape & ZONE) === 0 ? key : String.fromCharCode(shape & ~ZONE) + key.slice(1, -2);
}

/** The key of the same, which has no zone, in a zone of both directions; 0: as it is. */
export function sharedKeyInZone(key: string, zone: number): string {
  if (zone === 0) return key;
  const shape = key.charCodeAt(0) | (DIRECTIONS.indexOf('both') << ZONE_SHIFT);
  return String.fromCharCode(shape) + key.slice(1) + String.fromCharCode(zone >> 8, zone & 0xff);
}

function layer4Of(kind: number, a: number, b: number): FlowLayer4 {
  if (kind === PORTS) return { kind: 'ports', source: a, destination: b };
  return kind === ICMP ? { kind: 'icmp', type: a >> 8, code: a & 0xff, id: b } : null;
}
