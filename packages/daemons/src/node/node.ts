// SPDX-License-Identifier: Apache-2.0
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { nodeId } from '@vnfpool/core';
import { AgentCore, type AgentInput, type AgentOutput } from '@vnfpool/core/agent';
import { MobilityNode, type MobilityNodeInput, type MobilityNodeOutput } from '@vnfpool/core/mobility';
import { exitNow, type ProcessIdentity } from '@vnfpool/platform/processes';
import { parseIdentity } from '@vnfpool/runtime/certificates';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { readOptionalFile, writeSecretFile } from '@vnfpool/runtime/files';
import { openLeaseKey } from '@vnfpool/runtime/lease-seal';
import { exitOnFault } from '@vnfpool/runtime/lifecycle';
import type { Logger } from '@vnfpool/runtime/logging';
import { ManagerSearch } from '@vnfpool/runtime/manager-discovery';
import { systemRandom } from '@vnfpool/runtime/random';
import { replicationRule } from '@vnfpool/runtime/replication';
import { openSealKey } from '@vnfpool/runtime/state-seal';
import { TlsTransport } from '@vnfpool/transport/tls';
import {
  type FunctionSpecification,
  type LeaseEndpoint,
  MobilityError,
  type SetConfiguration,
  type SlotReport,
  type SlotState,
} from '@vnfpool/wire/mobility';
import { numberOfNow } from '../hand-manager/plain-numbers.ts';
import { VERSION } from '../version.ts';
import { followAddress } from './address-change.ts';
import { agentClocks } from './agent-clocks.ts';
import type { NodeConfig } from './config.ts';
import { FenceHook } from './fence-hook.ts';
import { FunctionNews } from './function-news.ts';
import { openFunctionSide, STATE_QUEUE_BYTES_MAX } from './function-side.ts';
import { Gathered } from './gathered.ts';
import { keepFailovers, keptFailovers } from './kept-failovers.ts';
import { LeaseThread } from './lease-thread.ts';
import { ManagerLink } from './manager-link.ts';
import { managerSources } from './manager-sources.ts';
import { joinSet } from './membership.ts';
import { NodeMeter } from './node-information.ts';
import { NodeStart } from './node-start.ts';
import { AGENT_SOCKET, type NodeStatus, serveNodeStatus } from './node-status.ts';
import { openOwnAddress } from './own-address.ts';
import { Registrations } from './registrations.ts';
import { stateRule } from './state-mover/index.ts';
import { ownIdentity, startAnew, takeOver, waitingSuccessor } from './take-over.ts';
import { toWorker } from './to-worker.ts';
import { transferEffects } from './transfer-effects.ts';
import type { WorkerNews } from './worker-messages.ts';

export interface RunningNode {
  readonly nodeId: number;
  readonly leasePort: number;
  readonly start: NodeStart;
  /** Ends every function, releases every slot first, tells manager and registrar. */
  stop(): Promise<void>;
  /**
   * Ends, and touches no function: the next agent of this folder takes them over. Every slot is given up before, unless that
   * agent waits already: it is handed all of them.
   */
  leave(): Promise<void>;
}

/** Time for slots to be released and functions to end when the agent stops. */
const STOP_MS = 3_000;
/** Time for slots to be given up when the functions stay: 1 s, looked at so often. */
const RELEASE_LOOKS = 50;
const RELEASE_LOOK_MS = 20;
/** Time for what is under way at slots to be over, before they are handed on: 2 s, looked at so often. */
const HAND_ON_LOOKS = 400;
const HAND_ON_LOOK_MS = 5;
/** How old the node's figures may be. */
const INFORMATION_MS = 5_000;

/**
 * Runs a node agent.
 *
 * @throws PlatformError `LOCKED` when another agent runs on the same folder; JoinError when the set does not
 * take us in
 */
export async function runNode(config: NodeConfig, logger: Logger): Promise<RunningNode> {
  mkdirSync(config.state, { recursive: true, mode: 0o700 });
  const begun = config.takesOver ? null : startAnew(config.state);
  const ownKey = openLeaseKey(`${config.state}/lease-key.pem`);
  const sealKey = openSealKey(`${config.state}/seal-key.pem`);
  const random = systemRandom();
  const ending = new AbortController();
  const place = openOwnAddress(config.listen, logger);
  const membership = await joinSet({
    folder: config.state,
    name: config.name,
    address: place.current,
    token: config.join,
    leaseKey: ownKey.publicKey,
    logger,
    signal: ending.signal,
  });
  const self = nodeId(membership.nodeId);
  const clocks = agentClocks();
  const clock = systemClock(() => clocks.boottimeMs());
  const onFault = exitOnFault(logger);

  const configurationFile = `${config.state}/configuration.json`;
  /** What the worker tells before there is an agent to hear it. */
  const early: WorkerNews[] = [];
  let hear = (news: WorkerNews): void => void early.push(news);
  const fromLeases = new Gathered<AgentInput>((inputs) => void agent.submit({ type: 'several', inputs }));
  /** Behind what the worker told before. */
  const tellAgent = (input: AgentInput): boolean => {
    fromLeases.flush();
    return agent.submit(input);
  };
  const fromWorker = (message: WorkerNews): void => {
    switch (message.type) {
      case 'slot':
        status.slots.set(message.state.id, message.state);
        logger.info({ slot: message.state, muteMs: message.muteMs }, 'slot');
        slotStates?.observe(message.state);
        fromLeases.add({ type: 'slot', state: message.state, muteMs: message.muteMs });
        return;
      case 'failover':
        status.failoversTaken += 1;
        logger.info({ failover: message.record }, 'slot taken');
        fromLeases.add({ type: 'failover', record: message.record });
        return;
      case 'council':
        status.councils.set(message.report.id, message.report);
        logger.info({ council: message.report }, 'council');
        fromLeases.add({ type: 'council', report: message.report });
        return;
      case 'fence-node': {
        const { slot, epoch, node } = message;
        logger.warn({ slot, node }, 'switching a node off that has no kernel fence');
        fenceHook.switchOff(node).then(({ isOff, reason }) => {
          logger[isOff ? 'info' : 'error']({ slot, node, isOff, reason }, 'fence hook');
          leases.post({ type: 'node-fenced', slot, epoch, isOff, reason });
        }, onFault);
        return;
      }
      case 'event':
        logger[message.severity === 'warning' ? 'warn' : message.severity]({ of: 'leases' }, message.message);
        return;
      case 'fence-changed':
        status.fenceChanges = { count: status.fenceChanges.count + 1, last: message.message };
        logger.warn({ of: 'fence' }, message.message);
        return;
      case 'stalls':
        status.stalls = message.stalls;
        fromLeases.add({ type: 'stalls', stalls: message.stalls });
        return;
      case 'take-state':
      case 'listed':
      case 'leave-state':
        slotStates?.follow(message);
        return;
      case 'link':
        fromLeases.add(message);
        return;
      case 'paused':
        logger.warn({ of: 'leases', ...message.pause }, 'stood still');
        fromLeases.add({ type: 'paused', ...message.pause });
        return;
      case 'counters':
        status.dropped = message.counters;
        logger.warn({ dropped: message.counters }, 'lease datagrams dropped');
        return;
    }
  };
  const fenceHook = new FenceHook();
  const leases = new LeaseThread(
    {
      node: self,
      folder: config.state,
      listen: { address: place.current, port: config.port },
      interface: config.interface,
    },
    (news) => hear(news),
    (reason) => {
      logger.fatal({ reason }, 'the lease worker ended');
      process.exit(1);
    },
  );
  // From here on leases run out, should another agent hand on to this one.
  if (begun === null) await leases.loaded;
  const { lock, handedOn, because, formerEnded } = begun ?? (await takeOver(config.state, logger));
  const kept = readOptionalFile(configurationFile);
  const keptConfiguration = kept === null ? null : (JSON.parse(kept) as SetConfiguration);
  const goesOn =
    handedOn === null || keptConfiguration === null ? null : { handedOn, configuration: keptConfiguration };
  const worker = await leases.begin(goesOn);
  const unknown = handedOn !== null && goesOn === null ? 'what it was configured with is gone' : because;
  const kind = { asked: begun === null, wentOn: goesOn !== null, because: unknown };
  const start = new NodeStart(kind, worker.muteMs, clocks);
  await formerEnded();
  const status: NodeStatus = {
    nodeId: self,
    name: membership.name,
    fence: worker.guarantee,
    get muteMs() {
      return start.muteMs;
    },
    start: start.facts(),
    managed: false,
    slots: new Map(),
    stalls: null,
    councils: new Map(),
    dropped: {},
    mobility: {},
    failoversTaken: 0,
    fenceChanges: { count: 0, last: '' },
  };
  const { guarantee: fence, realtime, muteMs, port, goneOn } = worker;
  logger.info({ fence, realtime, muteMs, port, ...goneOn }, goneOn ? 'leases go on' : 'leases ready');

  const judgePeer = (names: Parameters<typeof parseIdentity>[0]): string | null => {
    const { role } = parseIdentity(names);
    return role === 'node' ? null : `a ${role} is no node`;
  };
  const stateTransport = new TlsTransport({
    rule: stateRule,
    credentials: membership.credentials(),
    limits: { sendQueueBytesMax: STATE_QUEUE_BYTES_MAX },
    multipath: config.multipath ?? false,
    judgePeer,
  });
  const replicationTransport = new TlsTransport({
    rule: replicationRule,
    credentials: membership.credentials(),
    limits: { sendQueueBytesMax: STATE_QUEUE_BYTES_MAX },
    judgePeer,
  });
  membership.onRenewed(() => {
    stateTransport.renew(membership.credentials());
    replicationTransport.renew(membership.credentials());
  });
  const functions = await openFunctionSide({
    folder: config.state,
    address: () => place.current,
    freePorts: config.loopback,
    cgroup: config.cgroup ?? 'auto',
    statePort: config.statePort ?? 0,
    stateTransport,
    replication: {
      transport: replicationTransport,
      port: config.replicationPort ?? 0,
      post: (message) => leases.post(message),
      sealKey,
    },
    peerOf: ({ peer }) => (peer.identity === null ? null : (parseIdentity(peer.identity).id ?? null)),
    self: () => self,
    clocks,
    clock,
    give: tellAgent,
    logger,
    onFault,
  });
  const { host, transfers, slotStates } = functions;
  const statusServer = await serveNodeStatus(join(config.state, AGENT_SOCKET), status, host);
  const meter = new NodeMeter(config.state, place.current);
  const news = new FunctionNews(
    (functionId) => host.information(functionId),
    (input) => give(input),
  );
  const registrations = new Registrations({
    credentials: membership.credentials,
    logger: logger.child({ part: 'registrations' }),
    onAsked: (functionId) => tellAgent({ type: 'doubted', functionId }),
  });
  membership.onRenewed(() => registrations.renewed());

  const agent: CoreDriver<AgentInput, AgentOutput> = new CoreDriver<AgentInput, AgentOutput>({
    core: new AgentCore({ random, node: self }),
    clock,
    onFault,
    effects: {
      answer: ({ type: _type, ...answer }) => give({ type: 'answer', ...answer }),
      'function-changed': (change) => {
        if (change.status === 'Unknown') transfers.gone(change.functionId);
        news.changed(change);
      },
      'slots-changed': ({ type: _type, muteMs: mute, ...told }) => {
        const report: SlotReport = { v: 1, muteMs: Math.round(mute), ...told };
        give({ type: 'slots-changed', report });
      },
      ...functions.effects,
      'keep-failovers': ({ records }) => keepFailovers(config.state, records, logger),
      'configure-leases': ({ configuration }) => {
        writeSecretFile(configurationFile, `${JSON.stringify(configuration)}\n`);
        fenceHook.configure(configuration);
        functions.configure(configuration);
        leases.post({ type: 'configure', configuration });
        ({ registrars } = configuration);
        registrations.useRegistrars(registrars);
      },
      candidate: (output) => leases.post(toWorker(output)),
      'no-candidate': (output) => leases.post(toWorker(output)),
      release: (output) => leases.post(toWorker(output)),
      'hand-over': (output) => leases.post(toWorker(output)),
      register: (output) => registrations.register(output),
      deregister: (output) => registrations.deregister(output),
    },
  });

  // A council member that comes back has its voice without waiting for a manager.
  let registrars: SetConfiguration['registrars'] = [];
  if (keptConfiguration !== null) {
    fenceHook.configure(keptConfiguration);
    functions.configure(keptConfiguration);
    if (goesOn === null) leases.post({ type: 'configure', configuration: keptConfiguration });
    ({ registrars } = keptConfiguration);
    registrations.useRegistrars(registrars);
  }

  const link = new ManagerLink({
    credentials: membership.credentials,
    domain: membership.domain,
    multipath: config.multipath ?? false,
    search: new ManagerSearch({
      sources: managerSources({
        discovery: config.discovery ?? {},
        joined: membership.manager,
        credentials: membership.credentials,
        registrars: () => registrars.map(({ address, port }) => ({ host: address, port })),
        fraction: () => random.fraction(),
      }),
      onFault: ({ source, reason }) => logger.warn({ source, reason }, 'looking for the manager'),
    }),
    ...(config.loopback ? {} : { localAddress: () => place.current }),
    give: (input) => give(input),
    logger,
  });
  const leaseEndpointAt = (address: string): LeaseEndpoint => ({
    v: 1,
    name: membership.name,
    address,
    port: worker.port,
    key: Buffer.from(ownKey.publicKey, 'base64url').toString('base64'),
    version: VERSION,
    fence: worker.fence,
    ...(slotStates && { replicationPort: slotStates.port, sealKey: sealKey.publicKey }),
  });
  const termFile = `${config.state}/manager-term`;
  const mobility: CoreDriver<MobilityNodeInput, MobilityNodeOutput> = new CoreDriver<
    MobilityNodeInput,
    MobilityNodeOutput
  >({
    core: new MobilityNode({
      random,
      nodeId: self,
      highestTerm: BigInt(readOptionalFile(termFile)?.trim() || '0'),
      bootTime: functions.bootTime,
      instance: random.u64(),
      ...(functions.isKept ? { lastSequence: numberOfNow(clocks.wallMs()) } : {}),
      addresses: [place.current],
      information: meter.information(clocks.boottimeMs()),
      statePort: transfers.port,
      transfers: true,
      leaseEndpoint: leaseEndpointAt(place.current),
    }),
    clock,
    onFault,
    effects: {
      connect: () => void link.connect(),
      send: (output) => link.send(output),
      close: (output) => link.close(output),
      managed: ({ term }) => {
        status.managed = true;
        const by = link.managed();
        if (by !== null) membership.managedBy(by.host);
        tellAgent({ type: 'managed', term });
        logger.info({ term: String(term), manager: by }, 'managed');
      },
      unmanaged: ({ reason }) => {
        status.managed = false;
        logger.warn({ reason }, 'no manager');
      },
      add: ({ name: _name, ...add }) => {
        if (!refused(add)) tellAgent(add);
      },
      prepare: ({ name: _name, ...prepare }) => {
        if (!refused(prepare)) tellAgent(prepare);
      },
      ...transferEffects(tellAgent, (input) => give(input)),
      delete: (order) => void tellAgent(order),
      configure: ({ operation, configuration: told }) => {
        // Without a link to raise them on, the addresses of slots mean nothing here.
        const slots =
          config.interface === null ? told.slots.map((slot) => ({ ...slot, addresses: [] })) : told.slots;
        tellAgent({ type: 'configure', operation, configuration: { ...told, slots } });
      },
      'state-order': ({ operation, order }) => {
        const stateAnswer = slotStates?.answer(order);
        const text = 'the state of slots is not shared here';
        give({
          type: 'answer',
          operation,
          ...(stateAnswer ? { code: 0, stateAnswer } : { code: 128, text }),
        });
      },
      'failovers-acknowledged': ({ ids }) => void tellAgent({ type: 'failovers-acknowledged', ids }),
      persist: ({ highestTerm }) => writeSecretFile(termFile, `${highestTerm}\n`),
      event: ({ event, reason }) => {
        status.mobility[event] = (status.mobility[event] ?? 0) + 1;
        logger.warn({ event, reason }, 'service mobility');
      },
    },
  });
  function give(input: MobilityNodeInput): void {
    mobility.submit(input);
  }
  /** Whether this host cannot keep what the specification asks for; it was answered then. */
  function refused({
    operation,
    specification,
  }: {
    readonly operation: number;
    readonly specification: FunctionSpecification | null;
  }): boolean {
    const text = specification === null ? null : host.refusal(specification);
    if (text === null) return false;
    give({ type: 'answer', operation, code: 128, error: MobilityError.specificationRefused, text });
    return true;
  }
  // With its functions it has kept what the manager told of them.
  await functions.adopt(functions.isKept ? keptConfiguration : null, slotsOf(early));
  hear = fromWorker;
  for (const news of early) fromWorker(news);
  tellAgent({ type: 'restore-failovers', records: keptFailovers(config.state, logger) });
  give({ type: 'start' });
  followAddress(place, {
    transfers,
    ...(slotStates && { slotStates }),
    link,
    agent: tellAgent,
    mobility: give,
    member: {
      moved: (address) => {
        leases.post({ type: 'address', address });
        membership.readdress(address);
        meter.readdress(address);
      },
      leaseEndpoint: leaseEndpointAt,
    },
    logger,
  });
  const informing = setInterval(() => {
    give({ type: 'node-changed', information: meter.information(clocks.boottimeMs()) });
    news.refresh();
  }, INFORMATION_MS);

  /** Ends the process, which gave away what it may act with; returns where that cannot be. */
  const handOn = async (to: ProcessIdentity): Promise<void> => {
    const from = ownIdentity();
    for (let left = HAND_ON_LOOKS; !(await leases.handOn(from, to)); left--) {
      if (left === 0) {
        logger.warn(
          { successor: to.pid },
          'slots are being taken or passed on all the time: they are given up',
        );
        return;
      }
      await pause(HAND_ON_LOOK_MS);
    }
    logger.info({ successor: to.pid }, 'handed on');
    fromLeases.flush();
    // Nobody renews until the successor has the lock; the kernel would give it only behind everything else of this process.
    lock?.release();
    return exitNow(0);
  };
  const end = async (functionsEnd: Promise<void>): Promise<void> => {
    clearInterval(informing);
    place.close();
    ending.abort();
    const bound = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS).unref());
    await Promise.race([Promise.all([functionsEnd, registrations.close()]), bound]);
    await leases.stop();
    fromLeases.flush();
    link.closeAll();
    agent.stop();
    mobility.stop();
    await statusServer.close();
    lock?.release();
  };
  return {
    nodeId: self,
    leasePort: worker.port,
    start,
    stop: async () => {
      tellAgent({ type: 'stop' });
      give({ type: 'stop' });
      await end(functions.close());
    },
    leave: async () => {
      const successor = waitingSuccessor(config.state);
      if (successor !== null) await handOn(successor);
      tellAgent({ type: 'leave' });
      const isHolding = (): boolean => [...status.slots.values()].some(({ state }) => state === 'holding');
      for (let left = RELEASE_LOOKS; left > 0 && isHolding(); left--) await pause(RELEASE_LOOK_MS);
      await end(functions.leave());
    },
  };
}

/** The last word of each. */
function slotsOf(news: readonly WorkerNews[]): SlotState[] {
  const states = news.flatMap((each) => (each.type === 'slot' ? [each.state] : []));
  return [...new Map(states.map((state) => [state.id, state])).values()];
}
