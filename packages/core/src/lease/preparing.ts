// SPDX-License-Identifier: Apache-2.0
import type { AcceptedValue, LeaseHolder, LeaseMessage, PromiseMessage } from '@vnfpool/wire/lease';
import { Attempt } from './attempt.ts';
import type { Slot } from './slot.ts';
import { admits, type CandidateState, isLossAccepted } from './value.ts';

/** The first half of a round: members are asked to promise it. */
export class Preparing extends Attempt {
  readonly #promises = new Map<number, PromiseMessage>();
  readonly #state: CandidateState | undefined;

  /** @param state what of the slot's state the candidate has; undefined: it lacks nothing */
  constructor(
    slot: Slot,
    { round, serial }: { readonly round: number; readonly serial: number },
    holder: LeaseHolder,
    state: CandidateState | undefined,
    nowMs: number,
  ) {
    super(slot, round, serial, holder, nowMs);
    this.#state = state;
  }

  /** Counts a promise; the verdict once a majority has promised. */
  promised(from: number, message: PromiseMessage): Verdict | undefined {
    if (!this.isAnsweredBy(message)) return undefined;
    this.tally.add(from);
    this.#promises.set(from, message);
    return this.verdict;
  }

  /** Undefined until a majority has promised. */
  get verdict(): Verdict | undefined {
    if (this.tally.count < this.slot.council.majority) return undefined;
    return judge(this.#promises.values(), this.holder, {
      mayFollow: (former) => this.#mayFollow(former),
      isLossAccepted: (former) => isLossAccepted(this.slot.epoch(former.round), this.#state),
      lacksState: this.#state !== undefined,
    });
  }

  #mayFollow(former: AcceptedValue): boolean {
    const epoch = this.slot.epoch(former.round);
    return this.slot.context.rules.mayFollow(admits(former, epoch, this.holder, this.#state));
  }

  protected override request(): LeaseMessage {
    const { functionId, functionIncarnation } = this.holder;
    const { round, serial } = this;
    return { type: 'prepare', slot: this.slot.id, serial, round, functionId, functionIncarnation };
  }
}

/** What a majority's promises allow: go on after `former`, or not. */
export type Verdict =
  | { readonly isAllowed: true; readonly former: AcceptedValue; readonly lossMark: boolean }
  | { readonly isAllowed: false; readonly former: AcceptedValue | undefined };

/**
 * A candidate goes on only if the *highest* value that its majority reported lists it and it has its state, or if that value's
 * last resort admits it: every one of the majority has seen the lease over for long enough.
 */
function judge(
  promises: Iterable<PromiseMessage>,
  candidate: LeaseHolder,
  {
    mayFollow,
    isLossAccepted: isAccepted,
    lacksState,
  }: {
    readonly mayFollow: (former: AcceptedValue) => boolean;
    readonly isLossAccepted: (former: AcceptedValue) => boolean;
    readonly lacksState: boolean;
  },
): Verdict {
  let former: AcceptedValue | undefined;
  let endedForMs = Number.POSITIVE_INFINITY;
  for (const { accepted, endedForMs: ended } of promises) {
    endedForMs = Math.min(endedForMs, ended);
    if (accepted !== null && (former === undefined || accepted.round > former.round)) former = accepted;
  }
  if (former === undefined) return { isAllowed: false, former };
  // What was lost when this one came in by the last resort, before it acted perhaps, is lost still: it listed itself then.
  const { holder, lossMark } = former.value;
  const isLossy = lossMark && holder.node === candidate.node && holder.functionId === candidate.functionId;
  if (mayFollow(former)) return { isAllowed: true, former, lossMark: isLossy };
  if (isAccepted(former)) return { isAllowed: true, former, lossMark: true };
  const { lastResort } = former.value;
  if (lastResort.rule === 'after' && endedForMs >= lastResort.afterMs) {
    return { isAllowed: true, former, lossMark: lacksState || isLossy };
  }
  return { isAllowed: false, former };
}
