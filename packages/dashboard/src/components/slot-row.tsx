// SPDX-License-Identifier: Apache-2.0
import { formatEpoch } from '@vnfpool/core';
import type { SlotView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatSpan, sentence } from '../model/format.ts';
import { ActionButton } from './action-button.tsx';
import type { Controls } from './controls.ts';
import { Icon } from './icon.tsx';
import { SharingLines } from './sharing-lines.tsx';

interface SlotRowProps {
  readonly slot: SlotView;
  readonly controls: Controls;
  readonly now: number;
}

/** Who acts for a slot, since when and why, and who is next. */
export function SlotRow({ slot, controls, now }: SlotRowProps): JSX.Element {
  return (
    <li class="slot" aria-label={`${slot.pool} slot ${slot.index}`}>
      <div class="slot-holder">
        <span
          class={`holder ${slot.holder === null ? 'text-bad' : slot.isUnheard ? 'text-warning' : 'text-accent'}`}
        >
          <Icon name={slot.holder === null ? 'bad' : slot.isUnheard ? 'warning' : 'active'} />
          <strong data-testid={`holder-${slot.pool}-${slot.index}`}>{slot.holder ?? 'nobody'}</strong>
        </span>
        <span>
          {slot.holder === null
            ? 'acts'
            : `${slot.isUnheard ? 'was last active' : 'active'} on ${slot.node ?? 'an unknown node'}`}
          {slot.since !== null && ` for ${formatSpan(now - slot.since)}`}
        </span>
      </div>
      <p class="why">
        <span class="label">Why</span> {sentence(slot.reason)}
      </p>
      <ul class="facts">
        <li>Slot {slot.index}</li>
        <li title={`${slot.epoch}; grows by every hand-over`}>Epoch {formatEpoch(slot.epoch)}</li>
        <li class="mono">{slot.addresses.join(', ') || 'no address'}</li>
      </ul>
      {slot.sharing && <SharingLines sharing={slot.sharing} now={now} />}
      {slot.holder !== null && slot.standbys.length > 0 && <HandOver slot={slot} controls={controls} />}
    </li>
  );
}

/** A planned hand-over: the holder releases, nothing is waited for. */
function HandOver({ slot, controls }: Pick<SlotRowProps, 'slot' | 'controls'>): JSX.Element {
  const [chosen, setChosen] = useState('');
  const to = slot.standbys.includes(chosen) ? chosen : '';
  const request = { pool: slot.pool, slot: slot.index, ...(to === '' ? {} : { to }) };
  return (
    <div class="buttons hand-over">
      <ActionButton
        label="Hand over"
        target={`${slot.pool} slot ${slot.index}`}
        onPress={() => controls.handover(request)}
      />
      <label>
        <span class="label">to</span>
        <select
          value={to}
          onChange={(event) => setChosen(event.currentTarget.value)}
          aria-label={`Who takes over ${slot.pool} slot ${slot.index}`}
        >
          <option value="">the first in line</option>
          {slot.standbys.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}
