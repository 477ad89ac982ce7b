// SPDX-License-Identifier: Apache-2.0
import { ByteReader, ByteWriter, WireError } from '../bytes/index.ts';
import { readFields, readShaped, writeFields, writeShaped } from './expectation-codec.ts';
import type { FlowExpectation, FlowTuple } from './flow.ts';
import { sharedFlowParts } from './shared-flow.ts';
import { readSharedFlowKey, sharedFlowKey } from './shared-key.ts';
import { shapeOf } from './tuple-codec.ts';

/*
 * An expectation as it is shared. Its key is that of a flow with the expected tuple, as no kernel has two of the same; of the kinds of keys it
 * is 1. Whoever knows flows only leaves such keys as they are, and puts nothing into its kernel for them.
 *
 *   value: timeout as of a flow, body
 *   body:  mask 8, flags v, class v, the master's shape 8, protocol 8, addresses, layer 4, of the mask what follows, fields
 *   mask:  source 2, destination 2, first half of layer 4 2, second half 2, the lowest first: 0 no bit counts, 1 all do, 2 it follows
 *   v:     seven bits an octet, the lowest first, at most 32 bits
 *
 * Fields are those of an expectation in a stream.
 */
const EXPECTATION = 0x20;
const NONE = 0;
const ALL = 1;
const FOLLOWS = 2;
const HALF_BYTES = 2;
const V_BYTES_MAX = 5;
const BODY_BYTES_MAX = 512;

const scratch = new ByteWriter(BODY_BYTES_MAX, 1024);

/** What names an expectation, by which its value is shared. */
export function sharedExpectationKey({ tuple, zone }: Pick<FlowExpectation, 'tuple' | 'zone'>): string {
  const key = sharedFlowKey({ original: tuple, zone, zoneDirection: 'both' });
  return String.fromCharCode(key.charCodeAt(0) | EXPECTATION) + key.slice(1);
}

/** Whether a key is one of an expectation, as far as its kind says. */
export function isSharedExpectationKey(key: string): boolean {
  return (key.charCodeAt(0) & 0xe0) === EXPECTATION;
}

/**
 * What is known of an expectation but for its key and the time left, an octet a character.
 * @throws WireError when a value does not fit
 */
export function sharedExpectationBody(expectation: FlowExpectation): string {
  const { tuple, mask, master } = expectation;
  const parts = partsOf(mask);
  if (shapeOf(tuple, 0) !== shapeOf(mask, 0) || tuple.protocol !== mask.protocol)
    throw new WireError('value', 0, 'tuple and mask of an expectation are of different kinds');
  scratch.reset();
  const kinds = parts.map(kindOf);
  scratch.u8(kinds.reduce((octet, kind, place) => octet | (kind << (2 * place)), 0));
  writeV(scratch, expectation.flags);
  writeV(scratch, expectation.class);
  writeShaped(scratch, master);
  for (const [place, part] of parts.entries()) if (kinds[place] === FOLLOWS) scratch.bytes(part);
  writeFields(scratch, expectation);
  return String.fromCharCode(...scratch.take());
}

/** An expectation from its key and its value. @throws WireError; `unknown` for keys of another kind */
export function decodeSharedExpectation(key: string, value: Uint8Array): FlowExpectation {
  if (!isSharedExpectationKey(key)) throw new WireError('unknown', 0, 'a key of no expectation');
  const flowKey = String.fromCharCode(key.charCodeAt(0) & ~EXPECTATION) + key.slice(1);
  const { original: tuple, zone, zoneDirection } = readSharedFlowKey(flowKey);
  if (zoneDirection !== 'both') throw new WireError('value', 0, 'an expectation in a zone of one direction');
  const { body, timeoutSeconds } = sharedFlowParts(value);
  const reader = new ByteReader(Uint8Array.from(body, (character) => character.charCodeAt(0)));
  const kinds = reader.u8();
  const [flags, group] = [readV(reader), readV(reader)];
  const master = readShaped(reader);
  const parts = partsOf(tuple).map((part, place) => {
    const kind = (kinds >> (2 * place)) & 3;
    if (kind === FOLLOWS) return readPart(reader, part.length);
    if (kind > FOLLOWS) throw new WireError('value', 0, `mask ${kinds}`);
    return new Uint8Array(part.length).fill(kind === ALL ? 0xff : 0);
  });
  if (tuple.layer4 === null && kinds >> 4 !== 0)
    throw new WireError('value', 0, 'a mask of a layer 4 that is not there');
  return {
    master,
    tuple,
    mask: maskOf(tuple, parts),
    timeoutSeconds,
    flags,
    class: group,
    zone,
    ...readFields(reader),
  };
}

/** What of a tuple a mask has a kind for: addresses, and both halves of layer 4 where there is one. */
function partsOf({ source, destination, layer4 }: FlowTuple): Uint8Array[] {
  if (layer4 === null) return [source, destination];
  const [a, b] =
    layer4.kind === 'ports'
      ? [layer4.source, layer4.destination]
      : [(layer4.type << 8) | layer4.code, layer4.id];
  return [source, destination, Uint8Array.of(a >> 8, a & 0xff), Uint8Array.of(b >> 8, b & 0xff)];
}

function kindOf(part: Uint8Array): number {
  if (part.every((octet) => octet === 0)) return NONE;
  return part.every((octet) => octet === 0xff) ? ALL : FOLLOWS;
}

/** What could be said in fewer octets is refused, so that equal masks are equal octets. */
function readPart(reader: ByteReader, octets: number): Uint8Array {
  const { offset } = reader;
  const part = reader.bytes(octets);
  if (kindOf(part) !== FOLLOWS) throw new WireError('value', offset, 'a part of a mask that need not follow');
  return part;
}

function maskOf({ protocol, layer4 }: FlowTuple, parts: readonly Uint8Array[]): FlowTuple {
  const [source, destination, a, b] = parts as [Uint8Array, Uint8Array, Uint8Array?, Uint8Array?];
  if (layer4 === null || a === undefined || b === undefined)
    return { source, destination, protocol, layer4: null };
  const [first, second] = [a, b].map((half) => ((half[0] ?? 0) << 8) | (half[HALF_BYTES - 1] ?? 0)) as [
    number,
    number,
  ];
  return {
    source,
    destination,
    protocol,
    layer4:
      layer4.kind === 'ports'
        ? { kind: 'ports', source: first, destination: second }
        : { kind: 'icmp', type: first >> 8, code: first & 0xff, id: second },
  };
}

function writeV(writer: ByteWriter, number: number): void {
  let left = number;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) writer.u8((left % 0x80) | 0x80);
  writer.u8(left);
}

function readV(reader: ByteReader): number {
  const { offset } = reader;
  let number = 0;
  for (let place = 0; place < V_BYTES_MAX; place++) {
    const octet = reader.u8();
    number += (octet & 0x7f) * 0x80 ** place;
    if (octet >= 0x80) continue;
    if (number > 0xffffffff || (octet === 0 && place > 0)) break;
    return number;
  }
  throw new WireError('value', offset, 'a number of more than 32 bits, or with a useless octet');
}
