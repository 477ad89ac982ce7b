// SPDX-License-Identifier: Apache-2.0
import type { SlotDefinition, SlotRefusal } from '@vnfpool/wire/mobility';
import { AddressCare, type AddressClaim, type Care } from './address-care.ts';
import type { AddressPlace } from './address-places.ts';

/** What the driver tells of addresses. */
export type AddressInput =
  /** The answer to `probe`. */
  | {
      readonly type: 'probed';
      readonly slot: string;
      readonly attempt: number;
      readonly claims: readonly AddressClaim[];
    }
  /** Somebody outside the set says that it has an address that is raised here. */
  | { readonly type: 'address-claimed'; readonly claim: AddressClaim }
  /** Why an address cannot be raised on this node; null: it can. */
  | { readonly type: 'address-placed'; readonly address: string; readonly missing: string | null }
  /** Why a link that is followed cannot be forwarded into on this node; null: it can. */
  | { readonly type: 'link-placed'; readonly link: string; readonly missing: string | null }
  /** A raised address was removed by somebody. */
  | { readonly type: 'address-vanished'; readonly address: string }
  /** The kernel did not raise it. */
  | { readonly type: 'address-refused'; readonly address: string; readonly reason: string }
  /** The kernel raised one that it had refused. */
  | { readonly type: 'address-accepted'; readonly address: string };

export type AddressOutput =
  /** Every address that may be raised here, and every link that a slot needs besides those of its addresses, from now on. */
  | {
      readonly type: 'follow';
      readonly places: readonly AddressPlace[];
      readonly links: readonly string[];
    }
  /** Ask whether somebody has one of them; answered by `probed`, later. */
  | {
      readonly type: 'probe';
      readonly slot: string;
      readonly attempt: number;
      readonly places: readonly AddressPlace[];
    }
  /**
   * Connections of an earlier holding are ended before, unless it `isPrepared` already. `isQuiet`: the slot is not held here
   * yet, and a link of its own stays down.
   */
  | {
      readonly type: 'raise';
      readonly places: readonly AddressPlace[];
      readonly isPrepared: boolean;
      readonly isQuiet: boolean;
    }
  | { readonly type: 'withdraw'; readonly addresses: readonly string[] }
  | { readonly type: 'announce'; readonly places: readonly AddressPlace[] }
  | { readonly type: 'event'; readonly severity: 'info' | 'warning' | 'error'; readonly message: string };

/** What it knows of a slot's holding on this node. */
export interface HeldSlots {
  /** It is held here, with its addresses raised and no end in sight. */
  isRaised(slot: string): boolean;
  /** It is not held here, nor about to be. */
  isFree(slot: string): boolean;
}

interface Probing {
  /** Null: all of a slot at its birth; else those that it got while it was held here, the others being raised. */
  readonly added: ReadonlySet<string> | null;
  /** Every question has another one: an answer may come when something else is asked. */
  readonly attempt: number;
  /** It is asked again then; null: an answer is awaited. */
  readonly againAtMs: number | null;
  /** Who has an address, for people; empty: not known. */
  readonly conflict: string;
}

const NOTHING_ASKED: Pick<Probing, 'added' | 'conflict'> = { added: null, conflict: '' };
const PROBE_AGAIN_MS = 5_000;
/** Leases after which a slot that was offered does not come any more. */
const OFFER_LEASES = 4;
/** Below the 300 s after which bridges forget (IEEE 802.1Q, ageing time). */
const REFRESH_MS = 60_000;
const ANNOUNCE_AGAIN_MS = [100, 1_000, 3_000];

/**
 * The addresses of the slots of one node beside the fence: asked for before their first use, raised ahead of a planned
 * hand-over, put back when somebody removes them, defended when somebody else claims them.
 */
export class AddressUpkeep {
  readonly #care: AddressCare;
  readonly #held: HeldSlots;
  readonly #probing = new Map<string, Probing>();
  #attempts = 0;
  /** Slots that were offered, with their addresses raised behind the closed fence, until when; whole unless one vanished. */
  readonly #prepared = new Map<string, { readonly untilMs: number; isWhole: boolean }>();
  #definitions: ReadonlyMap<string, SlotDefinition> = new Map();
  /** Slots of which something else is wrong than before, perhaps. */
  #changed = new Set<string>();

  /** @param node this one */
  constructor(held: HeldSlots, node: number) {
    this.#held = held;
    this.#care = new AddressCare(node);
  }

  /** All slots whose addresses may be raised here, also those that are on their way out. */
  define(definitions: readonly SlotDefinition[]): AddressOutput[] {
    const former = JSON.stringify([this.#care.places, this.#care.links]);
    this.#definitions = new Map(definitions.map((definition) => [definition.id, definition]));
    this.#care.define(definitions);
    for (const slot of this.#prepared.keys()) if (!this.#definitions.has(slot)) this.#prepared.delete(slot);
    for (const [slot, probing] of this.#probing) this.#forgetAdded(slot, probing);
    for (const { id } of definitions) this.#changed.add(id);
    const { places, links } = this.#care;
    return JSON.stringify([places, links]) === former ? [] : [{ type: 'follow', places, links }];
  }

  /** No slot waits for its first addresses, or was offered and has them raised ahead. */
  get isAtRest(): boolean {
    return this.#prepared.size === 0 && [...this.#probing.values()].every(({ added }) => added !== null);
  }

  /** What slots got while they are held here, and is not raised. */
  get asked(): { readonly slot: string; readonly addresses: readonly string[] }[] {
    return [...this.#probing].map(([slot, { added }]) => ({ slot, addresses: [...(added ?? [])] }));
  }

  placesOf(slot: string, addresses?: readonly string[]): readonly AddressPlace[] {
    const places = this.#care.placesOf(slot);
    return addresses === undefined ? places : places.filter(({ address }) => addresses.includes(address));
  }

  /** Slots that this is about. */
  slotsOf(input: Exclude<AddressInput, { type: 'probed' }>): readonly string[] {
    if (input.type === 'link-placed') return this.#care.slotsWith(input.link);
    const slot = this.#care.slotOf(input.type === 'address-claimed' ? input.claim.address : input.address);
    return slot === undefined ? [] : [slot];
  }

  nameOf(slot: string): string {
    const definition = this.#definitions.get(slot);
    return definition === undefined ? `slot ${slot}` : `slot ${definition.pool}/${definition.index}`;
  }

  /** Those of a slot held here that are raised, or to be raised, without further questions. */
  settledPlacesOf(slot: string): readonly AddressPlace[] {
    const added = this.#probing.get(slot)?.added ?? null;
    const places = this.placesOf(slot);
    return added === null ? places : places.filter(({ address }) => !added.has(address));
  }

  /** Times from taking a slot to the announcements behind the first. */
  announceAfterMs(slot: string): readonly number[] {
    if (this.placesOf(slot).length === 0) return [];
    const announce = this.#definitions.get(slot)?.addressing?.announce;
    if (announce === undefined) return ANNOUNCE_AGAIN_MS;
    const moments = Array.from({ length: announce.repeats }, (_, n) => (n + 1) * announce.everyMs);
    const refreshMs = this.refreshAfterMs(slot);
    return moments.length === 0 && refreshMs !== null ? [refreshMs] : moments;
  }

  /**
   * Time to the next announcement behind the last of these; null: there is none. A hardware address of the slot's own is one
   * that switches forget when nothing is sent from it.
   */
  refreshAfterMs(slot: string): number | null {
    return this.placesOf(slot).some(({ own }) => own !== null) ? REFRESH_MS : null;
  }

  /** Why this node is no candidate for the slot; empty: it may be. */
  unfitness(slot: string): string {
    return this.#care.unfitness(slot);
  }

  /** The same, with what it is; undefined: it may be. */
  refusal(slot: string): SlotRefusal | undefined {
    return this.#care.refusal(slot);
  }

  /** Slots for which it is none. */
  get unfitSlots(): ReadonlySet<string> {
    return this.#care.unfitSlots;
  }

  troubleOf(slot: string, nowMs: number): string {
    const { conflict, added } = this.#probing.get(slot) ?? NOTHING_ASKED;
    const words = conflict === '' ? [] : [`not raised: ${conflict}`];
    if (conflict === '' || added !== null) words.push(this.#care.troubleOf(slot, nowMs));
    return words.filter((each) => each !== '').join('; ');
  }

  /** Slots whose trouble, or fitness, may be another one since this was asked last. */
  takeChanged(): string[] {
    if (this.#changed.size === 0) return [];
    const changed = [...this.#changed];
    this.#changed = new Set();
    return changed;
  }

  // Asking before the first use -----------------------------------------------------------------------------

  /** At its birth, for all that it has. */
  isProbing(slot: string): boolean {
    return this.#probing.get(slot)?.added === null;
  }

  /** Asks before the first use of a slot's addresses, or for those that it has now; nothing: there are none. */
  probe(slot: string): AddressOutput[] {
    return this.#ask(slot, null);
  }

  /**
   * Asks for addresses that a slot gets while it is held here. Only such are asked for: the next holder takes what it is told for
   * the slot's, and a take-over does not wait.
   */
  probeAdded(slot: string, places: readonly AddressPlace[]): AddressOutput[] {
    const former = this.#probing.get(slot);
    // A birth asks for all of them.
    if (former?.added === null) return [];
    const added = places.map(({ address }) => address);
    return added.length === 0 ? [] : this.#ask(slot, new Set([...(former?.added ?? []), ...added]));
  }

  #ask(slot: string, added: ReadonlySet<string> | null): AddressOutput[] {
    const places = this.placesOf(slot, added === null ? undefined : [...added]);
    const conflict = this.#probing.get(slot)?.conflict ?? '';
    this.#probing.delete(slot);
    if (places.length === 0) return [];
    const attempt = ++this.#attempts;
    this.#probing.set(slot, { added, attempt, againAtMs: null, conflict });
    return [{ type: 'probe', slot, attempt, places }];
  }

  /** Afterwards what is free is asked for no more, and may be raised; the rest is asked for again later. */
  probed({ slot, attempt, claims }: AddressInput & { type: 'probed' }, nowMs: number): AddressOutput[] {
    const probing = this.#probing.get(slot);
    // An answer to an earlier question says nothing.
    if (probing === undefined || probing.attempt !== attempt) return [];
    this.#changed.add(slot);
    const { added } = probing;
    const found = claims.filter(({ address }) => added?.has(address) ?? true);
    const isRaisedAnyway = this.#definitions.get(slot)?.addressing?.onConflict === 'raise';
    const taken = new Set(isRaisedAnyway ? [] : found.map(({ address }) => address));
    const conflict = found
      .map(
        ({ address, hardwareAddress, link }) =>
          `${address} is in use by ${hardwareAddress} on ${link}, which is not of this set`,
      )
      .join('; ');
    if (taken.size === 0) this.#probing.delete(slot);
    else {
      const left = { added: added === null ? null : taken, conflict, againAtMs: nowMs + PROBE_AGAIN_MS };
      this.#probing.set(slot, { ...probing, ...left });
    }
    const free = [...(added ?? [])].filter((address) => !taken.has(address));
    const places = this.#held.isRaised(slot) ? this.placesOf(slot, free) : [];
    return [
      ...this.#toldOf(slot, conflict, { former: probing.conflict, isRaisedAnyway }),
      ...(places.length === 0 ? [] : [{ type: 'raise' as const, places, isPrepared: false, isQuiet: false }]),
    ];
  }

  /** Of what a slot has no more nobody waits for an answer. */
  #forgetAdded(slot: string, probing: Probing): void {
    const { added } = probing;
    if (added === null) return;
    const left = this.placesOf(slot, [...added]).map(({ address }) => address);
    if (left.length === 0) this.#probing.delete(slot);
    else this.#probing.set(slot, { ...probing, added: new Set(left) });
  }

  /** What an answer is to people. */
  #toldOf(
    slot: string,
    conflict: string,
    { former, isRaisedAnyway }: { readonly former: string; readonly isRaisedAnyway: boolean },
  ): AddressOutput[] {
    const tell = (severity: 'info' | 'warning' | 'error', words: string): AddressOutput[] => [
      { type: 'event', severity, message: `${this.nameOf(slot)}: ${words}` },
    ];
    if (conflict === '')
      return former === '' ? [] : tell('info', 'its addresses are free now, and are raised');
    if (isRaisedAnyway) return tell('warning', `${conflict}; it is raised all the same`);
    return conflict === former ? [] : tell('error', `${conflict}; it is not raised as long as that lasts`);
  }

  // Holding -------------------------------------------------------------------------------------------------

  /** Ahead of the grant, behind the closed fence. */
  prepare(slot: string, nowMs: number): AddressOutput[] {
    const places = this.placesOf(slot);
    const leaseMs = this.#definitions.get(slot)?.leaseMs;
    if (places.length === 0 || leaseMs === undefined || !this.#held.isFree(slot)) return [];
    const isPrepared = this.#prepared.get(slot)?.isWhole === true;
    this.#prepared.set(slot, { untilMs: nowMs + OFFER_LEASES * leaseMs, isWhole: true });
    return isPrepared ? [] : [{ type: 'raise', places, isPrepared: false, isQuiet: true }];
  }

  raise(slot: string): AddressOutput[] {
    const isPrepared = this.#prepared.get(slot)?.isWhole === true;
    this.#prepared.delete(slot);
    return [{ type: 'raise', places: this.settledPlacesOf(slot), isPrepared, isQuiet: false }];
  }

  /** The slot is held here no more. */
  leave(slot: string): void {
    this.#probing.delete(slot);
    this.#prepared.delete(slot);
    this.#care.left(slot);
    this.#changed.add(slot);
  }

  /** What is to be done here and now; a change of what this node is fit for is for the caller to see. */
  attend(input: Exclude<AddressInput, { type: 'probed' }>, nowMs: number): AddressOutput[] {
    const slots = this.slotsOf(input);
    if (slots.length === 0) return [];
    for (const slot of slots) this.#changed.add(slot);
    switch (input.type) {
      case 'address-claimed':
        return this.#isRaised(input.claim.address)
          ? this.#carry(input.claim.address, this.#care.claimed(input.claim, nowMs))
          : [];
      case 'address-vanished':
        return this.#vanished(input.address, nowMs);
      case 'address-refused':
        return this.#refused(input.address, input.reason, nowMs);
      case 'address-accepted':
        return this.#accepted(input.address);
      case 'address-placed':
        return this.#placed(input.address, input.missing);
      case 'link-placed':
        return this.#linkPlaced(input.link, input.missing);
    }
  }

  nextDeadline(): number | undefined {
    const all = [
      ...[...this.#prepared.values()].map(({ untilMs }) => untilMs),
      ...[...this.#probing.values()].flatMap(({ againAtMs }) => againAtMs ?? []),
    ];
    const care = this.#care.nextDeadline();
    if (care !== undefined) all.push(care);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  expire(nowMs: number): AddressOutput[] {
    const outputs: AddressOutput[] = [];
    for (const [slot, { added, againAtMs }] of this.#probing)
      if (againAtMs !== null && nowMs >= againAtMs) outputs.push(...this.#ask(slot, added));
    for (const [slot, { untilMs }] of this.#prepared) {
      if (nowMs < untilMs) continue;
      this.#prepared.delete(slot);
      if (!this.#held.isFree(slot)) continue;
      outputs.push({ type: 'withdraw', addresses: this.placesOf(slot).map(({ address }) => address) });
    }
    const { due, changed } = this.#care.expire(nowMs);
    for (const slot of changed) this.#changed.add(slot);
    for (const { place, isRefused } of due) {
      if (isRefused) outputs.push(...this.#try(place));
      else if (this.#isRaised(place.address)) outputs.push(...this.#again(place));
    }
    return outputs;
  }

  #isRaised(address: string): boolean {
    const slot = this.#care.slotOf(address);
    return (
      slot !== undefined && this.#held.isRaised(slot) && this.#probing.get(slot)?.added?.has(address) !== true
    );
  }

  #vanished(address: string, nowMs: number): AddressOutput[] {
    const slot = this.#care.slotOf(address);
    if (slot === undefined) return [];
    // Ahead of a hand-over it is raised when the slot is taken, if it comes.
    const prepared = this.#prepared.get(slot);
    if (prepared !== undefined) prepared.isWhole = false;
    return this.#isRaised(address) ? this.#carry(address, this.#care.vanished(address, nowMs)) : [];
  }

  #placed(address: string, missing: string | null): AddressOutput[] {
    const place = this.#care.placeOf(address);
    if (!this.#care.placed(address, missing) || place === undefined) return [];
    if (missing !== null) {
      const severity = this.#isRaised(address) ? 'error' : 'warning';
      return [this.#event(severity, address, `${missing} for ${address}`)];
    }
    const again = this.#isRaised(address) ? this.#again(place) : [];
    return [...again, this.#event('info', address, `the link of ${address} is there again`)];
  }

  #linkPlaced(link: string, missing: string | null): AddressOutput[] {
    if (!this.#care.linkPlaced(link, missing)) return [];
    return this.#care.slotsWith(link).map((slot) => {
      const words = missing === null ? `link ${link} is there again` : `${missing} for forwarding`;
      const severity = missing === null ? 'info' : this.#held.isRaised(slot) ? 'error' : 'warning';
      return { type: 'event', severity, message: `${this.nameOf(slot)}: ${words}` };
    });
  }

  #refused(address: string, reason: string, nowMs: number): AddressOutput[] {
    if (!this.#care.refused(address, reason, nowMs)) return [];
    const severity = this.#isRaised(address) ? 'error' : 'warning';
    return [this.#event(severity, address, `${address} cannot be raised: ${reason}`)];
  }

  #accepted(address: string): AddressOutput[] {
    const place = this.#care.placeOf(address);
    if (!this.#care.accepted(address) || place === undefined) return [];
    return [
      ...(this.#isRaised(address) ? [{ type: 'announce' as const, places: [place] }] : []),
      this.#event('info', address, `${address} can be raised again`),
    ];
  }

  /** Whether the kernel still refuses it is seen by trying, behind the closed fence where the slot is not held. */
  #try(place: AddressPlace): AddressOutput[] {
    const slot = this.#care.slotOf(place.address) ?? '';
    const isRaised = this.#held.isRaised(slot);
    if (!isRaised && !this.#held.isFree(slot)) return [];
    const raise = { type: 'raise' as const, places: [place], isPrepared: true, isQuiet: !isRaised };
    const isKept = isRaised || this.#prepared.has(slot);
    return isKept ? [raise] : [raise, { type: 'withdraw', addresses: [place.address] }];
  }

  #carry(address: string, { raise, announce, message }: Care): AddressOutput[] {
    const place = this.#care.placeOf(address);
    if (place === undefined) return [];
    return [
      ...(raise ? this.#again(place) : announce ? [{ type: 'announce' as const, places: [place] }] : []),
      ...(message === '' ? [] : [this.#event('warning', address, message)]),
    ];
  }

  /** Connections that it has live on: it was only gone for a moment. */
  #again(place: AddressPlace): AddressOutput[] {
    return [
      { type: 'raise', places: [place], isPrepared: true, isQuiet: false },
      { type: 'announce', places: [place] },
    ];
  }

  #event(severity: 'info' | 'warning' | 'error', address: string, message: string): AddressOutput {
    const slot = this.#care.slotOf(address) ?? '';
    return { type: 'event', severity, message: `${this.nameOf(slot)}: ${message}` };
  }
}
