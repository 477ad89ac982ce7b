// SPDX-License-Identifier: Apache-2.0
import type { StateAsk, StateHello, StateMessage } from '@vnfpool/wire/state-channel';
import type { TransferOrder } from './types.ts';

/** Extension 4: token unknown, used, expired or not for this pair. */
export const TOKEN_REFUSED = 3;

/**
 * Whether a first message is of the transfer that was ordered: same token, nodes, functions and mode, from the node that
 * the certificate names. Tells no reason: a stranger learns nothing from it.
 */
export function admission(
  message: StateHello | StateAsk,
  peer: number | null,
  order: TransferOrder,
): boolean {
  if (peer !== null && peer !== order.source) return false;
  if (!sameOctets(message.token, order.token)) return false;
  if (message.source !== order.source || message.destination !== order.destination) return false;
  if (message.functionId !== order.functionId) return false;
  return (
    message.type === 'ask' ||
    (message.targetFunctionId === order.targetFunctionId && message.mode === order.mode)
  );
}

/** What to answer a first message whose token nobody here has; the connection is then closed. */
export function answerStranger(message: StateMessage): StateMessage {
  return message.type === 'ask'
    ? { type: 'outcome', outcome: 'unknown', sessions: null }
    : { type: 'refuse', errorNumber: TOKEN_REFUSED, text: 'token not valid here' };
}

/** Takes the same time wherever they differ. */
function sameOctets(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1) difference |= (one[at] ?? 0) ^ (other[at] ?? 0);
  return difference === 0;
}
