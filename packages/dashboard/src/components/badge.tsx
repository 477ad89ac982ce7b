// SPDX-License-Identifier: Apache-2.0
import type { Health, InstanceView, LabProcessView, NodeView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { Icon, type IconName } from './icon.tsx';

export type Tone = 'good' | 'warning' | 'bad' | 'quiet' | 'accent';

interface BadgeProps {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly text: string;
  readonly title?: string;
}

/** A shape and a word; the colour only repeats them. */
export function Badge({ tone, icon, text, title }: BadgeProps): JSX.Element {
  return (
    <span class={`badge tone-${tone}`} title={title}>
      <Icon name={icon} />
      {text}
    </span>
  );
}

export function HealthBadge({ health }: { readonly health: Health }): JSX.Element {
  return <Badge tone={healthTones[health]} icon={healthIcons[health]} text={health} />;
}

export const healthTones: Readonly<Record<Health, Tone>> = {
  whole: 'good',
  degraded: 'warning',
  down: 'bad',
};
export const healthIcons: Readonly<Record<Health, IconName>> = {
  whole: 'good',
  degraded: 'warning',
  down: 'bad',
};

export function NodeBadge({ status }: { readonly status: NodeView['status'] }): JSX.Element {
  const looks = {
    absent: ['quiet', 'none'],
    registered: ['good', 'good'],
    suspect: ['warning', 'warning'],
    lost: ['bad', 'bad'],
  } as const satisfies Record<NodeView['status'], readonly [Tone, IconName]>;
  const [tone, icon] = looks[status];
  return <Badge tone={tone} icon={icon} text={status} />;
}

export function ProcessBadge({ state }: { readonly state: LabProcessView['state'] }): JSX.Element {
  const looks = {
    running: ['good', 'good'],
    paused: ['warning', 'pause'],
    stopped: ['bad', 'stop'],
  } as const satisfies Record<LabProcessView['state'], readonly [Tone, IconName]>;
  const [tone, icon] = looks[state];
  return <Badge tone={tone} icon={icon} text={state} />;
}

export function roleIcon(role: InstanceView['role']): IconName {
  return role;
}

/** How an instance runs, in words; `running` and healthy needs no alarm. */
export function instanceStatus(instance: InstanceView): { readonly tone: Tone; readonly text: string } {
  if (instance.status === 'running') {
    return instance.healthy ? { tone: 'quiet', text: 'running' } : { tone: 'bad', text: 'unhealthy' };
  }
  const tone = instance.status === 'failing' ? 'bad' : instance.status === 'unknown' ? 'warning' : 'quiet';
  return { tone, text: instance.status };
}
