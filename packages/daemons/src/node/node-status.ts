// SPDX-License-Identifier: Apache-2.0
import { hearsMajority } from '@vnfpool/core/agent';
import type { Metrics } from '@vnfpool/runtime/metrics';
import { type StatusServer, startStatusServer } from '@vnfpool/runtime/status';
import type { CouncilReport, FunctionKind, SlotState, StallReport } from '@vnfpool/wire/mobility';
import type { FunctionView } from './function-run.ts';
import type { StartFacts } from './node-start.ts';

/** What an agent counts and knows, for whoever looks at its status socket. */
export interface NodeStatus {
  readonly nodeId: number;
  readonly name: string;
  readonly fence: string;
  /** From the moment at which it is read. */
  readonly muteMs: number;
  /** As it stood in the ready line. */
  readonly start: StartFacts;
  managed: boolean;
  readonly slots: Map<string, SlotState>;
  /** How late the lease worker was called in the last minutes; null: not measured yet. */
  stalls: StallReport | null;
  /** Under which councils its leases are, by number, and of which members it hears nothing. */
  readonly councils: Map<number, CouncilReport>;
  /** Lease datagrams dropped, by reason. */
  dropped: Readonly<Record<string, number>>;
  /** Events of the service-mobility protocol, by name. */
  readonly mobility: Record<string, number>;
  failoversTaken: number;
  /** How often somebody changed the fence, and what it was the last time. */
  fenceChanges: { readonly count: number; readonly last: string };
}

/** Answer to GET /v1/functions: what `vnfpool node top` shows. */
export interface NodeFunctionsView {
  readonly node: { readonly id: number; readonly name: string };
  /** How functions are kept together and bounded here, for people. */
  readonly groups: string;
  /** Why functions of a kind cannot run here; null: they can. */
  readonly kinds: Readonly<Record<FunctionKind, string | null>>;
  readonly functions: readonly FunctionView[];
}

/** Name of the agent's socket in its state folder. */
export const AGENT_SOCKET = 'agent.sock';

/** Who knows the functions of the node. */
export interface FunctionsSource {
  readonly groupsDescription: string;
  readonly kinds: NodeFunctionsView['kinds'];
  views(): readonly FunctionView[];
}

/**
 * GET /v1/node, /v1/functions, /metrics and /healthz on a Unix socket. The metrics library is loaded when somebody asks.
 */
export function serveNodeStatus(
  path: string,
  status: NodeStatus,
  functions: FunctionsSource,
): Promise<StatusServer> {
  let metrics: Promise<Metrics> | null = null;
  return startStatusServer(path, {
    '/v1/node': () => ({
      json: { ...status, slots: [...status.slots.values()], councils: [...status.councils.values()] },
    }),
    '/v1/functions': () => {
      const view: NodeFunctionsView = {
        node: { id: status.nodeId, name: status.name },
        groups: functions.groupsDescription,
        kinds: functions.kinds,
        functions: functions.views(),
      };
      return { json: view };
    },
    '/healthz': () => ({ json: { healthy: true } }),
    '/metrics': async () => {
      metrics ??= createMetrics(status);
      const { contentType } = await metrics;
      return { contentType, text: await (await metrics).text() };
    },
  });
}

async function createMetrics(status: NodeStatus): Promise<Metrics> {
  const { Metrics } = await import('@vnfpool/runtime/metrics');
  const metrics = new Metrics({ component: 'node', process: true });
  metrics.mirror(
    { name: 'lease_datagrams_dropped_total', help: 'Lease datagrams dropped, by reason' },
    () => status.dropped,
  );
  metrics.mirror(
    { name: 'mobility_events_total', help: 'Events of the service-mobility protocol' },
    () => status.mobility,
  );
  metrics.mirror({ name: 'slots_taken_total', help: 'Slots that this node has taken' }, () => ({
    all: status.failoversTaken,
  }));
  metrics.mirror({ name: 'fence_changes_total', help: 'Changes of the fence by others, put right' }, () => ({
    all: status.fenceChanges.count,
  }));
  metrics.gauge({
    name: 'slots_held_count',
    help: 'Slots that this node holds',
    collect: () => [...status.slots.values()].filter(({ state }) => state === 'holding').length,
  });
  metrics.gauge({
    name: 'lease_stall_seconds',
    help: 'Longest time that the lease worker was called late, in the last minutes',
    collect: () => (status.stalls?.maxMs ?? 0) / 1000,
  });
  const ofCouncil = (of: (council: CouncilReport) => number) => () =>
    [...status.councils.values()].map((council) => ({
      labels: { council: String(council.id) },
      value: of(council),
    }));
  metrics.gauges(
    {
      name: 'council_silent_members_count',
      help: 'Members of a council of which this node hears nothing',
      labels: ['council'],
    },
    ofCouncil(({ silent = [] }) => silent.length),
  );
  metrics.gauges(
    {
      name: 'council_majority_state',
      help: '1 while this node hears a majority of a council, itself among them',
      labels: ['council'],
    },
    ofCouncil((council) => Number(hearsMajority(council))),
  );
  metrics.gauge({
    name: 'mute_seconds',
    help: 'Time without a voice after a restart',
    collect: () => status.muteMs / 1000,
  });
  metrics.gauge({
    name: 'managed_state',
    help: '1 while a manager is connected',
    collect: () => Number(status.managed),
  });
  return metrics;
}
