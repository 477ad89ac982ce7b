// SPDX-License-Identifier: Apache-2.0
import { TransferRules } from './rules.ts';
import type { Verdict } from './types.ts';

/**
 * What the manager knows of a source. `gone`: that copy of the function has ended for good, by its node's own word or
 * because the node came back without it. `silent`: anything may be true.
 */
export type SourceTestimony = 'transferring' | 'doubt' | 'committed' | 'aborted' | 'gone' | 'silent';

/** What the manager knows of a destination. `open`: some state is missing; `ready`: `commit` has not come. */
export type DestinationTestimony = 'open' | 'ready' | 'committed' | 'aborted' | 'gone' | 'silent';

/** What to tell each; null: nothing (yet). */
export interface Verdicts {
  readonly source: Verdict | null;
  readonly destination: Verdict | null;
}

const NOTHING: Verdicts = { source: null, destination: null };

/**
 * The manager as arbiter, when one end asks. It passes on the word of the one that decides, the destination; where that
 * is still free it decides only what the source cannot contradict: a source in doubt waits, one that is gone stays gone.
 * Testimony may be old: whatever it was, none of these verdicts makes two owners.
 */
export function judge(
  source: SourceTestimony,
  destination: DestinationTestimony,
  rules: TransferRules = new TransferRules(),
): Verdicts {
  const gone = (testimony: SourceTestimony | DestinationTestimony): boolean =>
    testimony === 'gone' || (testimony === 'silent' && rules.silenceMeansGone());
  if (destination === 'committed') return { ...NOTHING, source: source === 'doubt' ? 'committed' : null };
  if (destination === 'aborted' || gone(destination))
    return { ...NOTHING, source: source === 'doubt' ? 'aborted' : null };
  if (destination === 'silent') return NOTHING;
  if (source === 'aborted') return { ...NOTHING, destination: 'aborted' };
  if (destination === 'open')
    return { ...NOTHING, destination: gone(source) || source === 'doubt' ? 'aborted' : null };
  return {
    ...NOTHING,
    destination: gone(source) || source === 'doubt' || source === 'committed' ? 'committed' : null,
  };
}
