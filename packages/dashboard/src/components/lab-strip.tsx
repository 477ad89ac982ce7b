// SPDX-License-Identifier: Apache-2.0
import type { NodeView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { ProcessBadge } from './badge.tsx';
import type { Controls } from './controls.ts';
import { ProcessButtons } from './process-buttons.tsx';

interface LabStripProps {
  readonly controls: Controls;
  readonly nodes: readonly NodeView[];
}

/** Processes that can be broken and are no node shown above. */
export function LabStrip({ controls, nodes }: LabStripProps): JSX.Element | null {
  const shown = new Set(nodes.map((node) => node.name));
  const others = (controls.lab?.processes ?? []).filter(
    (process) => process.kind !== 'node' || !shown.has(process.name),
  );
  if (others.length === 0) return null;
  return (
    <ul class="lab-strip card" aria-label="Other processes">
      {others.map((process) => (
        <li key={`${process.kind} ${process.name}`}>
          <strong>{process.name}</strong>
          <ProcessBadge state={process.state} />
          <ProcessButtons process={process} controls={controls} />
        </li>
      ))}
    </ul>
  );
}
