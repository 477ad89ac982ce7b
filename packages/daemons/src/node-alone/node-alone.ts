// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { nodeId } from '@vnfpool/core';
import { AgentCore, type AgentInput, type AgentOutput } from '@vnfpool/core/agent';
import { MobilityNode, type MobilityNodeInput, type MobilityNodeOutput } from '@vnfpool/core/mobility';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { exitOnFault } from '@vnfpool/runtime/lifecycle';
import type { Logger } from '@vnfpool/runtime/logging';
import { fixedManagers, ManagerSearch } from '@vnfpool/runtime/manager-discovery';
import { systemRandom } from '@vnfpool/runtime/random';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { serverIdentityFault } from '@vnfpool/transport/tls';
import { MobilityError } from '@vnfpool/wire/mobility';
import { numberOfNow } from '../hand-manager/plain-numbers.ts';
import { mobilityRule } from '../mobility-frames.ts';
import { nodeOfCertificate, plainMobilityTransport, tlsMobilityTransport } from '../mobility-transports.ts';
import { followAddress } from '../node/address-change.ts';
import { agentClocks } from '../node/agent-clocks.ts';
import { FunctionNews } from '../node/function-news.ts';
import { openFunctionSide, STATE_QUEUE_BYTES_MAX } from '../node/function-side.ts';
import { ManagerLink } from '../node/manager-link.ts';
import { NodeMeter } from '../node/node-information.ts';
import { lockNode } from '../node/node-lock.ts';
import { openOwnAddress } from '../node/own-address.ts';
import { stateRule } from '../node/state-mover/index.ts';
import { transferEffects } from '../node/transfer-effects.ts';
import { type Chosen, chooseProgram, isRefused } from './catalogue.ts';
import type { NodeAloneConfig } from './config.ts';
import { FunctionNames } from './function-names.ts';
import { readIdentity, writeIdentity } from './identity-file.ts';

export interface RunningNodeAlone {
  /** De-registers and ends every function. */
  stop(): Promise<void>;
  /** Ends, and touches no function: the next agent of this folder takes them over. */
  leave(): Promise<void>;
}

const STOP_MS = 3_000;
/** How old the node's figures may be. */
const INFORMATION_MS = 5_000;
const FAILED = 128;

/**
 * Runs the agent of a node that belongs to no set: anyone's manager starts, watches and stops functions on it. No
 * slots, no leases, no virtual addresses, no registrar; orders that would need these are refused.
 *
 * @throws PlatformError `LOCKED` when another agent runs on the same folder; Error for a damaged one, and for a
 *   transport that the kernel does not have
 */
export async function runNodeAlone(config: NodeAloneConfig, logger: Logger): Promise<RunningNodeAlone> {
  mkdirSync(config.state, { recursive: true, mode: 0o700 });
  const lock = lockNode(config.state);
  const identityFile = `${config.state}/alone.json`;
  const kept = readIdentity(identityFile, `${config.state}/manager-term`);
  const own = config.nodeId ?? kept.nodeId;
  const random = systemRandom();
  const clocks = agentClocks();
  const clock = systemClock(() => clocks.boottimeMs());
  const onFault = exitOnFault(logger);

  const place = openOwnAddress(config.listen, logger);
  let self = own;
  const functions = await openFunctionSide({
    folder: config.state,
    address: () => place.current,
    freePorts: config.loopback,
    cgroup: 'auto',
    statePort: config.statePort,
    stateTransport: stateTransportOf(config),
    peerOf,
    self: () => self,
    clocks,
    clock,
    give: (input) => agent.submit(input),
    logger,
    onFault,
  });
  const { host, transfers } = functions;
  const names = new FunctionNames(`${config.state}/names.json`, functions.isKept);
  const meter = new NodeMeter(config.state, place.current);
  place.onChange(({ address }) => meter.readdress(address));
  const news = new FunctionNews((functionId) => {
    const name = names.get(functionId);
    return { ...host.information(functionId), ...(name === undefined ? {} : { name }) };
  }, give);
  const agent: CoreDriver<AgentInput, AgentOutput> = new CoreDriver<AgentInput, AgentOutput>({
    // Its own number only matters to leases.
    core: new AgentCore({ random, node: nodeId(own === 0 ? 1 : own) }),
    clock,
    onFault,
    effects: {
      answer: ({ type: _type, ...answer }) => give({ type: 'answer', ...answer }),
      'function-changed': ({ functionId, status, report, reason }) => {
        news.changed({ functionId, status, report, reason });
        if (status !== 'Unknown') return;
        names.delete(functionId);
        transfers.gone(functionId);
      },
      ...functions.effects,
      ...ofSets,
    },
  });

  const link = new ManagerLink({
    transport: managerTransportOf(config),
    // Stays a name: the manager's certificate must bear it.
    search: new ManagerSearch({
      sources: [fixedManagers([config.manager])],
      onFault: ({ source, reason }) => logger.warn({ source, reason }, 'looking for the manager'),
    }),
    give: (input) => give(input),
    logger,
  });
  const refuse = (operation: number, text: string): void =>
    give({ type: 'answer', operation, code: FAILED, text });
  const mobility: CoreDriver<MobilityNodeInput, MobilityNodeOutput> = new CoreDriver<
    MobilityNodeInput,
    MobilityNodeOutput
  >({
    core: new MobilityNode({
      random,
      nodeId: own,
      highestTerm: kept.highestTerm,
      bootTime: functions.bootTime,
      instance: random.u64(),
      ...(functions.isKept ? { lastSequence: numberOfNow(clocks.wallMs()) } : {}),
      addresses: [place.current],
      information: meter.information(clocks.boottimeMs()),
      statePort: transfers.port,
      transfers: true,
    }),
    clock,
    onFault,
    effects: {
      connect: () => void link.connect(),
      send: (output) => link.send(output),
      close: (output) => link.close(output),
      managed: ({ nodeId: given }) => {
        self = given;
        logger.info({ nodeId: given }, 'managed');
      },
      unmanaged: ({ reason }) => logger.warn({ reason }, 'no manager'),
      add: (order) => {
        const { operation, functionId, name, assignment } = order;
        if (assignment !== null) return refuse(operation, 'this node is alone: it has no slots');
        const choice = choose(order);
        if (choice === null) return;
        if (name !== null) names.set(functionId, name);
        agent.submit({ type: 'add', operation, functionId, assignment, ...choice });
      },
      delete: (order) => void agent.submit(order),
      configure: ({ operation }) => refuse(operation, 'this node is alone: it takes part in no set'),
      'state-order': ({ operation }) => refuse(operation, 'this node is alone: it has no slots'),
      prepare: (order) => {
        const { operation, functionId, name, assignment, token, from } = order;
        if (assignment !== null) return refuse(operation, 'this node is alone: it has no slots');
        const choice = choose(order);
        if (choice === null) return;
        if (name !== null) names.set(functionId, name);
        agent.submit({ type: 'prepare', operation, functionId, assignment, token, from, ...choice });
      },
      ...transferEffects((input) => agent.submit(input), give),
      'failovers-acknowledged': () => {},
      persist: (identity) => writeIdentity(identityFile, identity),
      event: ({ event, reason }) => logger.warn({ event, reason }, 'service mobility'),
    },
  });
  /** What an order starts; null: it was refused. */
  function choose(order: MobilityNodeOutput & { readonly type: 'add' | 'prepare' }): Chosen | null {
    const { operation } = order;
    const choice = chooseProgram(config.catalogue, order);
    if (isRefused(choice)) {
      give({ type: 'answer', operation, ...choice });
      return null;
    }
    const text = choice.specification === null ? null : host.refusal(choice.specification);
    if (text === null) return choice;
    give({ type: 'answer', operation, code: FAILED, error: MobilityError.specificationRefused, text });
    return null;
  }
  function give(input: MobilityNodeInput): void {
    mobility.submit(input);
  }
  await functions.adopt(null);
  give({ type: 'start' });
  followAddress(place, { transfers, link, agent: (input) => agent.submit(input), mobility: give, logger });
  const informing = setInterval(() => {
    give({ type: 'node-changed', information: meter.information(clocks.boottimeMs()) });
    news.refresh();
  }, INFORMATION_MS);

  const end = async (functionsEnd: Promise<void>): Promise<void> => {
    clearInterval(informing);
    place.close();
    const bound = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([functionsEnd, bound]);
    link.closeAll();
    agent.stop();
    mobility.stop();
    lock?.release();
  };
  return {
    stop: async () => {
      agent.submit({ type: 'stop' });
      give({ type: 'stop' });
      await end(functions.close());
    },
    leave: async () => {
      agent.submit({ type: 'leave' });
      await end(functions.leave());
    },
  };
}

const nothing = (): void => undefined;
/** About slots and registrars, which there are none of: what would lead to them is refused. */
const ofSets = {
  'keep-failovers': nothing,
  'slots-changed': nothing,
  'configure-leases': nothing,
  candidate: nothing,
  'no-candidate': nothing,
  release: nothing,
  'hand-over': nothing,
  register: nothing,
  deregister: nothing,
} as const;

const limits = { sendQueueBytesMax: STATE_QUEUE_BYTES_MAX } as const;

function managerTransportOf({ security, transport = 'tcp' }: NodeAloneConfig): StreamTransport {
  const common = { rule: mobilityRule, limits };
  return security.kind === 'plain'
    ? plainMobilityTransport(transport, common)
    : tlsMobilityTransport(transport, { ...common, credentials: security.credentials });
}

/** The other node may reach the manager by another transport than we do: TCP, of all or some paths, is what all have. */
function stateTransportOf({ security, transport = 'tcp' }: NodeAloneConfig): StreamTransport {
  const kind = transport === 'sctp' ? 'tcp' : transport;
  const common = { rule: stateRule, limits };
  if (security.kind === 'plain') return plainMobilityTransport(kind, common);
  return tlsMobilityTransport(kind, {
    ...common,
    credentials: security.credentials,
    judgePeer: (names, side, host) => {
      const node = nodeOfCertificate(names);
      if (typeof node === 'string') return node;
      // Whose number the manager has by a list: its certificate must name where it is, and its token tells the rest.
      return node === null && side === 'connected' ? serverIdentityFault(host, names) : null;
    },
  });
}

/** The node that a certificate names; null: the token alone tells who it is. */
function peerOf({ peer }: Connection): number | null {
  const node = peer.identity === null ? null : nodeOfCertificate(peer.identity);
  return typeof node === 'number' ? node : null;
}
