// SPDX-License-Identifier: Apache-2.0
import type { KeeperOutput, TakenSlot } from './slot-keeper-types.ts';

/** What the taking of one slot begins with. */
export interface Taking extends TakenSlot {
  /** Its grant is all there is to wait for; else it is marked when that is over. */
  readonly isCommitted: boolean;
  /** What has to be asked for or done elsewhere before it is raised. */
  readonly orders: readonly KeeperOutput[];
}

/**
 * Slots that one step grants, when the node that held many of them is gone: they are taken together, in the place of the first. Each step
 * of a take-over is done for all of them before the next, so that the kernel opens them by one transaction, and renewals wait for one.
 */
export class Takings {
  /** Stands where they are carried out, and is filled when it is known who they are. */
  readonly outputs: KeeperOutput[] = [];
  readonly #all: Taking[] = [];

  add(taking: Taking): void {
    this.#all.push(taking);
  }

  /** @param raise what raises those of these slots that wait for nothing */
  end(raise: (slots: readonly TakenSlot[]) => KeeperOutput[]): void {
    const committed = this.#all.filter(({ isCommitted }) => isCommitted);
    this.outputs.push(
      ...mark(committed, 'committed'),
      ...this.#all.flatMap(({ orders }) => orders),
      ...raise(this.#all),
    );
  }
}

/** Asks for the clock when everything before is done, once for all of these slots; nothing for none. */
export function mark(
  slots: readonly TakenSlot[],
  step: (KeeperOutput & { readonly type: 'mark' })['step'],
): KeeperOutput[] {
  if (slots.length === 0) return [];
  return [{ type: 'mark', slots: slots.map(({ slot, epoch }) => ({ slot, epoch })), step }];
}
