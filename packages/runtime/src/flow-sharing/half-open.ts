// SPDX-License-Identifier: Apache-2.0
import { sharedFlowParts, sharedFlowValue, viewSharedFlow } from '@vnfpool/wire/flow-state';

const SYN_SENT = 1;
const SYN_RECEIVED = 2;
const ESTABLISHED = 3;

/**
 * The value of a flow as the next holder's kernel is to take it. Of a TCP connection that was shared from its first packet on the standby may know
 * no more than that, while its ends have gone on: a kernel would then take what they send for invalid. One that it has for established
 * passes both what opens a connection and what follows.
 */
export function asGoneOn(value: Uint8Array): Uint8Array {
  const { timeoutSeconds, body } = sharedFlowParts(value);
  if (body === '') return value;
  const { tcpState } = viewSharedFlow(body);
  if (tcpState !== SYN_SENT && tcpState !== SYN_RECEIVED) return value;
  // Behind the first octet: the state in the upper half, a window scale in the lower one.
  const state = (ESTABLISHED << 4) | (body.charCodeAt(1) & 0x0f);
  return sharedFlowValue(`${body[0]}${String.fromCharCode(state)}${body.slice(2)}`, timeoutSeconds);
}
