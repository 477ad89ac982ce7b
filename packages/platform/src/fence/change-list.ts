// SPDX-License-Identifier: Apache-2.0
import type { SetChange, SetElement } from '../netlink/nftables.ts';

/** Changes of sets, gathered by place: what goes comes before what takes its place. */
export class ChangeList {
  readonly #lists = new Map<
    string,
    { readonly place: SetChange['place']; readonly elements: SetElement[] }
  >();

  note(change: SetChange['change'], place: SetChange['place'], element: SetElement): void {
    const name = `${change} ${place.family} ${place.set}`;
    const list = this.#lists.get(name);
    if (list === undefined) this.#lists.set(name, { place, elements: [element] });
    else list.elements.push(element);
  }

  all(): SetChange[] {
    const changes = [...this.#lists].map(([name, list]): SetChange => {
      const change = name.startsWith('delete') ? 'delete' : 'add';
      return { change, ...list };
    });
    return [
      ...changes.filter(({ change }) => change === 'delete'),
      ...changes.filter(({ change }) => change === 'add'),
    ];
  }
}
