// SPDX-License-Identifier: Apache-2.0
import { type GossipBounds, type GossipRules, MergeableState, type Update } from '@vnfpool/core/gossip';
import { encodeUtf8, toHex } from '@vnfpool/wire/bytes';

export const octets = (text: string): Uint8Array => encodeUtf8(text);

export function stateOf(
  origin: number,
  options: {
    readonly incarnation?: bigint;
    readonly bounds?: Partial<GossipBounds>;
    readonly rules?: GossipRules;
  } = {},
): MergeableState {
  const { incarnation = 1n, ...rest } = options;
  return new MergeableState({ replica: { origin, incarnation }, ...rest });
}

export const count = (key: string, by: number): Update => ({ type: 'count', key: octets(key), by });
export const write = (key: string, value: string): Update => ({
  type: 'write',
  key: octets(key),
  value: octets(value),
});
export const add = (key: string, element: string): Update => ({
  type: 'add',
  key: octets(key),
  element: octets(element),
});
export const discard = (key: string, element: string): Update => ({
  type: 'discard',
  key: octets(key),
  element: octets(element),
});
export const remove = (key: string): Update => ({ type: 'remove', key: octets(key) });

/** A state of nobody who writes, with all that this one has. */
export function copyOf(state: MergeableState): MergeableState {
  const copy = stateOf(0xffff_ffff);
  copy.merge(state);
  return copy;
}

/** Joins without changing either. */
export function joined(one: MergeableState, other: MergeableState): MergeableState {
  const both = copyOf(one);
  both.merge(other);
  return both;
}

const decode = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

/** Everything that two equal states have equal. */
export function dump(state: MergeableState): unknown {
  return {
    cells: [...state.cells()].map(({ place, entries }) => ({
      cell: `${place.kind} ${decode(place.key)} ${decode(place.element)}`,
      entries: [...entries]
        .map(([name, { version, value }]) => {
          const what =
            value.kind === 'counter'
              ? `+${value.plus} -${value.minus}`
              : value.kind === 'register'
                ? `${value.time} ${toHex(value.value)}`
                : '';
          return `${name}:${version} ${what}`;
        })
        .sort(),
    })),
    vector: [...state.vector]
      .filter(([, version]) => version > 0)
      .map(String)
      .sort(),
    floors: [...state.floors.values()].map(({ origin, incarnation }) => `${origin}.${incarnation}`).sort(),
  };
}

/** What somebody who uses it sees of a key. */
export function seen(state: MergeableState, key: string): unknown {
  const value = state.register(octets(key));
  return {
    count: state.counter(octets(key)) ?? null,
    value: value === undefined ? null : decode(value),
    elements: state.elements(octets(key)).map(decode),
  };
}
