// SPDX-License-Identifier: Apache-2.0
import type { MergedStateView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { describeMerged, mergedTone } from '../model/sharing.ts';

/** How far the mergeable state of a pool has spread: a line a node. */
export function MergedLines({ merged }: { readonly merged: readonly MergedStateView[] }): JSX.Element {
  return (
    <ul class="facts" aria-label="How far state has spread">
      {merged.map((each) => (
        <li key={each.node}>
          <strong>{each.node}</strong> <span class={`text-${mergedTone(each)}`}>{describeMerged(each)}</span>
        </li>
      ))}
    </ul>
  );
}
