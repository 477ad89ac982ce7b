// SPDX-License-Identifier: Apache-2.0
import type { SlotSharingView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { sentence } from '../model/format.ts';
import {
  describeFirstPackets,
  describeOverruns,
  describeStandby,
  describeStream,
  standbyTone,
} from '../model/sharing.ts';

interface SharingLinesProps {
  readonly sharing: SlotSharingView;
  readonly now: number;
}

/** Who has the state of a slot: a line a standby, and what is wrong before them. */
export function SharingLines({ sharing, now }: SharingLinesProps): JSX.Element {
  const isKept = sharing.isProtected && !sharing.isLossy;
  return (
    <div class="sharing">
      <p class={isKept ? 'why' : 'why text-bad'}>
        <span class="label">State</span> {sentence(sharing.verdict)}
      </p>
      {sharing.alarms?.map((alarm) => (
        <p key={alarm} class="why text-bad" role="alert">
          {alarm}
        </p>
      ))}
      {sharing.overruns && (
        <p class="why">
          <span class="label">Events lost</span> {describeOverruns(sharing.overruns)}
        </p>
      )}
      {sharing.firstPackets && (
        <p class="why">
          <span class="label">First packets</span> {describeFirstPackets(sharing.firstPackets)}
        </p>
      )}
      <ul class="facts" aria-label="Who has the state">
        {sharing.standbys.map((standby) => (
          <li key={standby.node}>
            <strong>{standby.instance ?? standby.node}</strong>{' '}
            <span class={`text-${standbyTone(standby)}`}>{describeStandby(standby)}</span>{' '}
            <span class="label">{describeStream(standby, now)}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
