// SPDX-License-Identifier: Apache-2.0
import type {
  DrainView,
  InstanceView,
  LabProcessView,
  MaintenanceView,
  NodeView,
} from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { formatAgo, formatMs, joinNames, sentence } from '../model/format.ts';
import { ActionButton } from './action-button.tsx';
import { NodeBadge, ProcessBadge } from './badge.tsx';
import { type Controls, findProcess } from './controls.ts';
import { InstanceRow } from './instance-row.tsx';
import { ProcessButtons } from './process-buttons.tsx';

const MAINTENANCE_MS = 2 * 3_600_000;

interface NodeCardProps {
  readonly node: NodeView;
  readonly instances: readonly InstanceView[];
  readonly controls: Controls;
  readonly now: number;
}

export function NodeCard({ node, instances, controls, now }: NodeCardProps): JSX.Element {
  const process = findProcess(controls.lab, 'node', node.name);
  const disturbed = process !== undefined && process.state !== 'running';
  return (
    <article class={`card node ${disturbed ? 'node-disturbed' : ''}`} aria-label={`Node ${node.name}`}>
      <header>
        <h3>{node.name}</h3>
        {disturbed ? <ProcessBadge state={process.state} /> : <NodeBadge status={node.status} />}
        {process !== undefined && <ProcessButtons process={process} controls={controls} />}
      </header>
      <div class="node-facts">
        <p class="label">
          <span class="mono">{node.address ?? 'no address'}</span> · {facts(node)} · heard{' '}
          {node.lastHeardAt === null ? 'never' : formatAgo(now - node.lastHeardAt)}
        </p>
        {node.nodeId !== 0 && <DrainButton node={node} controls={controls} />}
        {node.nodeId !== 0 && <MaintenanceButton node={node} controls={controls} />}
      </div>
      {node.maintenance !== null && <p class="note">{explainMaintenance(node.maintenance, now)}</p>}
      {node.drain !== null && <p class="note">{explainDrain(node.drain)}</p>}
      {disturbed && <p class="note">{explainProcess(process, node)}</p>}
      {!disturbed && node.status !== 'registered' && node.reason !== '' && (
        <p class="note">{sentence(node.reason)}</p>
      )}
      <ul class="instances" aria-label={`Instances on ${node.name}`}>
        {instances.map((instance) => (
          <InstanceRow key={instance.name} instance={instance} controls={controls} />
        ))}
        {instances.length === 0 && <li class="label">No instance here.</li>}
      </ul>
    </article>
  );
}

/** Before its host goes down a node is drained; one in maintenance is, for that. */
function DrainButton({ node, controls }: Pick<NodeCardProps, 'node' | 'controls'>): JSX.Element | null {
  if (node.maintenance !== null) return null;
  const isDrained = node.drain !== null;
  return (
    <ActionButton
      label={isDrained ? 'Use again' : 'Drain'}
      target={node.name}
      onPress={() => controls.drain({ node: node.name, ...(isDrained ? { cancel: true } : {}) })}
    />
  );
}

/** For two hours; the command line takes any time. */
function MaintenanceButton({ node, controls }: Pick<NodeCardProps, 'node' | 'controls'>): JSX.Element {
  const isOn = node.maintenance !== null;
  return (
    <ActionButton
      label={isOn ? 'End maintenance' : 'Maintenance 2 h'}
      target={node.name}
      onPress={() =>
        controls.maintenance({ node: node.name, ...(isOn ? { off: true } : { forMs: MAINTENANCE_MS }) })
      }
    />
  );
}

function explainMaintenance({ until }: MaintenanceView, now: number): string {
  const end =
    until === null ? 'until it is ended' : `for ${Math.max(1, Math.round((until - now) / 60_000))} min more`;
  return `In maintenance ${end}: its silence is expected.`;
}

function explainDrain({ isOver, staying }: DrainView): string {
  if (!isOver) return 'Drained: what it runs moves to other nodes, one instance at a time.';
  if (staying.length === 0) return 'Drained: nothing runs here. The node may be switched off.';
  const stay = staying.length === 1 ? 'stays without a slot' : 'stay without a slot';
  return `Drained: ${joinNames(staying)} ${stay}, as no other node is free. The node may be switched off.`;
}

function facts(node: NodeView): string {
  return [
    node.council ? 'in council' : 'not in council',
    node.fence !== 'none' ? 'kernel fence' : 'no fence',
    ...(node.muteMs > 0
      ? [`mute for ${formatMs(Math.round(node.muteMs))}: votes again when old leases have ended`]
      : []),
  ].join(' · ');
}

/** What the fault does, in particular what the fence does while the node cannot. */
function explainProcess(process: LabProcessView, node: NodeView): string {
  if (process.state === 'stopped') return 'Stopped on purpose. It renews no lease and grants none.';
  return node.fence !== 'none'
    ? 'Frozen on purpose. It cannot step down, so the kernel does it: when the lease ends, the fence closes by the kernel’s own clock and stays closed after Resume, until this node holds a lease again.'
    : 'Frozen on purpose. There is no fence here: after Resume nothing in the kernel keeps this node silent.';
}
