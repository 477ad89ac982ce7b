// SPDX-License-Identifier: Apache-2.0
import { toHex } from '@vnfpool/wire/bytes';
import { AckCode, MobilityError, type StateTransfer } from '@vnfpool/wire/mobility';
import type { Refusal } from '../answer.ts';

/** A token is valid for 30 s; as long again an order may have been on its way. */
const REMEMBERED_MS = 60_000;
/** Tokens remembered; beyond, transfers are refused with 129 until the oldest is forgotten. */
const TOKENS_MAX = 1024;

/**
 * Whether this node takes part in a transfer that a manager orders. Remembers the tokens it was given, also over
 * a new manager, so that none opens two transfers.
 */
export class TransferAdmission {
  readonly #isAvailable: boolean;
  readonly #admitsPlain: boolean;
  /** Hexadecimal token to the moment at which it is forgotten; oldest first. */
  readonly #used = new Map<string, number>();

  constructor(isAvailable: boolean, admitsPlain: boolean) {
    this.#isAvailable = isAvailable;
    this.#admitsPlain = admitsPlain;
  }

  /** Why not; null: the node may, and `use` has to follow. `command` is for the text. */
  judge(
    command: string,
    transfer: StateTransfer | null,
    role: StateTransfer['role'],
    nowMs: number,
  ): Refusal | null {
    this.#forget(nowMs);
    if (!this.#isAvailable) {
      return { code: AckCode.failed, text: `${command} is not available on this node` };
    }
    if (transfer === null)
      return this.#admitsPlain ? null : badToken('no token: plain peers are not admitted');
    if (transfer.role !== role) {
      const text = `this node would be the ${role} of the transfer, not the ${transfer.role}`;
      return { code: AckCode.failed, text, error: MobilityError.malformed };
    }
    if (this.#used.has(toHex(transfer.token))) return badToken('the token was used before');
    if (this.#used.size >= TOKENS_MAX) {
      return { code: AckCode.insufficientResources, text: 'too many transfers in a short time' };
    }
    return null;
  }

  use(transfer: StateTransfer | null, nowMs: number): void {
    if (transfer) this.#used.set(toHex(transfer.token), nowMs + REMEMBERED_MS);
  }

  #forget(nowMs: number): void {
    for (const [token, untilMs] of this.#used) {
      if (untilMs > nowMs) return;
      this.#used.delete(token);
    }
  }
}

function badToken(text: string): Refusal {
  return { code: AckCode.administrativelyProhibited, text, error: MobilityError.badToken };
}
