// SPDX-License-Identifier: Apache-2.0
import type { PeerRegistrar } from '../peers/peer.ts';
import { sendPresence } from '../peers/send.ts';
import type { RegistrarState } from '../state.ts';
import { startDownload } from '../tables/download.ts';

/** A first mismatch is looked at again after this, or after a heartbeat cycle if that is shorter. */
const RECHECK_MS = 1000;
/** Between two resynchronisations that did not help, at most. */
const PAUSE_MAX_MS = 600_000;

/**
 * Compares the checksum that a peer tells with ours over the elements that we believe it owns. One mismatch may be
 * an update on its way; at the second in a row its own elements are fetched anew.
 * @see RFC 5353 §3.6
 */
export function auditPeer(state: RegistrarState, peer: PeerRegistrar, told: number, nowMs: number): void {
  const { handlespace, options, scope, deadlines } = state;
  peer.checksumTold = told;
  if (scope.phase !== 'running' || peer.download !== undefined) return;
  const computed = handlespace.checksum(peer.id);
  if (computed === told) {
    if (peer.resyncs > 0) auditEvent(state, peer, 'audit-settled', 'the checksums agree');
    peer.mismatches = 0;
    peer.resyncs = 0;
    peer.noDownloadBeforeMs = nowMs;
    deadlines.clear(peer, 'audit-recheck');
    return;
  }
  state.counters.auditMismatches += 1;
  peer.mismatches += 1;
  if (peer.mismatches === 1) auditEvent(state, peer, 'audit-mismatch', 'the checksums differ');
  if (peer.mismatches < options.auditMismatches) {
    deadlines.set(peer, 'audit-recheck', nowMs + Math.min(RECHECK_MS, options.peerHeartbeatCycleMs));
    return;
  }
  if (nowMs >= peer.noDownloadBeforeMs) resynchronise(state, peer, nowMs);
}

/** Asks for another presence, so that a lost update does not wait for the next cycle. */
export function recheck(state: RegistrarState, peer: PeerRegistrar, nowMs: number): void {
  if (peer.via !== undefined) sendPresence(state, peer.via, true, nowMs);
}

function resynchronise(state: RegistrarState, peer: PeerRegistrar, nowMs: number): void {
  if (peer.via === undefined) return;
  state.counters.resynchronisations += 1;
  const { tableSessionMs } = state.options;
  const done = (atMs: number): void => {
    peer.mismatches = 0;
    // Elements that we cannot take would make us ask for ever: each time that did not help, we wait longer.
    const pauseMs = peer.resyncs === 0 ? 0 : Math.min(tableSessionMs * 2 ** peer.resyncs, PAUSE_MAX_MS);
    peer.noDownloadBeforeMs = atMs + pauseMs;
    peer.resyncs += 1;
  };
  const failed = (reason: string): void => {
    peer.mismatches = 0;
    auditEvent(state, peer, 'audit-failed', reason);
  };
  startDownload(state, peer, peer.via, { ownOnly: true, done, failed }, nowMs);
}

function auditEvent(
  state: RegistrarState,
  peer: PeerRegistrar,
  event: 'audit-mismatch' | 'audit-settled' | 'audit-failed',
  reason: string,
): void {
  const told = peer.checksumTold ?? 0;
  const computed = state.handlespace.checksum(peer.id);
  state.event({ type: 'event', event, registrarId: peer.id, told, computed, reason });
}
