// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { isPlatformError, PlatformError } from '../errors.ts';
import { deleteTable, describeTable, NFT_TABLE_OWNED, newTable } from '../netlink/nft-objects.ts';
import { listSet, NFPROTO_INET, readGeneration, type SetElement, transact } from '../netlink/nftables.ts';
import { NETLINK_NETFILTER, NetlinkSocket } from '../netlink/socket.ts';
import { type GuardedKey, type KeyKind, keyText } from './guarded.ts';
import type { HorizonId } from './horizons.ts';
import {
  type FenceContents,
  type FenceRules,
  fenceRequests,
  fenceTables,
  HORIZON_IDS,
  horizonOfVerdict,
  horizonPlaces,
  mapPlaces,
} from './ruleset.ts';

/** A thousand slots with their addresses, as one transaction. */
const BUFFER_BYTES = 4 * 1024 * 1024;
const KINDS: readonly KeyKind[] = ['ipv4', 'ipv6', 'link', 'forwarding'];
const STABLE_ATTEMPTS = 8;
const EMPTY: FenceContents = { values: new Map(), elements: new Map() };

/** What this kernel takes. */
export interface TableForm {
  readonly withEgress: boolean;
  /** Whether nobody else can change the tables while we live. */
  readonly isOwned: boolean;
}

/** The forms to try, the best first. */
export function tableForms(egress: 'auto' | 'off', owner: 'auto' | 'off'): TableForm[] {
  const owned = owner === 'off' ? [false] : [true, false];
  const hooks = egress === 'off' ? [false] : [true, false];
  return hooks.flatMap((withEgress) => owned.map((isOwned) => ({ withEgress, isOwned })));
}

/** The tables of one fence in the kernel, over one socket: all that changes them goes one after the other. */
export class NftTables {
  readonly table: string;
  readonly socket: NetlinkSocket;
  /** What the kernel said of them when they were loaded. */
  #description: readonly string[] = [];
  #name = '';

  constructor(table: string) {
    if (!/^[a-z][a-z0-9_]{0,30}$/.test(table)) {
      throw new PlatformError('BAD_ARGUMENT', `not a plain table name: ${table}`, { call: 'fence' });
    }
    this.table = table;
    this.socket = new NetlinkSocket(NETLINK_NETFILTER, undefined, BUFFER_BYTES);
  }

  /** Puts the rules in place of former ones. @param generation see `changeSets` */
  load(
    form: TableForm,
    links: readonly string[],
    contents: FenceContents,
    generation?: number,
  ): PlatformError | undefined {
    const requests = fenceRequests(this.#rulesFor(form, links, contents));
    const failure = transact(this.socket, 'load the fence', requests, generation);
    if (failure !== undefined) return failure.error;
    this.#describeNow(form, links);
    return undefined;
  }

  /** Names the rules as they were loaded, and as the kernel told them. */
  get name(): string {
    return this.#name;
  }

  /**
   * Takes the tables over as an agent that has ended left them, which closes nothing for a moment as writing them anew does: the
   * kernel fills new sets of intervals only behind their rules.
   * @param name of the rules that it left
   * @returns false: they are others than `load` would make, or not to be had
   */
  adopt(form: TableForm, links: readonly string[], name: string): boolean {
    const owned = form.isOwned
      ? transact(
          this.socket,
          'adopt the fence',
          fenceTables(this.table).map((place) => newTable(place, NFT_TABLE_OWNED)),
        )
      : undefined;
    if (owned !== undefined) return false;
    this.#describeNow(form, links);
    return this.#name === name;
  }

  #rulesFor(form: TableForm, links: readonly string[], contents: FenceContents): FenceRules {
    const tableFlags = form.isOwned ? NFT_TABLE_OWNED : 0;
    return { table: this.table, links, contents, withEgress: form.withEgress, tableFlags };
  }

  #describeNow(form: TableForm, links: readonly string[]): void {
    this.#description = this.#describe();
    const name = createHash('sha256').update(this.#description.join('\n'));
    for (const request of fenceRequests(this.#rulesFor(form, links, EMPTY))) name.update(request(0));
    this.#name = name.digest('hex');
  }

  /** What differs from what was loaded, but for the elements; empty: nothing. */
  differences(): string[] {
    const there = this.#describe();
    const missing = fenceTables(this.table).filter(
      ({ family }) => !there.some((line) => line.startsWith(familyName(family))),
    );
    if (missing.length > 0)
      return missing.map(({ family }) => `table ${familyName(family)} ${this.table} is gone`);
    const now = new Set(there);
    const gone = this.#description
      .filter((line) => !now.has(line))
      .map((line) => `${shortened(line)} is gone`);
    const former = new Set(this.#description);
    const added = [...now].filter((line) => !former.has(line)).map((line) => `${shortened(line)} is new`);
    // The same lines in another order: rules were moved.
    const isMoved = gone.length + added.length === 0 && [...now].join() !== [...former].join();
    return isMoved ? ['rules are in another order'] : [...gone, ...added];
  }

  /** The horizons of everything guarded, as the tables of both families have it; null where they do not agree. */
  values(): Map<string, number | null> {
    const found = new Map<string, number | null>();
    for (const kind of KINDS) {
      for (const [index, place] of mapPlaces(this.table, kind).entries()) {
        const here = this.#listOrNothing(place);
        const texts = new Map(
          here.map(({ key, verdict }) => [keyText({ kind, bytes: key }), horizonOfVerdict(verdict)]),
        );
        for (const [text, value] of texts)
          found.set(text, index === 0 || found.get(text) === value ? value : null);
        if (index === 0) continue;
        for (const text of found.keys())
          if (text.startsWith(`${kind} `) && !texts.has(text)) found.set(text, null);
      }
    }
    return found;
  }

  /** What the horizons hold. */
  elements(): Map<HorizonId, SetElement> {
    const found = new Map<HorizonId, SetElement>();
    for (const id of HORIZON_IDS) {
      for (const place of horizonPlaces(this.table, id)) {
        const [element] = found.has(id) ? [] : this.#listOrNothing(place);
        if (element !== undefined) found.set(id, element);
      }
    }
    return found;
  }

  /** Everything that somebody's fence of this name guards, closed or open. */
  keys(): GuardedKey[] {
    const found = new Map<string, GuardedKey>();
    for (const kind of KINDS) {
      for (const place of mapPlaces(this.table, kind)) {
        for (const { key } of this.#listOrNothing(place)) {
          const bytes = Uint8Array.from(key);
          found.set(keyText({ kind, bytes }), { kind, bytes });
        }
      }
    }
    return [...found.values()];
  }

  generation(): number {
    return readGeneration(this.socket);
  }

  /** Runs `look` in a rule set that did not change meanwhile, if there is such a moment. */
  atRest<Result>(look: () => Result): { readonly result: Result; readonly generation: number | undefined } {
    for (let attempt = 1; ; attempt++) {
      const before = this.generation();
      const result = look();
      const isAtRest = this.generation() === before;
      if (isAtRest || attempt === STABLE_ATTEMPTS)
        return { result, generation: isAtRest ? before : undefined };
    }
  }

  remove(): void {
    for (const place of fenceTables(this.table)) {
      const failure = transact(this.socket, 'remove the fence', [deleteTable(place)]);
      if (failure !== undefined && failure.error.code !== 'ENOENT') throw failure.error;
    }
  }

  close(): void {
    this.socket.close();
  }

  #listOrNothing(place: Parameters<typeof listSet>[1]): ReturnType<typeof listSet> {
    try {
      return listSet(this.socket, place);
    } catch (error) {
      if (isPlatformError(error, 'ENOENT')) return [];
      throw error;
    }
  }

  #describe(): string[] {
    return fenceTables(this.table).flatMap((place) => {
      const family = familyName(place.family);
      let rules = 0;
      // Equal rules are told apart by their place.
      return describeTable(this.socket, place).map(
        (line) => `${family} ${this.table}: ${line}${line.startsWith('rule') ? ` ${++rules}` : ''}`,
      );
    });
  }
}

function familyName(family: number): string {
  return family === NFPROTO_INET ? 'inet' : 'netdev';
}

/** Without what is for machines. */
function shortened(line: string): string {
  return line.split(' ').slice(0, 4).join(' ');
}
