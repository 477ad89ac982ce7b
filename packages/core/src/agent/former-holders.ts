// SPDX-License-Identifier: Apache-2.0
import type { FailoverRecord, SlotRefusal } from '@vnfpool/wire/mobility';
import type { NodeLeasesOutput } from '../lease/index.ts';
import type { KeeperInput, KeeperOutput } from './slot-keeper-types.ts';

/** Between a hook that failed and the next. */
const AGAIN_MS = 2_000;

interface Taking {
  readonly node: number;
  /** Of the grant. */
  readonly epoch: number;
  /** Why the hook failed last; empty: it did not. */
  reason: string;
  /** `unhooked`: no hook is declared, so nothing is waited for. */
  state: 'running' | 'failed' | 'done' | 'unhooked';
  againAtMs: number;
}

/**
 * Nodes that no kernel silences: whoever takes a slot over from one by time has it switched off first, by a hook where one is
 * declared. Until that has worked the slot stays as it is, closed; a hook that fails is tried again for as long as the slot is held.
 */
export class FormerHolders {
  readonly #self: number;
  readonly #takings = new Map<string, Taking>();
  #unfenced: ReadonlySet<number> = new Set();
  #hasHook = false;

  constructor(self: number) {
    this.#self = self;
  }

  configure({ nodes, hasHook }: KeeperInput & { type: 'unfenced' }): void {
    this.#unfenced = nodes;
    this.#hasHook = hasHook;
  }

  /** The order to switch the former holder's node off; undefined: nothing stands in the way. */
  take({
    slot,
    epoch,
    fencedBy,
    previous,
  }: NodeLeasesOutput & { type: 'granted' }): KeeperOutput | undefined {
    this.#takings.delete(slot);
    if (fencedBy !== 'timeout' || previous === null || previous.node === this.#self) return undefined;
    const { node } = previous;
    if (!this.#unfenced.has(node)) return undefined;
    this.#takings.set(slot, {
      node,
      epoch,
      reason: '',
      state: this.#hasHook ? 'running' : 'unhooked',
      againAtMs: 0,
    });
    if (!this.#hasHook) return undefined;
    return { type: 'fence-node', slot, epoch, node };
  }

  /** @returns whether the slot may go on; an event says why not; undefined: it does not wait for this */
  told(
    { slot, epoch, isOff, reason }: KeeperInput & { type: 'node-fenced' },
    nowMs: number,
  ): { readonly isOff: boolean; readonly event: KeeperOutput } | undefined {
    const taking = this.#takings.get(slot);
    if (taking?.epoch !== epoch || taking.state !== 'running') return undefined;
    taking.state = isOff ? 'done' : 'failed';
    taking.againAtMs = nowMs + AGAIN_MS;
    taking.reason = reason;
    const about = `node ${taking.node} has no kernel fence, and the hook that switches it off`;
    return isOff
      ? { isOff, event: { type: 'event', severity: 'info', message: `slot ${slot}: ${about} has done so` } }
      : {
          isOff,
          event: {
            type: 'event',
            severity: 'error',
            message: `slot ${slot} stays closed: ${about} failed: ${reason}; it is tried again`,
          },
        };
  }

  /** Hooks that are to be tried again. */
  due(nowMs: number): KeeperOutput[] {
    return [...this.#takings].flatMap(([slot, taking]) => {
      if (taking.state !== 'failed' || taking.againAtMs > nowMs) return [];
      taking.state = 'running';
      return [{ type: 'fence-node', slot, epoch: taking.epoch, node: taking.node }];
    });
  }

  nextDeadlines(): number[] {
    return [...this.#takings.values()].flatMap(({ state, againAtMs }) =>
      state === 'failed' ? [againAtMs] : [],
    );
  }

  isWaitedFor(slot: string): boolean {
    const state = this.#takings.get(slot)?.state;
    return state === 'running' || state === 'failed';
  }

  /** Why a slot that was granted is not served yet; undefined: it does not wait for this. */
  refusal(slot: string): SlotRefusal | undefined {
    const taking = this.#takings.get(slot);
    if (taking === undefined || !this.isWaitedFor(slot)) return undefined;
    const failed = taking.reason === '' ? '' : `, which failed: ${taking.reason}; it is tried again`;
    const why = `it has the lease, and waits for the hook that switches node ${taking.node} off${failed}`;
    return { rule: 'fence-hook', why };
  }

  /** What has silenced the former holder so far, of a slot that was granted. */
  fencedBy({ slot, fencedBy }: NodeLeasesOutput & { type: 'granted' }): FailoverRecord['fencedBy'] {
    const taking = this.#takings.get(slot);
    if (taking === undefined) return fencedBy;
    return taking.state === 'done' ? 'hook' : 'none';
  }

  /** The slot is held no more. */
  forget(slot: string): void {
    this.#takings.delete(slot);
  }
}
