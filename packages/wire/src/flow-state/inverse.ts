// SPDX-License-Identifier: Apache-2.0
import type { FlowEntry, FlowLayer4, FlowTuple } from './flow.ts';

const PROTOCOL_ICMP = 1;
const PROTOCOL_ICMPV6 = 58;

/** Questions and their answers; every other type is its own inverse here. */
const ICMP_ANSWERS: readonly (readonly [number, number])[] = [
  [8, 0],
  [13, 14],
  [15, 16],
  [17, 18],
];
const ICMPV6_ANSWERS: readonly (readonly [number, number])[] = [
  [128, 129],
  [139, 140],
];

function answersOf(pairs: readonly (readonly [number, number])[]): ReadonlyMap<number, number> {
  return new Map(
    pairs.flatMap(([question, answer]) => [[question, answer] as const, [answer, question] as const]),
  );
}

const ANSWERS: ReadonlyMap<number, ReadonlyMap<number, number>> = new Map([
  [PROTOCOL_ICMP, answersOf(ICMP_ANSWERS)],
  [PROTOCOL_ICMPV6, answersOf(ICMPV6_ANSWERS)],
]);

/** What an answer to `layer4` carries when nothing is translated. */
export function invertLayer4(protocol: number, layer4: FlowLayer4): FlowLayer4 {
  if (layer4 === null) return null;
  if (layer4.kind === 'ports') {
    return { kind: 'ports', source: layer4.destination, destination: layer4.source };
  }
  return { ...layer4, type: ANSWERS.get(protocol)?.get(layer4.type) ?? layer4.type };
}

/** The tuple of the answers to `tuple` when nothing is translated. Shares the addresses. */
export function invertTuple(tuple: FlowTuple): FlowTuple {
  return {
    source: tuple.destination,
    destination: tuple.source,
    protocol: tuple.protocol,
    layer4: invertLayer4(tuple.protocol, tuple.layer4),
  };
}

export function isSameAddress(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function isSameLayer4(a: FlowLayer4, b: FlowLayer4): boolean {
  if (a === null || b === null) return a === b;
  if (a.kind === 'ports') {
    return b.kind === 'ports' && a.source === b.source && a.destination === b.destination;
  }
  return b.kind === 'icmp' && a.type === b.type && a.code === b.code && a.id === b.id;
}

/** An address, and a port or ICMP identifier, as the translation puts it in. */
export interface FlowTranslation {
  readonly address: Uint8Array;
  /** Null: the protocol has none. */
  readonly port: number | null;
}

/** The translation of an entry. */
export interface FlowNat {
  /** What the source became on the way to the destination; null: untouched. */
  readonly source: FlowTranslation | null;
  /** What the destination became; null: untouched. */
  readonly destination: FlowTranslation | null;
}

/** The address translation of an entry, which its two tuples say. */
export function natOf(entry: Pick<FlowEntry, 'original' | 'reply'>): FlowNat {
  const { original, reply } = entry;
  const plain = invertTuple(original);
  const [sourcePort, destinationPort] = portsOfReply(reply.layer4);
  const [plainSource, plainDestination] = portsOfReply(plain.layer4);
  // Answers go to what the source became, and come from what the destination became.
  const isSource =
    !isSameAddress(reply.destination, plain.destination) || destinationPort !== plainDestination;
  const isDestination = !isSameAddress(reply.source, plain.source) || sourcePort !== plainSource;
  return {
    source: isSource ? { address: reply.destination, port: destinationPort } : null,
    destination: isDestination ? { address: reply.source, port: sourcePort } : null,
  };
}

/** What translation may change in a reply: its source's and its destination's number. An ICMP identifier belongs to the asker. */
function portsOfReply(layer4: FlowLayer4): [number | null, number | null] {
  if (layer4 === null) return [null, null];
  return layer4.kind === 'ports' ? [layer4.source, layer4.destination] : [null, layer4.id];
}
