// SPDX-License-Identifier: Apache-2.0
import type { CouncilDefinition, SlotDefinition, StallReport } from '@vnfpool/wire/mobility';
import type { Core } from '../core.ts';
import { LeaseEngine } from './engine.ts';
import type { HandedOnLeases } from './handed-on.ts';
import type { ClockRecord, CouncilRecord, LeaseRecord } from './record.ts';
import { LeaseRules } from './rules.ts';
import { earliest } from './timing.ts';
import {
  type LeaseDatagram,
  type LeaseEngineInit,
  type LeaseInput,
  type LeaseOutput,
  SLOTS_MAX,
} from './types.ts';

/** Number of a council within its set. */
interface OfCouncil {
  readonly councilId: number;
}

export type NodeLeaseRecord = LeaseRecord & OfCouncil;

export type NodeLeasesInput =
  | Exclude<LeaseInput, { type: 'configure' }>
  /** The set as the manager says it; replaces the former one. */
  | {
      readonly type: 'configure';
      readonly councils: readonly CouncilDefinition[];
      readonly slots: readonly SlotDefinition[];
    };

/** As the engines say it; what depends on the council says which it is. */
export type NodeLeasesOutput =
  | Exclude<LeaseOutput, { type: 'persist' | 'send' | 'council' }>
  | { readonly type: 'persist'; readonly records: readonly NodeLeaseRecord[] }
  | (Extract<LeaseOutput, { type: 'send' | 'council' }> & OfCouncil)
  | {
      readonly type: 'rejected';
      readonly reason: /** A slot was told with another council than it has: it stays where it is. */
        | 'other-council'
        /** A datagram of a council of which this node was told nothing. */
        | 'unknown-council';
      readonly from: number;
    };

export interface HandedOnCouncils {
  readonly councils: readonly (HandedOnLeases & OfCouncil)[];
}

export interface NodeLeasesInit extends Omit<LeaseEngineInit, 'restored' | 'handedOn'> {
  /** What the journal restored, oldest first. */
  readonly restored: readonly NodeLeaseRecord[];
  /** See `LeaseEngineInit`. */
  readonly handedOn?: HandedOnCouncils;
}

/** What one council is to this node. */
export interface NodeCouncil extends OfCouncil {
  readonly council: CouncilRecord;
  readonly voiceless: number;
  /** Members of which nothing is heard, though they are asked; the same list until it changes. */
  readonly silent: readonly number[];
}

/**
 * All leases of one node: a set has one council or several, each slot belongs to one of them for ever, and councils have
 * nothing to do with each other. So there is an engine for each, and this is who tells them apart.
 */
export class NodeLeases implements Core<NodeLeasesInput, NodeLeasesOutput> {
  readonly #init: NodeLeasesInit;
  readonly #rules: LeaseRules;
  readonly #engines = new Map<number, LeaseEngine>();
  /** What one council finds out about this node's clock is true for all that come later. */
  #clock: ClockRecord | undefined;

  constructor(init: NodeLeasesInit, rules: LeaseRules = new LeaseRules()) {
    this.#init = init;
    this.#rules = rules;
    const { restored, handedOn } = init;
    for (const { councilId } of [...restored, ...(handedOn?.councils ?? [])]) {
      if (this.#engines.has(councilId)) continue;
      const own = restored.filter((record) => record.councilId === councilId);
      const on = handedOn?.councils.find((each) => each.councilId === councilId);
      this.#engines.set(councilId, this.#open(own, on));
    }
    this.#clock = restored.findLast((record) => record.type === 'clock');
  }

  /** Councils that this node knows and was told the slots of. */
  get councils(): NodeCouncil[] {
    return [...this.#engines].flatMap(([councilId, { council, voiceless, silent }]) =>
      council === undefined || voiceless === undefined ? [] : [{ councilId, council, voiceless, silent }],
    );
  }

  /** What this node works under in that council; undefined: nothing yet. */
  council(councilId: number): CouncilRecord | undefined {
    return this.#engines.get(councilId)?.council;
  }

  /** Whether the council of this slot has found this node's own clock to be out of its bound. */
  isClockOutside(slot: string): boolean {
    const found = this.#of(slot);
    return found !== undefined && this.#engines.get(found)?.isClockOutside === true;
  }

  /** For how long this node's members stay without a voice for others, from `nowMs` on. */
  muteMs(nowMs: number): number {
    return Math.max(0, ...[...this.#engines.values()].map((engine) => engine.muteMs(nowMs)));
  }

  /** How late this node was called in the last minutes; undefined while it has no slots. */
  stalls(nowMs: number): StallReport | undefined {
    const all = [...this.#engines.values()].flatMap((engine) => engine.stalls(nowMs) ?? []);
    if (all.length < 2) return all[0];
    const worst = (of: (report: StallReport) => number): number => Math.max(...all.map(of));
    return { p99Ms: worst(({ p99Ms }) => p99Ms), maxMs: worst(({ maxMs }) => maxMs) };
  }

  /** As that of the engine: all or nothing. */
  handOn(nowMs: number): HandedOnCouncils | undefined {
    const councils: (HandedOnLeases & OfCouncil)[] = [];
    for (const [councilId, engine] of this.#engines) {
      const kept = engine.handOn(nowMs);
      if (kept === undefined) return undefined;
      councils.push({ ...kept, councilId });
    }
    return { councils };
  }

  handle(input: NodeLeasesInput, nowMs: number): NodeLeasesOutput[] {
    switch (input.type) {
      case 'configure':
        return this.#configure(input, nowMs);
      case 'datagram':
        return this.#read(input.header.councilId, input, nowMs);
      case 'datagrams':
        return this.#readAll(input.datagrams, nowMs);
      default: {
        const found = this.#of(input.slot);
        if (found === undefined) return [{ type: 'rejected', reason: 'unknown-slot', from: 0 }];
        return this.#ask(found, (engine) => engine.handle(input, nowMs));
      }
    }
  }

  expire(nowMs: number): NodeLeasesOutput[] {
    return [...this.#engines.keys()].flatMap((id) => this.#ask(id, (engine) => engine.expire(nowMs)));
  }

  nextDeadline(): number | undefined {
    return earliest([...this.#engines.values()].map((engine) => engine.nextDeadline()));
  }

  #configure(
    { councils, slots }: NodeLeasesInput & { type: 'configure' },
    nowMs: number,
  ): NodeLeasesOutput[] {
    if (slots.length > SLOTS_MAX) return [{ type: 'rejected', reason: 'too-many-slots', from: 0 }];
    const outputs: NodeLeasesOutput[] = [];
    const own = new Map(councils.map(({ id }) => [id, [] as SlotDefinition[]]));
    for (const slot of slots) {
      const { councilId = 1 } = slot;
      // Two councils might grant it to two.
      const isElsewhere = (this.#of(slot.id) ?? councilId) !== councilId;
      if (isElsewhere) outputs.push({ type: 'rejected', reason: 'other-council', from: 0 });
      own.get(isElsewhere ? (this.#of(slot.id) as number) : councilId)?.push(slot);
    }
    for (const council of councils) {
      const { id } = council;
      if (!this.#engines.has(id)) this.#engines.set(id, this.#open(this.#clock ? [this.#clock] : []));
      const told = { type: 'configure' as const, council, slots: own.get(id) ?? [] };
      outputs.push(...this.#ask(id, (engine) => engine.handle(told, nowMs)));
    }
    for (const [id, { council }] of this.#engines) {
      if (own.has(id) || council === undefined) continue;
      const { version, members } = council;
      const told = { type: 'configure' as const, council: { id, version, members }, slots: [] };
      outputs.push(...this.#ask(id, (engine) => engine.handle(told, nowMs)));
    }
    return outputs;
  }

  #readAll(datagrams: readonly LeaseDatagram[], nowMs: number): NodeLeasesOutput[] {
    const ids = new Set(datagrams.map(({ header }) => header.councilId));
    return [...ids].flatMap((id) => {
      const own = datagrams.filter(({ header }) => header.councilId === id);
      return this.#read(id, { type: 'datagrams', datagrams: own }, nowMs);
    });
  }

  #read(
    councilId: number,
    input: LeaseInput & { type: 'datagram' | 'datagrams' },
    nowMs: number,
  ): NodeLeasesOutput[] {
    if (this.#engines.has(councilId)) return this.#ask(councilId, (engine) => engine.handle(input, nowMs));
    const all = input.type === 'datagram' ? [input] : input.datagrams;
    return all.map(({ from }) => ({ type: 'rejected', reason: 'unknown-council', from }));
  }

  #ask(councilId: number, what: (engine: LeaseEngine) => LeaseOutput[]): NodeLeasesOutput[] {
    const engine = this.#engines.get(councilId);
    return engine === undefined ? [] : what(engine).map((output) => this.#tagged(councilId, output));
  }

  #tagged(councilId: number, output: LeaseOutput): NodeLeasesOutput {
    switch (output.type) {
      case 'persist':
        this.#clock = output.records.findLast((record) => record.type === 'clock') ?? this.#clock;
        return { ...output, records: output.records.map((record) => ({ ...record, councilId })) };
      case 'send':
      case 'council':
        return { ...output, councilId };
      default:
        return output;
    }
  }

  /** The council that a slot has here. */
  #of(slot: string): number | undefined {
    for (const [id, engine] of this.#engines) if (engine.has(slot)) return id;
    return undefined;
  }

  #open(restored: readonly LeaseRecord[], handedOn?: HandedOnLeases): LeaseEngine {
    const { handedOn: _all, ...init } = this.#init;
    return new LeaseEngine({ ...init, restored, ...(handedOn && { handedOn }) }, this.#rules);
  }
}
