// SPDX-License-Identifier: Apache-2.0
import type { StateView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { formatAgo } from '../model/format.ts';
import { describeFailover } from '../model/timeline.ts';
import { judge } from '../model/verdict.ts';
import { healthIcons, healthTones } from './badge.tsx';
import { Icon } from './icon.tsx';

/** The page in two sentences: what is whole, and what happened last. */
export function Headline({ state, now }: { readonly state: StateView; readonly now: number }): JSX.Element {
  const verdict = judge(state.pools);
  const last = state.failovers.find((failover) => failover.from !== null);
  const at = last?.steps[0]?.at;
  return (
    <div class="headline">
      <p class={`verdict text-${healthTones[verdict.health]}`}>
        <Icon name={healthIcons[verdict.health]} />
        <span data-testid="verdict">{verdict.text}</span>
      </p>
      {state.sets.map(({ name, frozen }) =>
        frozen ? (
          <div key={name} role="alert" data-testid="frozen">
            <p class="verdict text-bad">
              <Icon name={healthIcons.down} />
              <span>
                {name} is frozen: {frozen.reason}.
              </span>
            </p>
            <p class="label">
              Slots go on failing over, but nothing is placed anew, moved or deleted until the nodes are back,
              or <code>vnfpool thaw</code> says that they are gone.
            </p>
          </div>
        ) : null,
      )}
      {state.sets
        .flatMap(({ councils }) => councils)
        .map(({ name, weakness }) =>
          weakness ? (
            <p key={name} class="label" data-testid="weakness">
              <Icon name={healthIcons.degraded} />
              <span>{weakness}</span>
            </p>
          ) : null,
        )}
      <p class="label">
        {last === undefined
          ? 'No failover so far.'
          : `Last failover${at === undefined ? '' : ` ${formatAgo(now - at)}`}: ${describeFailover(last)}`}
      </p>
    </div>
  );
}
