// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { type FunctionId, nodeId } from '@vnfpool/core';
import { AgentCore, type AgentInput, type AgentOutput } from '@vnfpool/core/agent';
import { MobilityNode, type MobilityNodeInput, type MobilityNodeOutput } from '@vnfpool/core/mobility';
import { CoreDriver, type EffectHandlers, systemClock } from '@vnfpool/runtime/driver';
import { exitOnFault } from '@vnfpool/runtime/lifecycle';
import type { Logger } from '@vnfpool/runtime/logging';
import { systemRandom } from '@vnfpool/runtime/random';
import type { StreamTransport } from '@vnfpool/transport/stream';
import { TcpTransport } from '@vnfpool/transport/tcp';
import { TlsTransport } from '@vnfpool/transport/tls';
import { ntpTimestamp } from '@vnfpool/wire/mobility';
import { mobilityRule } from '../mobility-frames.ts';
import { agentClocks } from '../node/agent-clocks.ts';
import { FunctionHost } from '../node/function-host.ts';
import { ManagerLink } from '../node/manager-link.ts';
import { nodeInformation } from '../node/node-information.ts';
import { lockNode } from '../node/node-lock.ts';
import { chooseProgram, isRefused } from './catalogue.ts';
import type { ManagerSecurity, NodeAloneConfig } from './config.ts';
import { readIdentity, writeIdentity } from './identity-file.ts';

export interface RunningNodeAlone {
  /** De-registers and ends every function. */
  stop(): Promise<void>;
}

const STOP_MS = 3_000;
/** How old the node's figures may be. */
const INFORMATION_MS = 5_000;
const FAILED = 128;

/**
 * Runs the agent of a node that belongs to no set: anyone's manager starts, watches and stops functions on it. No
 * slots, no leases, no virtual addresses, no registrar; orders that would need these are refused.
 *
 * @throws PlatformError `LOCKED` when another agent runs on the same folder; Error for a damaged one
 */
export function runNodeAlone(config: NodeAloneConfig, logger: Logger): RunningNodeAlone {
  mkdirSync(config.state, { recursive: true, mode: 0o700 });
  const lock = lockNode(config.state);
  const identityFile = `${config.state}/alone.json`;
  const kept = readIdentity(identityFile, `${config.state}/manager-term`);
  const own = config.nodeId ?? kept.nodeId;
  const random = systemRandom();
  const clocks = agentClocks();
  const clock = systemClock(() => clocks.boottimeMs());
  const onFault = exitOnFault(logger);
  const names = new Map<FunctionId, string>();

  const host = new FunctionHost({
    folder: config.state,
    address: config.listen,
    freePorts: config.loopback,
    clocks,
    give: (input) => agent.submit(input),
  });
  const agent: CoreDriver<AgentInput, AgentOutput> = new CoreDriver<AgentInput, AgentOutput>({
    // Its own number only matters to leases.
    core: new AgentCore({ random, node: nodeId(own === 0 ? 1 : own) }),
    clock,
    onFault,
    effects: {
      answer: ({ type: _type, ...answer }) => give({ type: 'answer', ...answer }),
      'function-changed': ({ functionId, status, report, reason }) => {
        const name = names.get(functionId);
        if (status === 'Unknown') names.delete(functionId);
        const information = name === undefined ? {} : { name };
        const urgent = !report.healthy;
        give({ type: 'function-changed', functionId, status, report, reason, information, urgent });
      },
      start: (output) => void host.start(output),
      stop: (output) => void host.stop(output),
      'check-health': (output) => void host.check(output),
      event: ({ severity, message }) =>
        logger[severity === 'warning' ? 'warn' : severity]({ of: 'functions' }, message),
      ...ofSets,
    },
  });

  const link = new ManagerLink({
    transport: transportOf(config.security),
    manager: () => ({ address: config.manager.host, port: config.manager.port }),
    give: (input) => give(input),
    logger,
  });
  const refuse = (operation: number, text: string): void =>
    give({ type: 'answer', operation, code: FAILED, text });
  const noTransfer = ({ operation }: { readonly operation: number }): void =>
    refuse(operation, 'this agent moves no state');
  const mobility: CoreDriver<MobilityNodeInput, MobilityNodeOutput> = new CoreDriver<
    MobilityNodeInput,
    MobilityNodeOutput
  >({
    core: new MobilityNode({
      random,
      nodeId: own,
      highestTerm: kept.highestTerm,
      bootTime: ntpTimestamp(clocks.wallMs()),
      instance: random.u64(),
      addresses: [config.listen],
      information: nodeInformation(config.state),
    }),
    clock,
    onFault,
    effects: {
      connect: () => void link.connect(),
      send: (output) => link.send(output),
      close: (output) => link.close(output),
      managed: ({ nodeId: given }) => logger.info({ nodeId: given }, 'managed'),
      unmanaged: ({ reason }) => logger.warn({ reason }, 'no manager'),
      add: (order) => {
        const { operation, functionId, name, assignment } = order;
        if (assignment !== null) return refuse(operation, 'this node is alone: it has no slots');
        const choice = chooseProgram(config.catalogue, order);
        if (isRefused(choice)) return give({ type: 'answer', operation, ...choice });
        if (name !== null) names.set(functionId, name);
        agent.submit({ type: 'add', operation, functionId, assignment, ...choice });
      },
      delete: ({ operation, functionId }) => void agent.submit({ type: 'delete', operation, functionId }),
      configure: ({ operation }) => refuse(operation, 'this node is alone: it takes part in no set'),
      // Come only to an endpoint that was made with `transfers`.
      prepare: noTransfer,
      move: noTransfer,
      copy: noTransfer,
      'move-session': noTransfer,
      'failovers-acknowledged': () => {},
      persist: (identity) => writeIdentity(identityFile, identity),
      event: ({ event, reason }) => logger.warn({ event, reason }, 'service mobility'),
    },
  });
  function give(input: MobilityNodeInput): void {
    mobility.submit(input);
  }
  give({ type: 'start' });
  const informing = setInterval(
    () => give({ type: 'node-changed', information: nodeInformation(config.state) }),
    INFORMATION_MS,
  );

  return {
    stop: async () => {
      clearInterval(informing);
      agent.submit({ type: 'stop' });
      give({ type: 'stop' });
      const bound = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref());
      await Promise.race([host.close(), bound]);
      link.closeAll();
      agent.stop();
      mobility.stop();
      lock?.release();
    },
  };
}

type Done = Extract<
  AgentOutput,
  { type: 'answer' | 'function-changed' | 'start' | 'stop' | 'check-health' | 'event' }
>;

/** About slots, registrars and transfers, which there are none of: what would lead to them is refused. */
const ofSets = Object.fromEntries(
  [
    'slots-changed',
    'configure-leases',
    'candidate',
    'no-candidate',
    'release',
    'hand-over',
    'register',
    'deregister',
    'role',
    'send-state',
    'receive-state',
    'cancel-transfer',
  ].map((type) => [type, () => {}]),
) as unknown as EffectHandlers<Exclude<AgentOutput, Done>>;

function transportOf(security: ManagerSecurity): StreamTransport {
  return security.kind === 'plain'
    ? new TcpTransport({ rule: mobilityRule })
    : new TlsTransport({ rule: mobilityRule, credentials: security.credentials });
}
