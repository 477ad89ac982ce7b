// SPDX-License-Identifier: Apache-2.0
import { flowOfBody, protocolOfSharedKey, readSharedFlowKey, viewSharedFlow } from '@vnfpool/wire/flow-state';

/**
 * Which flows are worth a copy.
 *
 * - `begun`: those that somebody would miss. TCP from established until both ends have closed; SCTP from established on; of other
 *   protocols a flow that was answered, or is translated. A flood of first packets costs standbys nothing then: whoever sent them sends
 *   them again, and the next holder makes the flow. But a translated datagram may have told somebody where answers are to go.
 * - `mapped`: also each translated flow, from its first packet on: what answers to it are sent to must not be forgotten
 * - `all`: whatever the kernel tracks
 */
export type FlowChoice = 'begun' | 'mapped' | 'all';

const TCP_ESTABLISHED = 3;
const TCP_LAST_ACK = 6;
const SCTP = 132;
const SCTP_ESTABLISHED = 4;

export function isWorthSharing(choice: FlowChoice, key: string, body: string): boolean {
  if (choice === 'all') return true;
  const { tcpState, isTranslated, hasSeenReply } = viewSharedFlow(body);
  const isMapped = choice === 'mapped' && isTranslated;
  if (tcpState !== null) return (isMapped || tcpState >= TCP_ESTABLISHED) && tcpState <= TCP_LAST_ACK;
  if (isMapped) return true;
  if (protocolOfSharedKey(key) === SCTP) {
    const { sctp } = flowOfBody(readSharedFlowKey(key), body, 0);
    if (sctp !== null) return sctp.state >= SCTP_ESTABLISHED;
  }
  return hasSeenReply || isTranslated;
}
