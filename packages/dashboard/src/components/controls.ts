// SPDX-License-Identifier: Apache-2.0
import type {
  DrainRequest,
  HandoverRequest,
  LabProcessView,
  LabRequest,
  LabView,
  MaintenanceRequest,
  UpgradeRequest,
} from '@vnfpool/core/management';
import type { Answer, Requests } from '../api/requests.ts';
import type { Notice } from './use-notices.ts';

/** What buttons can do, with the result told to the person who pressed. */
export interface Controls {
  /** Null: faults cannot be made here, and no button for them is shown. */
  readonly lab: LabView | null;
  readonly fault: (action: LabRequest['action'], target: string) => Promise<void>;
  readonly handover: (request: HandoverRequest) => Promise<void>;
  /** Takes the move of an instance back. */
  readonly cancelMove: (instance: string) => Promise<void>;
  readonly drain: (request: DrainRequest) => Promise<void>;
  readonly maintenance: (request: MaintenanceRequest) => Promise<void>;
  readonly upgrade: (request: UpgradeRequest) => Promise<void>;
}

const done: Readonly<Record<LabRequest['action'], string>> = {
  kill: 'was killed.',
  pause: 'is paused: frozen in the middle of whatever it did.',
  resume: 'goes on from where it was frozen.',
  start: 'was started.',
  replace: 'has another agent, with its slots.',
};

export function createControls(
  requests: Requests,
  lab: LabView | null,
  refresh: () => Promise<void>,
  tell: (notice: Notice) => void,
): Controls {
  return {
    lab,
    fault: async (action, target) => {
      const answer = await requests.fault({ action, target });
      tell(resultNotice(answer, `${action} ${target}`, `${target} ${done[action]}`));
      await refresh();
    },
    handover: async (request) => {
      const answer = await requests.handover(request);
      const slot = `${request.pool} slot ${request.slot}`;
      tell(resultNotice(answer, `hand-over of ${slot}`, `Hand-over of ${slot} was asked for.`));
    },
    cancelMove: async (instance) => {
      const answer = await requests.move({ instance, cancel: true });
      tell(resultNotice(answer, `cancel the move of ${instance}`, `${instance} was asked to stay.`));
    },
    drain: async (request) => {
      const answer = await requests.drain(request);
      const { node } = request;
      if (request.cancel === true)
        tell(resultNotice(answer, `use ${node} again`, `${node} may be used again.`));
      else tell(resultNotice(answer, `drain ${node}`, `${node} is drained: what it runs moves away.`));
    },
    maintenance: async (request) => {
      const answer = await requests.maintenance(request);
      const { node, off = false } = request;
      const what = off ? `end the maintenance of ${node}` : `begin the maintenance of ${node}`;
      tell(resultNotice(answer, what, off ? `${node} may be used again.` : `${node} is in maintenance.`));
    },
    upgrade: async ({ pool, action }) => {
      const answer = await requests.upgrade({ pool, action });
      const words = { pause: 'is paused', resume: 'goes on', rollback: 'is rolled back' };
      const verbs = { pause: 'pause', resume: 'resume', rollback: 'roll back' };
      const what = `the upgrade of ${pool}`;
      tell(resultNotice(answer, `${verbs[action]} ${what}`, `T${what.slice(1)} ${words[action]}.`));
    },
  };
}

function resultNotice(answer: Answer<unknown>, what: string, success: string): Notice {
  const key = `request ${what}`;
  if (answer.ok) return { key, tone: 'quiet', text: success };
  const verb = answer.status === 0 ? 'failed' : 'was refused';
  return {
    key,
    tone: 'bad',
    text: `The request to ${what.replace(/^hand-over of/, 'hand over')} ${verb}: ${answer.message}`,
  };
}

export function findProcess(
  lab: LabView | null,
  kind: LabProcessView['kind'],
  name: string,
): LabProcessView | undefined {
  return lab?.processes.find((process) => process.kind === kind && process.name === name);
}
