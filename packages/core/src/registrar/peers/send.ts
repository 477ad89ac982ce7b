// SPDX-License-Identifier: Apache-2.0
import type { EnrpMessage, Presence } from '@vnfpool/wire/enrp';
import type { RegistrarState } from '../state.ts';
import type { PeerLink, PeerRegistrar } from './peer.ts';

type WithoutHeader<M> = M extends EnrpMessage ? Omit<M, 'sender' | 'receiver'> : never;

/** A message but for who sends and who receives it. */
export type EnrpContent = WithoutHeader<EnrpMessage>;

/** To one peer, by its identifier where it is known. */
export function sendOver(
  state: RegistrarState,
  link: PeerLink,
  content: EnrpContent,
  receiver: number = link.registrarId ?? 0,
): void {
  const header = { sender: state.registrarId, receiver };
  state.output({ type: 'peer-send', association: link.id, message: { ...content, ...header } });
}

/** false: there is no association to it. */
export function sendTo(state: RegistrarState, peer: PeerRegistrar, content: EnrpContent): boolean {
  if (peer.via === undefined) return false;
  sendOver(state, peer.via, content, peer.id);
  return true;
}

/** One copy to each peer that is connected; who is not learns of it by the audit. @see RFC 5353 §3.3 */
export function sendToAll(state: RegistrarState, content: EnrpContent): number {
  let sent = 0;
  for (const peer of state.scope.peers.values()) {
    if (peer.via === undefined) continue;
    sendOver(state, peer.via, content, 0);
    sent += 1;
  }
  return sent;
}

/** Always with checksum and Server Information: some registrars refuse a presence without. */
export function presenceOf(state: RegistrarState, replyRequired: boolean): WithoutHeader<Presence> {
  const { registrarId, handlespace, scope } = state;
  const checksum = handlespace.checksum(registrarId);
  const content = { type: 'presence', replyRequired, checksum } as const;
  const transport = scope.server;
  return transport === undefined ? content : { ...content, server: { registrarId, transport } };
}

export function sendPresence(
  state: RegistrarState,
  link: PeerLink,
  replyRequired: boolean,
  nowMs: number,
): void {
  if (replyRequired) link.askedMs = nowMs;
  state.counters.presencesSent += 1;
  sendOver(state, link, presenceOf(state, replyRequired));
}
