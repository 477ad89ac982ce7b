// SPDX-License-Identifier: Apache-2.0
import type { InstanceView, MoveView } from '@vnfpool/core/management';
import type { JSX } from 'preact';
import { sentence } from '../model/format.ts';
import { describeMove } from '../model/move.ts';
import { ActionButton } from './action-button.tsx';
import { instanceStatus } from './badge.tsx';
import type { Controls } from './controls.ts';
import { Icon } from './icon.tsx';

interface InstanceRowProps {
  readonly instance: InstanceView;
  readonly controls: Controls;
}

/** One instance where it runs, with the button to kill it. */
export function InstanceRow({ instance, controls }: InstanceRowProps): JSX.Element {
  const status = instanceStatus(instance);
  const role = instance.slot === null ? instance.role : `${instance.role}, slot ${instance.slot}`;
  return (
    <li class={`instance role-${instance.role}`} title={instance.reason}>
      <Icon name={instance.role} />
      <span class="instance-text">
        <strong>{instance.name}</strong>
        <span class="label">
          {role === 'none' ? 'no role' : role} · <span class={`text-${status.tone}`}>{status.text}</span>
          {instance.restarts > 0 &&
            ` · ${instance.restarts} ${instance.restarts === 1 ? 'restart' : 'restarts'}`}
        </span>
      </span>
      {instance.move !== null && <Move name={instance.name} move={instance.move} controls={controls} />}
      {status.tone === 'bad' && <Trouble instance={instance} />}
      {controls.lab !== null && (
        <ActionButton
          label="Kill"
          target={instance.name}
          tone="danger"
          blocked={instance.pid === null ? `${instance.name} has no process now` : undefined}
          onPress={() => controls.fault('kill', instance.name)}
        />
      )}
    </li>
  );
}

interface MoveProps {
  readonly name: string;
  readonly move: MoveView;
  readonly controls: Controls;
}

/** How it gets to another node. */
function Move({ name, move, controls }: MoveProps): JSX.Element {
  const { bytes, bytesTotal } = move;
  const part = bytes !== null && bytesTotal ? Math.min(1, bytes / bytesTotal) : undefined;
  return (
    <div class="move note">
      <p>{sentence(describeMove(move))}</p>
      <progress value={part} aria-label={`Move of ${name}`} />
      {move.phase !== 'switching' && (
        <ActionButton label="Cancel move" target={`of ${name}`} onPress={() => controls.cancelMove(name)} />
      )}
    </div>
  );
}

/** Why it does not run well, and the last it said. */
function Trouble({ instance }: { readonly instance: InstanceView }): JSX.Element {
  return (
    <div class="trouble note">
      <p>{sentence(instance.reason)}</p>
      {instance.output.length > 0 && (
        <details>
          <summary>Last output of {instance.name}</summary>
          <pre tabIndex={0}>{instance.output.join('\n')}</pre>
        </details>
      )}
    </div>
  );
}
