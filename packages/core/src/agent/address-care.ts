// SPDX-License-Identifier: Apache-2.0
import type { SlotRefusal } from '@vnfpool/wire/mobility';
import { type Addressed, type AddressPlace, forwardingLinksOf, placesOf } from './address-places.ts';

/** Somebody outside the set says that it has an address. */
export interface AddressClaim {
  readonly address: string;
  /** `02:00:00:00:00:01`. */
  readonly hardwareAddress: string;
  readonly link: string;
}

/** What to do about an address that is raised here. */
export interface Care {
  readonly raise: boolean;
  readonly announce: boolean;
  /** For people, with the address; empty: nothing new. */
  readonly message: string;
}

/** Defending more often could go on for ever between two that both do. RFC 5227 §2.4, DEFEND_INTERVAL. */
const DEFEND_EVERY_MS = 10_000;
/** A claim is told once in this time, and counts as over when it was not heard for it. */
const CLAIM_MS = 60_000;
/** Hardware addresses remembered an address; those beyond are not told. */
const CLAIMANTS_MAX = 8;
/** Somebody who takes an address away again and again has it put back this often. */
const REPAIR_EVERY_MS = 1_000;
/** After the kernel refused to raise it. */
const RETRY_MS = 5_000;

/** An address that is to be raised again. */
interface Due {
  readonly place: AddressPlace;
  /** The kernel refused it last. */
  readonly isRefused: boolean;
}

const NOTHING: Care = { raise: false, announce: false, message: '' };

interface AddressState {
  readonly slot: string;
  readonly place: AddressPlace;
  /** Why it cannot be raised on this node; null: it can. */
  missing: string | null;
  /** What the kernel said when it was raised last; null: it took it, or was not asked. */
  failure: string | null;
  readonly claimants: Map<string, { link: string; toldAtMs: number; lastMs: number }>;
  defendedAtMs: number;
  repairedAtMs: number;
  /** It is to be raised again then. */
  repairAtMs: number | null;
}

/**
 * What happens to the addresses of slots on this node behind our back: links that are not there, addresses that somebody
 * removes, others that claim them. It says what to do for those that are raised here, at a bounded rate, and
 * what is wrong in words. Links that a slot only forwards into are needed as those of its addresses are.
 */
export class AddressCare {
  readonly #node: number;
  #states: Map<string, AddressState> = new Map();
  #places: Map<string, readonly AddressPlace[]> = new Map();
  /** Links that are needed besides those of addresses, by slot: few slots have any. */
  #forwarding: Map<string, readonly string[]> = new Map();
  /** Why such a link cannot be used, by link; the others are not in it. */
  readonly #missingLinks = new Map<string, string>();
  /** Those that this node cannot serve: few, of what may be a thousand. */
  readonly #lacking = new Set<AddressState>();
  /** Those with something to do or to forget later. */
  readonly #attended = new Set<AddressState>();

  constructor(node: number) {
    this.#node = node;
  }

  /** All slots that may have addresses here; what is known of an address that stays with its slot is kept. */
  define(slots: readonly Addressed[]): void {
    const former = this.#states;
    this.#states = new Map();
    this.#places = new Map(slots.map((slot) => [slot.id, placesOf(slot)]));
    for (const [slot, places] of this.#places) {
      for (const place of places) {
        const known = former.get(place.address);
        const isSame = known?.slot === slot && samePlace(known.place, place);
        this.#states.set(place.address, isSame ? known : newState(slot, place));
      }
    }
    for (const some of [this.#attended, this.#lacking])
      for (const state of some) if (this.#states.get(state.place.address) !== state) some.delete(state);
    this.#forwarding = new Map(
      slots.flatMap((slot) => {
        const links = forwardingLinksOf(slot, this.#node);
        return links.length === 0 ? [] : [[slot.id, links] as const];
      }),
    );
    const links = new Set(this.links);
    for (const link of this.#missingLinks.keys()) if (!links.has(link)) this.#missingLinks.delete(link);
  }

  /** Slots that this node cannot serve whole. */
  get unfitSlots(): ReadonlySet<string> {
    const unfit = new Set([...this.#lacking].map(({ slot }) => slot));
    for (const slot of this.#forwarding.keys()) if (this.#lackingLinksOf(slot).length > 0) unfit.add(slot);
    return unfit;
  }

  placesOf(slot: string): readonly AddressPlace[] {
    return this.#places.get(slot) ?? [];
  }

  get places(): AddressPlace[] {
    return [...this.#places.values()].flat();
  }

  /** Those that slots need besides the links of their addresses. */
  get links(): string[] {
    return [...new Set([...this.#forwarding.values()].flat())];
  }

  /** Slots that need the link without an address there. */
  slotsWith(link: string): string[] {
    return [...this.#forwarding].flatMap(([slot, links]) => (links.includes(link) ? [slot] : []));
  }

  slotOf(address: string): string | undefined {
    return this.#states.get(address)?.slot;
  }

  placeOf(address: string): AddressPlace | undefined {
    return this.#states.get(address)?.place;
  }

  /** Why the slot cannot be served whole by this node; empty: it can. */
  unfitness(slot: string): string {
    return this.#told(slot, lacksOf);
  }

  /** The same, with what it is; undefined: it can. */
  refusal(slot: string): SlotRefusal | undefined {
    const why = this.unfitness(slot);
    if (why === '') return undefined;
    const isLink =
      this.#lackingLinksOf(slot).length > 0 ||
      this.placesOf(slot).some(({ address }) => (this.#states.get(address)?.missing ?? null) !== null);
    return { rule: isLink ? 'link' : 'address', why };
  }

  /** What is wrong with the addresses and links of a slot that is held here; empty: nothing. */
  troubleOf(slot: string, nowMs: number): string {
    return this.#told(slot, (state) => [
      ...lacksOf(state),
      ...[...state.claimants]
        .filter(([, { lastMs }]) => nowMs < lastMs + CLAIM_MS)
        .map(([hardware, { link }]) => `${state.place.address} is claimed by ${hardware} on ${link} too`),
    ]);
  }

  /** Whether that is news. */
  placed(address: string, missing: string | null): boolean {
    const state = this.#states.get(address);
    if (state === undefined || state.missing === missing) return false;
    state.missing = missing;
    // What was refused on the link before says nothing of this one.
    state.failure = null;
    state.repairAtMs = null;
    this.#noteLacking(state);
    return true;
  }

  /** Whether that is news. */
  linkPlaced(link: string, missing: string | null): boolean {
    if (missing === (this.#missingLinks.get(link) ?? null) || this.slotsWith(link).length === 0) return false;
    if (missing === null) this.#missingLinks.delete(link);
    else this.#missingLinks.set(link, missing);
    return true;
  }

  /** The kernel refused to raise it; whether that is news. */
  refused(address: string, failure: string, nowMs: number): boolean {
    const state = this.#states.get(address);
    if (state === undefined) return false;
    const isNews = state.failure !== failure;
    state.failure = failure;
    state.repairAtMs = nowMs + RETRY_MS;
    this.#attended.add(state);
    this.#noteLacking(state);
    return isNews;
  }

  /** The kernel raised it; whether it had refused before. */
  accepted(address: string): boolean {
    const state = this.#states.get(address);
    if (state === undefined || state.failure === null) return false;
    state.failure = null;
    state.repairAtMs = null;
    this.#noteLacking(state);
    return true;
  }

  /** An address that is raised here was removed by somebody. */
  vanished(address: string, nowMs: number): Care {
    const state = this.#states.get(address);
    // Without the link there is nothing to put it on; it is raised when that is back.
    if (state === undefined || state.missing !== null) return NOTHING;
    const message = `${address} was removed by somebody`;
    if (nowMs < state.repairedAtMs + REPAIR_EVERY_MS) {
      state.repairAtMs ??= state.repairedAtMs + REPAIR_EVERY_MS;
      this.#attended.add(state);
      return { ...NOTHING, message };
    }
    state.repairedAtMs = nowMs;
    return { raise: true, announce: true, message: `${message}, and is raised again` };
  }

  claimed({ address, hardwareAddress, link }: AddressClaim, nowMs: number): Care {
    const state = this.#states.get(address);
    if (state === undefined) return NOTHING;
    const announce = nowMs >= state.defendedAtMs + DEFEND_EVERY_MS;
    if (announce) state.defendedAtMs = nowMs;
    const { claimants } = state;
    this.#attended.add(state);
    for (const [key, { lastMs }] of claimants) if (nowMs >= lastMs + CLAIM_MS) claimants.delete(key);
    const known = claimants.get(hardwareAddress);
    const isNews = known === undefined ? claimants.size < CLAIMANTS_MAX : nowMs >= known.toldAtMs + CLAIM_MS;
    if (known !== undefined || isNews)
      claimants.set(hardwareAddress, {
        link,
        lastMs: nowMs,
        toldAtMs: isNews ? nowMs : (known?.toldAtMs ?? nowMs),
      });
    const message = isNews
      ? `${hardwareAddress} on ${link}, which is not of this set, claims ${address}`
      : '';
    return { raise: false, announce, message };
  }

  /**
   * What is no more held here needs no repair and no defence. That the kernel refuses it stays known: else two nodes would pass
   * the slot to each other for ever.
   */
  left(slot: string): void {
    for (const { address } of this.placesOf(slot)) {
      const state = this.#states.get(address);
      if (state === undefined) continue;
      if (state.failure === null) state.repairAtMs = null;
      state.claimants.clear();
    }
  }

  nextDeadline(): number | undefined {
    const all = [...this.#attended].flatMap(({ repairAtMs, claimants }) => [
      ...(repairAtMs === null ? [] : [repairAtMs]),
      ...[...claimants.values()].map(({ lastMs }) => lastMs + CLAIM_MS),
    ]);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  /** Addresses that are to be raised again now, also some that are refused, and slots of which something is over. */
  expire(nowMs: number): { readonly due: Due[]; readonly changed: string[] } {
    const due: Due[] = [];
    const changed: string[] = [];
    for (const state of this.#attended) {
      const { claimants, slot } = state;
      for (const [key, { lastMs }] of claimants) {
        if (nowMs < lastMs + CLAIM_MS) continue;
        claimants.delete(key);
        changed.push(slot);
      }
      if (state.repairAtMs !== null && nowMs >= state.repairAtMs) {
        const isRefused = state.failure !== null;
        // Refused until the kernel is heard to have taken it.
        state.repairAtMs = isRefused ? nowMs + RETRY_MS : null;
        state.repairedAtMs = nowMs;
        changed.push(slot);
        if (state.missing === null) due.push({ place: state.place, isRefused });
      }
      if (claimants.size === 0 && state.repairAtMs === null) this.#attended.delete(state);
    }
    return { due, changed };
  }

  #noteLacking(state: AddressState): void {
    if (lacksOf(state).length > 0) this.#lacking.add(state);
    else this.#lacking.delete(state);
  }

  #told(slot: string, tell: (state: AddressState) => readonly string[]): string {
    const states = this.placesOf(slot).flatMap(({ address }) => this.#states.get(address) ?? []);
    return [...states.flatMap(tell), ...this.#lackingLinksOf(slot)].join('; ');
  }

  #lackingLinksOf(slot: string): string[] {
    return (this.#forwarding.get(slot) ?? []).flatMap((link) => {
      const missing = this.#missingLinks.get(link);
      return missing === undefined ? [] : [`${missing} for forwarding`];
    });
  }
}

/** Why an address cannot be served by this node. */
function lacksOf({ place: { address }, missing, failure }: AddressState): readonly string[] {
  if (missing !== null) return [`${missing} for ${address}`];
  return failure === null ? [] : [`${address} cannot be raised: ${failure}`];
}

function newState(slot: string, place: AddressPlace): AddressState {
  return {
    slot,
    place,
    missing: null,
    failure: null,
    claimants: new Map(),
    defendedAtMs: Number.NEGATIVE_INFINITY,
    repairedAtMs: Number.NEGATIVE_INFINITY,
    repairAtMs: null,
  };
}

function samePlace(a: AddressPlace, b: AddressPlace): boolean {
  return a.link === b.link && a.own?.name === b.own?.name;
}
