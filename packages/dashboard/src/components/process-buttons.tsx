// SPDX-License-Identifier: Apache-2.0

import type { LabProcessView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { ActionButton } from './action-button.tsx';
import type { Controls } from './controls.ts';

interface ProcessButtonsProps {
  readonly process: LabProcessView;
  readonly controls: Controls;
}

/** Two buttons that keep their places: Kill or Start, Pause or Resume. */
export function ProcessButtons({ process, controls }: ProcessButtonsProps): JSX.Element {
  const { name, state } = process;
  const first = state === 'stopped' ? 'start' : 'kill';
  const second = state === 'paused' ? 'resume' : 'pause';
  return (
    <div class="buttons" role="group" aria-label={`Faults of ${name}`}>
      <ActionButton
        label={first === 'start' ? 'Start' : 'Kill'}
        target={name}
        tone={first === 'kill' ? 'danger' : 'plain'}
        onPress={() => controls.fault(first, name)}
      />
      <ActionButton
        label={second === 'resume' ? 'Resume' : 'Pause'}
        target={name}
        blocked={state === 'stopped' ? `${name} is stopped` : undefined}
        onPress={() => controls.fault(second, name)}
      />
    </div>
  );
}
