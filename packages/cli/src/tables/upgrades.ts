// SPDX-License-Identifier: Apache-2.0
import type { UpgradeView } from '@vnfpool/core/management';
import { showDuration } from '../output/duration.ts';
import type { Paint, Tone } from '../output/paint.ts';
import { plain } from '../output/plain.ts';

const TONES: Readonly<Record<UpgradeView['state'], Tone>> = {
  going: 'good',
  paused: 'warning',
  stopped: 'bad',
  'rolling-back': 'warning',
  'rolled-back': 'warning',
};

const WORDS = {
  waiting: 'waits for its turn',
  gate: 'has to prove itself',
  done: 'has proved itself',
} as const;

/** An upgrade in some lines: how far it is, what comes next, and each instance. */
export function renderUpgrade(pool: string, upgrade: UpgradeView, paint: Paint): string {
  const { state, done, total, goal, reason, next, batch, gateMs, onFailure, instances } = upgrade;
  const width = Math.max(0, ...instances.map(({ name }) => name.length));
  const rules = `${batch} at a time, gate ${showDuration(gateMs)}, on failure ${onFailure}`;
  return [
    `${plain(pool, 'one line')}: ${paint(TONES[state], state)}, ${done} of ${total} run the ${goal} version (${rules})`,
    `  because  ${plain(reason, 'one line')}`,
    `  next     ${plain(next, 'one line')}`,
    ...instances.map(
      (each) => `  ${each.name.padEnd(width)}  ${each.version.padEnd(6)}  ${WORDS[each.state]}`,
    ),
    '',
  ].join('\n');
}
