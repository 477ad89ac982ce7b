// SPDX-License-Identifier: Apache-2.0
import type { InstanceView, PoolView, SlotView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import type { Requests } from '../api/requests.ts';
import { formatMs, sentence } from '../model/format.ts';
import { describeLevel } from '../model/sharing.ts';
import { HealthBadge, instanceStatus } from './badge.tsx';
import type { Controls } from './controls.ts';
import { ExplainPanel } from './explain-panel.tsx';
import { Icon } from './icon.tsx';
import { MergedLines } from './merged-lines.tsx';
import { SlotRow } from './slot-row.tsx';
import { UpgradePanel } from './upgrade-panel.tsx';

interface PoolCardProps {
  readonly pool: PoolView;
  readonly slots: readonly SlotView[];
  readonly instances: readonly InstanceView[];
  readonly controls: Controls;
  readonly requests: Requests;
  /** Changes when an explanation shown may have become stale. */
  readonly freshness: string;
  readonly now: number;
}

export function PoolCard({
  pool,
  slots,
  instances,
  controls,
  requests,
  freshness,
  now,
}: PoolCardProps): JSX.Element {
  return (
    <article class={`card pool health-${pool.health}`} aria-label={`Pool ${pool.name}`}>
      <header>
        <h3>
          {pool.name}{' '}
          <span class="label mono">
            {pool.addresses.map((address) => withPort(address, pool.port)).join(', ')}
          </span>
        </h3>
        <HealthBadge health={pool.health} />
      </header>
      <p class="reason">{sentence(pool.reason)}</p>
      <p class="label counts">
        <Count have={pool.slotsHeld} of={pool.slots} what="held" noun="slot" />
        <Count have={pool.standbysReady} of={pool.standbys} what="ready" noun="standby" />
        {pool.spares > 0 && <Count have={pool.sparesReady} of={pool.spares} what="ready" noun="spare" />}
        <span>
          lease {formatMs(pool.leaseMs)}, {pool.policy}
        </span>
      </p>
      {pool.sharing && (
        <p class="label" title={sentence(pool.sharing.reason)}>
          {sentence(describeLevel(pool.sharing))}
        </p>
      )}
      {pool.sharing?.merged && <MergedLines merged={pool.sharing.merged} />}
      {pool.upgrade !== null && <UpgradePanel pool={pool.name} upgrade={pool.upgrade} controls={controls} />}
      <ul class="slots">
        {slots.map((slot) => (
          <SlotRow key={slot.id} slot={slot} controls={controls} now={now} />
        ))}
      </ul>
      <ul class="chips" aria-label={`Instances of ${pool.name}`}>
        {inLine(instances, slots).map((instance) => (
          <Chip key={instance.name} instance={instance} />
        ))}
      </ul>
      <ExplainPanel pool={pool.name} requests={requests} freshness={freshness} />
    </article>
  );
}

function withPort(address: string, port: number | null): string {
  if (port === null) return address;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Who acts, then who would be next, then the rest. */
function inLine(instances: readonly InstanceView[], slots: readonly SlotView[]): readonly InstanceView[] {
  const order = [...slots.map((slot) => slot.holder), ...slots.flatMap((slot) => slot.standbys)];
  const place = (instance: InstanceView): number =>
    (order.indexOf(instance.name) + order.length + 1) % (order.length + 1);
  return [...instances].sort((a, b) => place(a) - place(b));
}

interface CountProps {
  readonly have: number;
  readonly of: number;
  readonly what: string;
  readonly noun: 'slot' | 'standby' | 'spare';
}

function Count({ have, of, what, noun }: CountProps): JSX.Element {
  const plural = { slot: 'slots', standby: 'standbys', spare: 'spares' }[noun];
  return (
    <span class={have < of ? 'count text-warning' : 'count'}>
      {have} of {of} {of === 1 ? noun : plural} {what}
    </span>
  );
}

function Chip({ instance }: { readonly instance: InstanceView }): JSX.Element {
  const status = instanceStatus(instance);
  return (
    <li class={`chip role-${instance.role}`} title={sentence(instance.reason)}>
      <Icon name={instance.role} />
      <span>
        <strong>{instance.name}</strong> {instance.role === 'none' ? 'no role' : instance.role}
        <span class="label">
          , {instance.node ?? 'no node'}, <span class={`text-${status.tone}`}>{status.text}</span>
        </span>
      </span>
    </li>
  );
}
