// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import type { Guarded, GuardedSlot } from '../interfaces.ts';
import { ipBytes, ipText } from '../netlink/ip.ts';
import { checkInterfaceName } from '../netlink/link.ts';

/** Things under one fence. */
export const GUARDED_MAX = 16_384;
/** Slots of one fence. */
export const SLOTS_MAX = 4096;

/** The kinds of keys by which the kernel tells packets of a slot. */
export type KeyKind = 'ipv4' | 'ipv6' | 'link' | 'forwarding';

/** Something guarded, as the kernel's tables know it. */
export interface GuardedKey {
  readonly kind: KeyKind;
  /** 4 or 16 octets of an address; a link's name, filled with zeros to 16. */
  readonly bytes: Uint8Array;
}

/** A list of slots, checked: every thing guarded belongs to one slot. */
export interface GuardedTable {
  readonly slots: ReadonlySet<string>;
  /** By {@link keyText}. */
  readonly slotOf: ReadonlyMap<string, string>;
}

/** @throws PlatformError `BAD_ARGUMENT` */
export function tableOf(slots: readonly GuardedSlot[]): GuardedTable {
  const slotOf = new Map<string, string>();
  for (const { slot, guarded } of slots) {
    for (const each of guarded) {
      const key = keyText(keyOf(each));
      const other = slotOf.get(key);
      if (other !== undefined && other !== slot) throw refuse(`${key} is guarded for ${other} and ${slot}`);
      slotOf.set(key, slot);
    }
  }
  if (slots.length > SLOTS_MAX) throw refuse(`at most ${SLOTS_MAX} slots`);
  if (slotOf.size > GUARDED_MAX) throw refuse(`at most ${GUARDED_MAX} things guarded`);
  return { slots: new Set(slots.map(({ slot }) => slot)), slotOf };
}

/** @throws PlatformError `BAD_ARGUMENT` */
export function checkKnown(table: GuardedTable, slots: Iterable<string>): void {
  for (const slot of slots) if (!table.slots.has(slot)) throw refuse(`slot ${slot} is not under the fence`);
}

/** @throws PlatformError `BAD_ARGUMENT` for what is no address or no name of a link */
export function keyOf(guarded: Guarded): GuardedKey {
  if (guarded.what === 'address') {
    const bytes = ipBytes(guarded.address);
    return { kind: bytes.length === 4 ? 'ipv4' : 'ipv6', bytes };
  }
  const bytes = new Uint8Array(16);
  bytes.set(new TextEncoder().encode(checkInterfaceName(guarded.link)));
  return { kind: guarded.what, bytes };
}

/** What a key of the kernel's tables means. */
export function guardedOf({ kind, bytes }: GuardedKey): Guarded {
  if (kind === 'ipv4' || kind === 'ipv6') return { what: 'address', address: ipText(bytes) };
  const end = bytes.indexOf(0);
  return { what: kind, link: new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)) };
}

/** Names of the links among keys of some kinds, given as {@link keyText}. */
export function linksOf(texts: Iterable<string>, ...kinds: readonly KeyKind[]): string[] {
  const names = [...texts].map(keyOfText).flatMap((key) => {
    const guarded = guardedOf(key);
    return guarded.what !== 'address' && kinds.includes(key.kind) ? [guarded.link] : [];
  });
  return [...new Set(names)];
}

/** A key as one word; two keys are the same when these are. */
export function keyText({ kind, bytes }: GuardedKey): string {
  return `${kind} ${Buffer.from(bytes).toString('hex')}`;
}

/** The key of a {@link keyText}. */
export function keyOfText(text: string): GuardedKey {
  const [kind, hex = ''] = text.split(' ');
  return { kind: kind as KeyKind, bytes: new Uint8Array(Buffer.from(hex, 'hex')) };
}

function refuse(message: string): PlatformError {
  return new PlatformError('BAD_ARGUMENT', message, { call: 'fence' });
}
