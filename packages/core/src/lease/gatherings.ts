// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage, RegisterMessage } from '@vnfpool/wire/lease';
import type { SlotDefinition } from '@vnfpool/wire/mobility';
import { isBefore } from './council.ts';
import { type Gathered, Gathering, type Sources } from './gathering.ts';
import type { LeaseMember } from './member.ts';
import type { CouncilNumber, CouncilRecord, SlotRecord } from './record.ts';
import { asHeld } from './register.ts';
import type { LeaseRules } from './rules.ts';
import { genesisValue, unknownValue } from './value.ts';

/** The council of a definition that does not say under which its slot was born. */
const FIRST: CouncilNumber = { generation: 1, number: 1 };

interface Voiceless {
  readonly definition: SlotDefinition;
  readonly gathering: Gathering;
  /** After a forced decision: what is known, and when this member may vote with it. */
  settling: { readonly gathered: Gathered; readonly atMs: number } | undefined;
}

export interface GatheringsOptions {
  readonly node: number;
  readonly member: LeaseMember;
  readonly driftBound: number;
  readonly rules: LeaseRules;
  readonly send: (to: number, message: LeaseMessage) => void;
  readonly persist: (record: SlotRecord) => void;
}

/** The slots for which this node's member has no voice yet in the present council, and how it gets it. */
export class Gatherings {
  readonly #options: GatheringsOptions;
  readonly #open = new Map<string, Voiceless>();
  #serial = 0;

  /** @param serial the last that this incarnation has used */
  constructor(options: GatheringsOptions, serial = 0) {
    this.#options = options;
    this.#serial = serial;
  }

  get serial(): number {
    return this.#serial;
  }

  /** Slots for which it cannot vote yet. */
  get size(): number {
    return this.#open.size;
  }

  /** Begins anew, for another council. */
  clear(): void {
    this.#open.clear();
  }

  /** Sees to it that the member gets its voice for a slot, if this node is one. */
  need(definition: SlotDefinition, council: CouncilRecord, nowMs: number): void {
    const { node, member, rules, persist } = this.#options;
    const { id } = definition;
    if (!council.members.includes(node) || member.hasVoice(id) || this.#open.has(id)) return;
    if (!rules.needsVoice() || isBornIn(definition, council)) {
      const record = member.birth(id, genesisValue(definition), council.version, nowMs);
      if (record !== undefined) persist(record);
      if (member.hasVoice(id)) return;
    }
    this.#serial = this.#serial === 0xffffffff ? 1 : this.#serial + 1;
    const gathering = new Gathering(id, this.#serial, sourcesOf(council), nowMs);
    this.#open.set(id, { definition, gathering, settling: undefined });
  }

  drop(slot: string): void {
    this.#open.delete(slot);
  }

  /** What another member kept. */
  onRegister(from: number, message: RegisterMessage, council: CouncilRecord, nowMs: number): void {
    const slot = this.#open.get(message.slot);
    if (slot === undefined || slot.settling !== undefined) return;
    if (message.stored === null && !isSilenceTelling(slot.definition, council)) return;
    const gathered = slot.gathering.add(from, message, nowMs);
    if (gathered === undefined) return;
    if (council.origin.type !== 'forced') {
      this.#takeOver(slot.definition, gathered, council);
      return;
    }
    const { driftBound, rules } = this.#options;
    const longestMs = Math.max(gathered.stored?.longestLeaseMs ?? 0, slot.definition.leaseMs);
    slot.settling = { gathered, atMs: nowMs + rules.forcedWaitMs(longestMs, driftBound) };
  }

  nextDeadline(): number | undefined {
    let next: number | undefined;
    for (const { gathering, settling } of this.#open.values()) {
      const at = settling?.atMs ?? gathering.resendAtMs;
      if (next === undefined || at < next) next = at;
    }
    return next;
  }

  /** Asks again; gives the slots for which the member may vote from now on. */
  expire(council: CouncilRecord, nowMs: number): string[] {
    const voiced: string[] = [];
    for (const [id, { definition, gathering, settling }] of this.#open) {
      if (settling === undefined) {
        if (nowMs >= gathering.resendAtMs) gathering.ask(this.#options.send, definition.leaseMs, nowMs);
      } else if (nowMs >= settling.atMs) {
        this.#takeOver(definition, settling.gathered, council);
        voiced.push(id);
      }
    }
    return voiced;
  }

  #takeOver(definition: SlotDefinition, gathered: Gathered, { version, origin }: CouncilRecord): void {
    const { member, persist, rules } = this.#options;
    const isForced = origin.type === 'forced' && rules.mistrustsSilence();
    const stored = isForced ? asHeld(gathered.stored, unknownValue(definition)) : gathered.stored;
    persist(member.takeOver(definition.id, { ...gathered, stored }, genesisValue(definition), version));
    this.#open.delete(definition.id);
  }
}

/** A majority of the former council knows all that it decided. After a forced decision all that are left have to speak. */
function sourcesOf({ origin, members }: CouncilRecord): Sources {
  if (origin.type !== 'change') return { nodes: members, needed: members.length };
  const { members: nodes } = origin.former;
  return { nodes, needed: Math.floor(nodes.length / 2) + 1 };
}

/** Whether nothing can have been decided for the slot before this council. */
function isBornIn({ genesis }: SlotDefinition, { origin, version }: CouncilRecord): boolean {
  return origin.type === 'birth' || !isBefore(genesis.council ?? FIRST, version);
}

/**
 * Whether a member that has no register thereby says that it decided nothing. Of a slot that was there before the former
 * council it may simply not have taken the register over yet.
 */
function isSilenceTelling({ genesis }: SlotDefinition, { origin }: CouncilRecord): boolean {
  if (origin.type !== 'change') return true;
  const { version } = origin.former;
  return !isBefore(genesis.council ?? FIRST, version);
}
