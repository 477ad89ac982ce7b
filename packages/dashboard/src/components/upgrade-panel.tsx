// SPDX-License-Identifier: Apache-2.0
import type { UpgradeRequest, UpgradeView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { sentence } from '../model/format.ts';
import { ActionButton } from './action-button.tsx';
import type { Controls } from './controls.ts';

interface UpgradePanelProps {
  readonly pool: string;
  readonly upgrade: UpgradeView;
  readonly controls: Controls;
}

const LABELS: Readonly<Record<UpgradeRequest['action'], string>> = {
  pause: 'Pause',
  resume: 'Resume',
  rollback: 'Roll back',
};

/** How far a pool is on its way to another version, and what may be done about it. */
export function UpgradePanel({ pool, upgrade, controls }: UpgradePanelProps): JSX.Element {
  const { state, done, total, goal, next, reason } = upgrade;
  return (
    <div class="note upgrade" role="group" aria-label={`Upgrade of ${pool}`}>
      <p>
        <strong>Upgrade {words(state)}.</strong> {done} of {total} run the {goal} version.{' '}
        {sentence(state === 'going' || state === 'rolling-back' ? next : reason)}
      </p>
      <div class="buttons">
        {actionsOf(upgrade).map((action) => (
          <ActionButton
            key={action}
            label={LABELS[action]}
            target={`the upgrade of ${pool}`}
            onPress={() => controls.upgrade({ pool, action })}
          />
        ))}
      </div>
    </div>
  );
}

function words(state: UpgradeView['state']): string {
  return state.replace('-', ' ');
}

function actionsOf({ state, canRollBack }: UpgradeView): readonly UpgradeRequest['action'][] {
  const back = canRollBack ? (['rollback'] as const) : [];
  switch (state) {
    case 'going':
      return ['pause', ...back];
    case 'rolling-back':
      return ['pause'];
    case 'paused':
    case 'stopped':
      return ['resume', ...back];
    case 'rolled-back':
      return ['resume'];
  }
}
