// SPDX-License-Identifier: Apache-2.0

/** What a node says of the members of a council. */
export interface Listener {
  readonly id: number;
  readonly name: string;
  /** Whether it could take or keep a slot: a witness could not, and hears others for nothing. */
  readonly runsFunctions: boolean;
  /** Node IDs of members of which it hears nothing. */
  readonly silent: readonly number[];
}

/** Members of a council, as they hear each other. */
export interface CouncilHearing {
  /** Most members of which one node that runs functions hears and is heard, itself among them: what a lease can be granted by. */
  readonly together: readonly string[];
  /** Who hears nothing of whom; empty: all hear each other. */
  readonly cuts: readonly { readonly name: string; readonly silent: readonly string[] }[];
}

/**
 * Who of the members that can be reached could grant a lease. That takes no circle of all: whoever asks has to hear a
 * majority, and be heard by it; of two of which one says that it does not hear the other, neither counts for the other.
 *
 * @param members names of those members that the manager hears of
 * @param listeners all nodes that the manager hears of, members among them
 */
export function councilHearing(members: readonly string[], listeners: readonly Listener[]): CouncilHearing {
  const there = members.flatMap((name) => listeners.find((each) => each.name === name) ?? []);
  const cuts = listeners
    .flatMap(({ name, silent }) => {
      const deaf = there.filter(({ id, name: other }) => other !== name && silent.includes(id));
      return deaf.length === 0 ? [] : [{ name, silent: deaf.map((each) => each.name) }];
    })
    .sort((one, other) => (one.name < other.name ? -1 : 1));
  if (cuts.length === 0) return { together: members, cuts };
  const hears = (from: Listener, to: Listener): boolean => !from.silent.includes(to.id);
  let together: readonly string[] = [];
  for (const asker of listeners.filter(({ runsFunctions }) => runsFunctions)) {
    const heard = there.filter(
      (each) => each.name === asker.name || (hears(asker, each) && hears(each, asker)),
    );
    if (heard.length > together.length) together = heard.map(({ name }) => name);
  }
  return { together, cuts };
}

/** `node-a hears nothing of node-b, node-c; node-b …`; empty: all hear each other. */
export function cutWords({ cuts }: CouncilHearing): string {
  return cuts.map(({ name, silent }) => `${name} hears nothing of ${silent.join(', ')}`).join('; ');
}
