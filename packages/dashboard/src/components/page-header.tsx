// SPDX-License-Identifier: Apache-2.0
import type { CouncilView, SetView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { Badge, HealthBadge } from './badge.tsx';
import { Choice } from './choice.tsx';
import { useTheme } from './use-theme.ts';

const modes: Readonly<Record<SetView['mode'], string>> = {
  namespaces: 'one machine, own network namespaces',
  loopback: 'one machine, plain processes',
  hosts: 'hosts joined by hand',
};

export function PageHeader({ sets }: { readonly sets: readonly SetView[] }): JSX.Element {
  const [theme, setTheme] = useTheme();
  return (
    <header class="page-header">
      <h1>
        <Mark />
        vnfpool
      </h1>
      <ul class="sets">
        {sets.map((set) => (
          <li key={set.name}>
            <span class="set-name">
              <span class="label">Set</span> <strong>{set.name}</strong>
            </span>
            <HealthBadge health={set.health} />
            {set.councils.map((council) => (
              <Council key={council.name} council={council} isNamed={set.councils.length > 1} />
            ))}
            <span class="label">
              {modes[set.mode]}, declaration {set.generation}
            </span>
          </li>
        ))}
      </ul>
      <Choice
        legend="Colours"
        name="theme"
        value={theme}
        options={[
          ['system', 'System'],
          ['light', 'Light'],
          ['dark', 'Dark'],
        ]}
        onChoose={setTheme}
      />
    </header>
  );
}

/** Slots can move for as long as a majority of the council can be reached. */
function Council({
  council,
  isNamed,
}: {
  readonly council: CouncilView;
  readonly isNamed: boolean;
}): JSX.Element {
  const size = council.members.length;
  const cut = council.cut ?? null;
  const together = Math.min(council.reachable, cut?.together ?? size);
  const majority = together > size / 2;
  const weakness = council.weakness ?? null;
  const tone = !majority
    ? 'bad'
    : together === size && cut === null && weakness === null
      ? 'good'
      : 'warning';
  return (
    <Badge
      tone={tone}
      icon={tone}
      text={`council ${isNamed ? `${council.name} ` : ''}${council.reachable} of ${size}${majority ? (weakness === null ? '' : ', survives no loss') : ', no majority'}`}
      title={`Grants the leases: ${council.members.join(', ')}. Version ${council.version}.${cut === null ? '' : ` ${cut.who}.`}${weakness === null ? '' : ` ${weakness}`}`}
    />
  );
}

function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">
      <path d="M16 9.5L8.5 22M16 9.5L23.5 22" fill="none" stroke="currentColor" stroke-width="1.6" />
      <circle cx="16" cy="8.5" r="5" fill="currentColor" />
      <circle cx="7.5" cy="23" r="4" fill="var(--paper)" stroke="currentColor" stroke-width="2" />
      <circle cx="24.5" cy="23" r="4" fill="var(--paper)" stroke="currentColor" stroke-width="2" />
    </svg>
  );
}
