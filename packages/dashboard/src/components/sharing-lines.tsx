// SPDX-License-Identifier: Apache-2.0
import type { SlotSharingView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { sentence } from '../model/format.ts';
import { describeFirstPackets, describeStandby, standbyTone } from '../model/sharing.ts';

/** Who has the state of a slot: a line a standby, and what is wrong before them. */
export function SharingLines({ sharing }: { readonly sharing: SlotSharingView }): JSX.Element {
  const isWell = sharing.isProtected && !sharing.isLossy;
  return (
    <div class="sharing">
      <p class={isWell ? 'why' : 'why text-bad'}>
        <span class="label">State</span> {sentence(sharing.verdict)}
      </p>
      {sharing.firstPackets && (
        <p class="why">
          <span class="label">First packets</span> {describeFirstPackets(sharing.firstPackets)}
        </p>
      )}
      <ul class="facts" aria-label="Who has the state">
        {sharing.standbys.map((standby) => (
          <li key={standby.node}>
            <strong>{standby.instance ?? standby.node}</strong>{' '}
            <span class={`text-${standbyTone(standby)}`}>{describeStandby(standby)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
