// SPDX-License-Identifier: Apache-2.0
import type { LeaseMessage } from '@vnfpool/wire/lease';
import type { FailoverRecord, FailoverStep, SlotState } from '@vnfpool/wire/mobility';
import type { Core } from '../core.ts';
import type { LeaseEngine, LeaseInput, LeaseOutput, LeaseRecord } from '../lease/index.ts';

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
    };

/** To be carried out in order, each only when the one before is done. */
export type KeeperOutput =
  | { readonly type: 'persist'; readonly records: readonly LeaseRecord[] }
  | { readonly type: 'send'; readonly to: number; readonly messages: readonly LeaseMessage[] }
  /** Addresses that must be under the fence, closed unless opened. Replaces the former list. */
  | { readonly type: 'guard'; readonly addresses: readonly string[] }
  | { readonly type: 'raise'; readonly addresses: readonly string[] }
  | { readonly type: 'withdraw'; readonly addresses: readonly string[] }
  | { readonly type: 'open'; readonly addresses: readonly string[]; readonly untilMs: number }
  /** Close, and answer with `fence-closed` when the kernel has acknowledged it. */
  | {
      readonly type: 'close';
      readonly slot: string;
      readonly epoch: number;
      readonly addresses: readonly string[];
    }
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
 * granted → commit state → raise the address → fence opens → announce → serving; at the end fence closes →
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

  constructor(engine: LeaseEngine, node: number) {
    this.#engine = engine;
    this.#node = node;
  }

  handle(input: KeeperInput, nowMs: number): KeeperOutput[] {
    if (input.type === 'marked') return this.#marked(input, nowMs);
    if (input.type !== 'configure') return this.#follow(this.#engine.handle(input, nowMs), nowMs);
    this.#current = new Set(input.slots.map(({ id }) => id));
    const guard = this.#guard(input.slots, nowMs);
    return [...guard, ...this.#follow(this.#engine.handle(input, nowMs), nowMs)];
  }

  expire(nowMs: number): KeeperOutput[] {
    return [...this.#follow(this.#engine.expire(nowMs), nowMs), ...this.#announceAgain(nowMs)];
  }

  nextDeadline(): number | undefined {
    const all = [...this.#holdings.values()].flatMap(({ announceAtMs }) => announceAtMs[0] ?? []);
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
      { type: 'guard', addresses: [...guarded] },
      ...(added.length === 0 ? [] : [{ type: 'raise' as const, addresses: added }]),
    ];
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
    return outputs.flatMap((output) => this.#followOne(output, nowMs));
  }

  #followOne(output: LeaseOutput, nowMs: number): KeeperOutput[] {
    switch (output.type) {
      case 'persist':
      case 'send':
        return [output];
      case 'granted':
        return this.#take(output, nowMs);
      case 'renumbered':
        return this.#renumber(output);
      case 'fence-until':
        return this.#open(output);
      case 'fence-close': {
        const holding = this.#holdings.get(output.slot);
        if (holding) holding.closing = true;
        return [
          {
            type: 'close',
            slot: output.slot,
            epoch: output.epoch,
            addresses: this.#addressesOf(output.slot),
          },
        ];
      }
      case 'lost':
        return this.#leave(output);
      case 'observed':
        this.#observed.set(output.slot, output);
        return this.#isChanging(output.slot) ? [] : [{ type: 'slot', state: this.#stateOf(output.slot, '') }];
      case 'offered':
        return [];
      case 'clock':
        return [{ type: 'event', ...clockEvent(output, this.#node) }];
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
    const raise: KeeperOutput = { type: 'raise', addresses: this.#addressesOf(slot) };
    return [
      { type: 'mark', slot, epoch, step: 'committed' },
      raise,
      { type: 'mark', slot, epoch, step: 'raised' },
    ];
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
    const { slot, cause, fencedBy, previous, functionId } = granted;
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
    // Marks of the former epoch do not count any more: begin again from where the address is raised.
    if (!holding.serving) return [{ type: 'mark', slot, epoch, step: 'raised' }];
    if (holding.closing) return [];
    return [{ type: 'slot', state: this.#stateOf(slot, '') }];
  }

  #open({ slot, untilMs }: LeaseOutput & { type: 'fence-until' }): KeeperOutput[] {
    const addresses = this.#addressesOf(slot);
    return addresses.length === 0 ? [] : [{ type: 'open', addresses, untilMs }];
  }

  #leave({ slot, reason }: LeaseOutput & { type: 'lost' }): KeeperOutput[] {
    const holding = this.#holdings.get(slot);
    this.#holdings.delete(slot);
    const withdraw: KeeperOutput = { type: 'withdraw', addresses: this.#addressesOf(slot) };
    if (!holding) return [withdraw];
    const told: KeeperOutput = { type: 'slot', state: this.#stateOf(slot, `lost: ${reason}`) };
    if (this.#current.has(slot)) return [withdraw, told];
    this.#forget();
    return [withdraw, { type: 'guard', addresses: [...new Set([...this.#addresses.values()].flat())] }, told];
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

function clockEvent(
  { node, isOutside, deviation }: LeaseOutput & { type: 'clock' },
  own: number,
): { severity: 'info' | 'error'; message: string } {
  const whose = node === own ? "this node's clock" : `the clock of node ${node}`;
  if (!isOutside) return { severity: 'info', message: `${whose} runs at the rate of the others again` };
  const percent = `${(Math.abs(deviation) * 100).toFixed(2)} %`;
  const message = `${whose} is ${percent} ${deviation > 0 ? 'faster' : 'slower'} than the others: that node neither votes nor holds a slot until it is not`;
  return { severity: 'error', message };
}
