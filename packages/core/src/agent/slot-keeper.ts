// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage } from '@vnfpool/wire/lease';
import type { FailoverRecord, FailoverStep, SlotState } from '@vnfpool/wire/mobility';
import type { Core } from '../core.ts';
import type { LeaseEngine, LeaseInput, LeaseOutput, LeaseRecord } from '../lease/index.ts';
import { FormerHolders } from './former-holders.ts';

/** Moments of a take-over that the driver tells us by the clock; all but `raised` are steps of the record. */
export type KeeperStep = 'committed' | 'raised' | 'switched' | 'serving';

export type KeeperInput =
  | LeaseInput
  /** Everything before the `mark` of this step has been carried out; `wallMs` is the wall clock now. */
  | {
      readonly type: 'marked';
      readonly slot: string;
      readonly epoch: number;
      readonly step: KeeperStep;
      readonly wallMs: number;
    }
  /** Nodes that no kernel silences: whoever takes over from them by time has them switched off first. */
  | { readonly type: 'unfenced'; readonly nodes: ReadonlySet<number> }
  /** After `fence-node`: whether that node is off. */
  | {
      readonly type: 'node-fenced';
      readonly slot: string;
      readonly epoch: number;
      readonly isOff: boolean;
      /** Why not, or empty. */
      readonly reason: string;
    };

/** A slot and the addresses that it acts through. */
export interface KeeperSlot {
  readonly slot: string;
  readonly addresses: readonly string[];
}

/** To be carried out in order, each only when the one before is done. */
export type KeeperOutput =
  | { readonly type: 'persist'; readonly records: readonly LeaseRecord[] }
  | { readonly type: 'send'; readonly to: number; readonly messages: readonly LeaseMessage[] }
  /** Slots that must be under the fence, closed unless opened, with their addresses. Replaces the former list. */
  | { readonly type: 'guard'; readonly slots: readonly KeeperSlot[] }
  | { readonly type: 'raise'; readonly addresses: readonly string[] }
  | { readonly type: 'withdraw'; readonly addresses: readonly string[] }
  /** Open, or keep open, slots until moments of CLOCK_BOOTTIME: all that one step renewed, at once. */
  | { readonly type: 'open'; readonly ends: ReadonlyMap<string, number> }
  /** Close, and answer with `fence-closed` when the kernel has acknowledged it. */
  | { readonly type: 'close'; readonly slot: string; readonly epoch: number }
  /** Have a node switched off, and answer with `node-fenced`, in whatever time. */
  | { readonly type: 'fence-node'; readonly slot: string; readonly epoch: number; readonly node: number }
  | { readonly type: 'announce'; readonly addresses: readonly string[] }
  | { readonly type: 'mark'; readonly slot: string; readonly epoch: number; readonly step: KeeperStep }
  /** For the agent's main thread. */
  | { readonly type: 'slot'; readonly state: SlotState }
  | { readonly type: 'failover'; readonly record: FailoverRecord }
  | { readonly type: 'event'; readonly severity: 'info' | 'warning' | 'error'; readonly message: string };

/** The taking of a slot in progress, and afterwards the slot held. */
interface Holding {
  readonly granted: LeaseOutput & { type: 'granted' };
  epoch: number;
  readonly steps: { name: FailoverStep; atMs: number }[];
  serving: boolean;
  /** The fence is being closed; `lost` follows. */
  closing: boolean;
  /** Moments at which the address is announced again: a neighbour may have lost the first ones. */
  announceAtMs: number[];
}

const ANNOUNCE_AGAIN_MS = [100, 1_000, 3_000];

/**
 * Takes and leaves slots in the right order: what happens between the lease engine's word and the first packet.
 *
 * granted → commit state → (switch the former holder's node off) → raise the address → fence opens → announce → serving; at the end fence closes →
 * withdraw. The fence follows the lease; nothing here decides who holds.
 */
export class SlotKeeper implements Core<KeeperInput, KeeperOutput> {
  readonly #engine: LeaseEngine;
  readonly #node: number;
  readonly #addresses = new Map<string, readonly string[]>();
  readonly #holdings = new Map<string, Holding>();
  readonly #observed = new Map<string, LeaseOutput & { type: 'observed' }>();
  /** Slots of the last configuration. */
  #current: ReadonlySet<string> = new Set();
  readonly #formerHolders: FormerHolders;

  constructor(engine: LeaseEngine, node: number) {
    this.#engine = engine;
    this.#node = node;
    this.#formerHolders = new FormerHolders(node);
  }

  handle(input: KeeperInput, nowMs: number): KeeperOutput[] {
    if (input.type === 'marked') return this.#marked(input, nowMs);
    if (input.type === 'unfenced') {
      this.#formerHolders.configure(input.nodes);
      return [];
    }
    if (input.type === 'node-fenced') return this.#nodeFenced(input, nowMs);
    if (input.type !== 'configure') return this.#follow(this.#engine.handle(input, nowMs), nowMs);
    this.#current = new Set(input.slots.map(({ id }) => id));
    const guard = this.#guard(input.slots, nowMs);
    return [...guard, ...this.#follow(this.#engine.handle(input, nowMs), nowMs)];
  }

  expire(nowMs: number): KeeperOutput[] {
    return [
      ...this.#follow(this.#engine.expire(nowMs), nowMs),
      ...this.#formerHolders.due(nowMs),
      ...this.#announceAgain(nowMs),
    ];
  }

  nextDeadline(): number | undefined {
    const all = [...this.#holdings.values()].flatMap(({ announceAtMs }) => announceAtMs[0] ?? []);
    all.push(...this.#formerHolders.nextDeadlines());
    const own = this.#engine.nextDeadline();
    if (own !== undefined) all.push(own);
    return all.length === 0 ? undefined : Math.min(...all);
  }

  /**
   * Takes over the addresses of the slots. Those that are new to this process are withdrawn: an earlier one may
   * have left them on the link. A holder whose addresses changed goes on under the new ones, from its next
   * renewal on, and announces them.
   */
  #guard(
    slots: readonly { readonly id: string; readonly addresses: readonly string[] }[],
    nowMs: number,
  ): KeeperOutput[] {
    const former = new Set([...this.#addresses.values()].flat());
    const raised = new Set([...this.#holdings.keys()].flatMap((slot) => this.#addressesOf(slot)));
    this.#forget();
    for (const { id, addresses } of slots) this.#addresses.set(id, addresses);
    const guarded = new Set([...this.#addresses.values()].flat());
    const wanted = new Set([...this.#holdings.keys()].flatMap((slot) => this.#addressesOf(slot)));
    const withdrawn = [
      ...[...raised].filter((address) => !wanted.has(address)),
      ...[...guarded].filter((address) => !former.has(address) && !wanted.has(address)),
    ];
    const added = [...wanted].filter((address) => !raised.has(address));
    for (const [slot, holding] of this.#holdings) {
      const isAnother = this.#addressesOf(slot).some((address) => added.includes(address));
      if (isAnother && holding.serving) holding.announceAtMs = ANNOUNCE_AGAIN_MS.map((ms) => nowMs + ms);
    }
    return [
      // What leaves the link first leaves the fence second, and what comes is under the fence first.
      ...(withdrawn.length === 0 ? [] : [{ type: 'withdraw' as const, addresses: withdrawn }]),
      this.#underFence(),
      ...(added.length === 0 ? [] : [{ type: 'raise' as const, addresses: added }]),
    ];
  }

  /**
   * An address that two slots name, as one of them is going and not gone, stays with the elder until it is: the fence
   * opens each thing by one slot.
   */
  #underFence(): KeeperOutput {
    const taken = new Set<string>();
    const slots = [...this.#addresses].map(([slot, addresses]) => {
      const own = addresses.filter((address) => !taken.has(address));
      for (const address of own) taken.add(address);
      return { slot, addresses: own };
    });
    return { type: 'guard', slots };
  }

  /** Slots that are gone, and whose last holding has ended. */
  #forget(): void {
    for (const slot of this.#addresses.keys()) {
      if (this.#current.has(slot) || this.#holdings.has(slot)) continue;
      this.#addresses.delete(slot);
      this.#observed.delete(slot);
    }
  }

  #follow(outputs: readonly LeaseOutput[], nowMs: number): KeeperOutput[] {
    const done: KeeperOutput[] = [];
    /** What the slots renewed so far share: it waits for more, but no slot's end overtakes its closing. */
    const ends = new Map<string, number>();
    const open = (): void => {
      if (ends.size > 0) done.push({ type: 'open', ends: new Map(ends) });
      ends.clear();
    };
    for (const output of outputs) {
      if (output.type === 'fence-until') {
        if (this.#addressesOf(output.slot).length > 0) ends.set(output.slot, output.untilMs);
        continue;
      }
      if (output.type !== 'send' && output.type !== 'observed') open();
      done.push(...this.#followOne(output, nowMs));
    }
    open();
    return done;
  }

  #followOne(output: Exclude<LeaseOutput, { type: 'fence-until' }>, nowMs: number): KeeperOutput[] {
    switch (output.type) {
      case 'persist':
      case 'send':
        return [output];
      case 'granted':
        return this.#take(output, nowMs);
      case 'renumbered':
        return this.#renumber(output);
      case 'fence-close': {
        const holding = this.#holdings.get(output.slot);
        if (holding) holding.closing = true;
        return [{ type: 'close', slot: output.slot, epoch: output.epoch }];
      }
      case 'lost':
        return this.#leave(output);
      case 'observed':
        this.#observed.set(output.slot, output);
        return this.#isChanging(output.slot) ? [] : [{ type: 'slot', state: this.#stateOf(output.slot, '') }];
      case 'offered':
        return [];
      case 'hand-over-failed':
        return [
          {
            type: 'event',
            severity: 'warning',
            message: `hand-over of slot ${output.slot} failed: ${output.reason}`,
          },
        ];
      case 'rejected':
        return [
          {
            type: 'event',
            severity: 'warning',
            message: `lease input from node ${output.from} refused: ${output.reason}`,
          },
        ];
    }
  }

  #take(granted: LeaseOutput & { type: 'granted' }, nowMs: number): KeeperOutput[] {
    const { slot, epoch, detectedAtMs } = granted;
    this.#holdings.set(slot, {
      granted,
      epoch,
      steps: [
        { name: 'detected', atMs: Math.min(detectedAtMs, nowMs) },
        { name: 'decided', atMs: nowMs },
      ],
      serving: false,
      closing: false,
      announceAtMs: [],
    });
    const committed: KeeperOutput = { type: 'mark', slot, epoch, step: 'committed' };
    const order = this.#formerHolders.take(granted);
    return order === undefined ? [committed, ...this.#raise(slot, epoch)] : [committed, order];
  }

  #raise(slot: string, epoch: number): KeeperOutput[] {
    return [
      { type: 'raise', addresses: this.#addressesOf(slot) },
      { type: 'mark', slot, epoch, step: 'raised' },
    ];
  }

  #nodeFenced(input: KeeperInput & { type: 'node-fenced' }, nowMs: number): KeeperOutput[] {
    const told = this.#formerHolders.told(input, nowMs);
    const holding = this.#holdings.get(input.slot);
    if (told === undefined || holding === undefined) return [];
    return [told.event, ...(told.isOff ? this.#raise(input.slot, holding.epoch) : [])];
  }

  #marked({ slot, epoch, step, wallMs }: KeeperInput & { type: 'marked' }, nowMs: number): KeeperOutput[] {
    const holding = this.#holdings.get(slot);
    if (holding?.epoch !== epoch || holding.serving) return [];
    switch (step) {
      case 'raised': {
        const opened = this.#follow(this.#engine.handle({ type: 'activate', slot, epoch }, nowMs), nowMs);
        // The lease may have ended while we were at it.
        if (this.#holdings.get(slot) !== holding) return opened;
        const announce: KeeperOutput = { type: 'announce', addresses: this.#addressesOf(slot) };
        return [
          ...opened,
          { type: 'mark', slot, epoch, step: 'switched' },
          announce,
          { type: 'mark', slot, epoch, step: 'serving' },
        ];
      }
      case 'committed':
      case 'switched':
        holding.steps.push({ name: step, atMs: nowMs });
        return [];
      case 'serving': {
        holding.steps.push({ name: step, atMs: nowMs });
        holding.serving = true;
        const again = this.#addressesOf(slot).length === 0 ? [] : ANNOUNCE_AGAIN_MS;
        holding.announceAtMs = again.map((afterMs) => nowMs + afterMs);
        return [
          { type: 'slot', state: this.#stateOf(slot, '') },
          { type: 'failover', record: this.#record(holding, wallMs - nowMs) },
        ];
      }
    }
  }

  #record({ granted, epoch, steps }: Holding, wallOffsetMs: number): FailoverRecord {
    const { slot, cause, previous, functionId } = granted;
    const fencedBy = this.#formerHolders.isOff(slot) ? 'hook' : granted.fencedBy;
    return {
      id: `${slot}/${epoch}`,
      slot,
      epoch: String(epoch),
      from: previous ? { node: previous.node, functionId: previous.functionId } : null,
      to: { node: this.#node, functionId },
      cause,
      fencedBy,
      steps: steps.map(({ name, atMs }) => ({ name, atMs: atMs + wallOffsetMs })),
    };
  }

  #renumber({ slot, epoch, formerEpoch }: LeaseOutput & { type: 'renumbered' }): KeeperOutput[] {
    const holding = this.#holdings.get(slot);
    if (holding?.epoch !== formerEpoch) return [];
    holding.epoch = epoch;
    if (this.#formerHolders.isWaitedFor(slot)) return [];
    // Marks of the former epoch do not count any more: begin again from where the address is raised.
    if (!holding.serving) return [{ type: 'mark', slot, epoch, step: 'raised' }];
    if (holding.closing) return [];
    return [{ type: 'slot', state: this.#stateOf(slot, '') }];
  }

  #leave({ slot, reason }: LeaseOutput & { type: 'lost' }): KeeperOutput[] {
    const holding = this.#holdings.get(slot);
    this.#holdings.delete(slot);
    this.#formerHolders.forget(slot);
    const withdraw: KeeperOutput = { type: 'withdraw', addresses: this.#addressesOf(slot) };
    if (!holding) return [withdraw];
    const told: KeeperOutput = { type: 'slot', state: this.#stateOf(slot, `lost: ${reason}`) };
    if (this.#current.has(slot)) return [withdraw, told];
    this.#forget();
    return [withdraw, this.#underFence(), told];
  }

  #announceAgain(nowMs: number): KeeperOutput[] {
    const outputs: KeeperOutput[] = [];
    for (const [slot, holding] of this.#holdings) {
      if ((holding.announceAtMs[0] ?? Number.POSITIVE_INFINITY) > nowMs) continue;
      holding.announceAtMs = holding.announceAtMs.filter((atMs) => atMs > nowMs);
      outputs.push({ type: 'announce', addresses: this.#addressesOf(slot) });
    }
    return outputs;
  }

  /**
   * The slot is being taken or left, and its state is told when that is done. What the driver hands back on the
   * way brings forth outputs that overtake those made before; an older state among these must not be the last word.
   */
  #isChanging(slot: string): boolean {
    const holding = this.#holdings.get(slot);
    return holding !== undefined && (!holding.serving || holding.closing);
  }

  #stateOf(slot: string, reason: string): SlotState {
    const holding = this.#holdings.get(slot);
    const observed = this.#observed.get(slot);
    if (holding?.serving) {
      const { functionId } = holding.granted;
      const candidates = (observed?.candidates ?? holding.granted.candidates).map(
        ({ node, functionId: id }) => ({ node, functionId: id }),
      );
      return {
        id: slot,
        state: 'holding',
        epoch: String(holding.epoch),
        holder: { node: this.#node, functionId },
        candidates,
        reason,
      };
    }
    const holder = observed?.holder ?? null;
    return {
      id: slot,
      state: observed?.state ?? 'free',
      epoch: String(observed?.epoch ?? 0),
      holder: holder ? { node: holder.node, functionId: holder.functionId } : null,
      candidates: (observed?.candidates ?? []).map(({ node, functionId }) => ({ node, functionId })),
      reason,
    };
  }

  #addressesOf(slot: string): readonly string[] {
    return this.#addresses.get(slot) ?? [];
  }
}
