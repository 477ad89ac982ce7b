// SPDX-License-Identifier: Apache-2.0
import type { AcceptedLossView } from '../management/sharing-views.ts';
import { instanceName, type ObservedInstance } from '../planner/observed.ts';
import { isByAgents } from '../state-level/carried.ts';
import type { ManagerState } from './state.ts';

type Candidate = Pick<ObservedInstance, 'functionId' | 'pool' | 'number' | 'node'>;

/** What a candidate lacked of the state of a slot, by the last word of a holder; what it does not know is null. */
export function knownLoss(
  state: ManagerState,
  slot: string,
  candidate: Candidate,
  wallMs: number,
): AcceptedLossView {
  const name = instanceName(candidate);
  const told = state.sharingReports.get(slot);
  const node = state.nodes.get(candidate.node)?.id;
  const standby = told?.report.standbys.find((each) => each.node === node);
  const last = told?.holder ?? state.holdings.get(slot)?.holder;
  if (last?.functionId === candidate.functionId)
    return unknown(
      wallMs,
      `What ${name} lacks is unknown: it held the slot last, and goes on with what its node has kept.`,
    );
  if (told === undefined || standby === undefined)
    return unknown(wallMs, `What ${name} lacks is unknown: no holder has told of it.`);
  const { atMs } = told;
  const { lagUpdates, lagBytes, lagMs, digests, stream } = standby;
  const before = (sinceMs: number | null = null): number | null => (sinceMs === null ? null : atMs - sinceMs);
  const [agreedAt, heardAt] = [before(digests?.sinceAgreedMs), before(stream?.silentMs)];
  const lag = `${lagUpdates} update${lagUpdates === 1 ? '' : 's'} (${lagBytes} octets, ${Math.round(lagMs)} ms)`;
  const ago = (at: number): string => `${spanWords(atMs - at)} before that`;
  const agreed = agreedAt === null ? 'never agreed' : `agreed ${ago(agreedAt)}`;
  const words = [
    `${name} lacked ${lag} when the holder told of it last, ${spanWords(wallMs - atMs)} ago`,
    digests === undefined
      ? 'whether its digest agreed is unknown'
      : `its digest ${digests.isDiffering ? `differed, and ${agreed}` : agreed}`,
    stream === undefined
      ? 'when it was heard is unknown'
      : heardAt === null
        ? 'it was never heard'
        : `it was heard ${ago(heardAt)}`,
  ].join('; ');
  return {
    at: wallMs,
    toldAt: atMs,
    lagUpdates,
    lagBytes,
    lagMs,
    digests: digests === undefined ? 'unknown' : digests.isDiffering ? 'differed' : 'agreed',
    agreedAt,
    heardAt,
    words: `${words}. What was changed since is not known.`,
  };
}

/** Of each candidate, in a sentence; empty: no state of the pool is shared by agents. */
export function knownLossWords(
  state: ManagerState,
  slot: { readonly id: string; readonly pool: string },
  candidates: readonly Candidate[],
  wallMs: number,
): string {
  const level = state.sharing.get(slot.pool)?.level;
  if (!level || !isByAgents(level)) return '';
  return candidates.map((each) => ` ${knownLoss(state, slot.id, each, wallMs).words}`).join('');
}

function unknown(at: number, words: string): AcceptedLossView {
  const nothing = { toldAt: null, lagUpdates: null, lagBytes: null, lagMs: null };
  return { at, ...nothing, digests: 'unknown', agreedAt: null, heardAt: null, words };
}

/** To a tenth of a second, of a minute and more to a second. */
function spanWords(ms: number): string {
  const seconds = Math.max(0, ms) / 1_000;
  return `${seconds < 60 ? Math.round(seconds * 10) / 10 : Math.round(seconds)} s`;
}
