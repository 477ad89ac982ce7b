// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';
import { SharedStateError, type SharedStateStore, type SlotClaim } from '@vnfpool/store/shared-state';
import { WireError } from '@vnfpool/wire/bytes';
import { decodeStateMark, type StateMark } from '@vnfpool/wire/shared-state';
import { checkOwner, SharedStateSuperseded } from './superseded.ts';

/** What a store has of a slot. */
export interface StoredState {
  readonly store: ReplicaStore;
  /** Null: there is nothing. */
  readonly mark: StateMark | null;
  /** What a writer who begins with this state follows on; empty: it has to write all of it. */
  readonly base: string;
  /** Why it is not what was written; empty: it is. */
  readonly damage: string;
}

/**
 * The slot is the claimant's from here on, and this is what there is of its state: nobody changes it any more.
 * @throws SharedStateSuperseded, SharedStateError; may be tried again after the latter
 */
export async function takeSharedState(
  store: SharedStateStore,
  slot: string,
  claim: SlotClaim,
): Promise<StoredState> {
  const claimed = await store.claim(slot, claim);
  if (!claimed.isClaimed) throw new SharedStateSuperseded(claim, claimed.claim?.epoch ?? claim.epoch);
  const none = { store: new ReplicaStore(), mark: null, base: '', damage: '' };
  if (claimed.mark === '') return none;
  const mark = markOf(claimed.mark);
  if (mark === null) return { ...none, damage: 'its mark cannot be read' };
  // Whoever was to write it first did not come to an end.
  if (mark.generation === 0) return none;
  const state = new ReplicaStore();
  const damage = await readInto(state, store, slot, claim, mark);
  state.completeTo(Math.max(mark.sequence, state.sequence), Math.max(mark.sequence, state.sequence));
  return { store: state, mark, base: damage === '' ? claimed.mark : '', damage };
}

/** Whether the last holder has written all, and said so, before it let go. @throws SharedStateError */
export async function hasSharedStateEnded(
  store: SharedStateStore,
  slot: string,
  epoch: number,
): Promise<boolean> {
  const { claim, mark } = await store.look(slot);
  return mark === '' || (claim !== null && claim.epoch >= epoch) || markOf(mark)?.state === 'ended';
}

/** Why it is not what was written; empty: it is. */
async function readInto(
  state: ReplicaStore,
  store: SharedStateStore,
  slot: string,
  claim: SlotClaim,
  { generation, sum }: StateMark,
): Promise<string> {
  let cursor: string | null = null;
  do {
    const page = await store.read(slot, claim, generation, cursor);
    if (page.isRefused) {
      checkOwner(page, claim);
      throw new SharedStateError('unavailable', 'the store lost the state while it was read');
    }
    for (const [key, value] of page.entries) {
      // A page may have again what was on one before.
      if (state.get(key) !== undefined) continue;
      if (!state.hasRoomFor(key, value)) return 'it is larger than a state may be';
      state.update(key, value);
    }
    ({ cursor } = page);
  } while (cursor !== null);
  if (sum === null || (sum.keys === state.keys && sum.digest === state.digest)) return '';
  return `it has ${state.keys} keys, and not what was written, which were ${sum.keys}`;
}

/** Null: it is none of ours. */
export function markOf(text: string): StateMark | null {
  try {
    return decodeStateMark(text);
  } catch (error) {
    if (error instanceof WireError) return null;
    throw error;
  }
}
