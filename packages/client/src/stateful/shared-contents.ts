// SPDX-License-Identifier: Apache-2.0
import type { SecurityState } from '@vnfpool/wire/mobility';
import { PoolError } from '../pool-error.ts';
import type { OctetChange, ShareLink } from './share-link.ts';
import { keyFromOctets, keyToOctets } from './shared-values.ts';

export interface SharedEntry<Value> {
  readonly value: Value;
  readonly octets: Uint8Array;
  readonly isSecret: boolean;
}

/** What a `SharedMap` has, and what the agent has of it. */
export interface SharedContents<Value> {
  readonly entries: Map<string, SharedEntry<Value>>;
  /** Secrets of which only the name is here. */
  readonly names: Set<string>;
  /** Octets of the keys and values of entries. */
  readonly bytes: number;
}

export interface SharedBounds {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

const NOTHING = new Uint8Array();

/** All that the agent has. @throws PoolError `overloaded`, `internal`, `closed`; whatever `decode` throws */
export async function readContents<Value>(
  link: ShareLink,
  decode: (octets: Uint8Array) => Value,
  { entriesMax, bytesMax }: SharedBounds,
): Promise<SharedContents<Value>> {
  const entries = new Map<string, SharedEntry<Value>>();
  const names = new Set<string>();
  let bytes = 0;
  for await (const given of link.entries()) {
    for (const { key, value, secret } of given) {
      if (value === null) throw new PoolError('internal', 'the agent removes a key that it did not give');
      // A part of a frame would keep all of it.
      const octets = new Uint8Array(value);
      bytes += key.length + octets.length;
      if (bytes > bytesMax || entries.size + names.size >= entriesMax)
        throw new PoolError('overloaded', 'the state of the slot has more than the map takes');
      if (secret === 'name') names.add(keyFromOctets(key));
      else entries.set(keyFromOctets(key), { value: decode(octets), octets, isSecret: secret !== undefined });
    }
  }
  for (const name of names) bytes -= keyToOctets(name).length;
  return { entries, names, bytes };
}

/** What makes of what the agent has what it is to have of ours. */
export function* differences<Value>(
  ours: SharedContents<Value>,
  theirs: SharedContents<Value>,
  state: SecurityState,
): Generator<OctetChange, void> {
  const isThere = (key: string): boolean => theirs.entries.has(key) || theirs.names.has(key);
  for (const [key, entry] of ours.entries) {
    const wanted = changeTo(key, entry, state);
    const their = theirs.entries.get(key);
    const isSame =
      wanted.secret === 'name'
        ? theirs.names.has(key)
        : wanted.value === null
          ? !isThere(key)
          : their?.isSecret === entry.isSecret && Buffer.compare(their.octets, entry.octets) === 0;
    if (!isSame) yield wanted;
  }
  for (const key of ours.names) if (!theirs.names.has(key) && state !== 'excluded') yield nameOnly(key);
  for (const key of [...theirs.entries.keys(), ...theirs.names]) {
    const isOurs = ours.entries.has(key) || (ours.names.has(key) && state !== 'excluded');
    if (!isOurs) yield { key: keyToOctets(key), value: null };
  }
}

/** What the agent is told of an entry. */
export function changeTo(
  key: string,
  { octets, isSecret }: Pick<SharedEntry<unknown>, 'octets' | 'isSecret'>,
  state: SecurityState,
): OctetChange {
  if (!isSecret) return { key: keyToOctets(key), value: octets };
  if (state === 'sealed') return { key: keyToOctets(key), value: octets, secret: 'value' };
  // What was there before it was a secret must not stay.
  return state === 'excluded' ? { key: keyToOctets(key), value: null } : nameOnly(key);
}

function nameOnly(key: string): OctetChange {
  return { key: keyToOctets(key), value: NOTHING, secret: 'name' };
}
