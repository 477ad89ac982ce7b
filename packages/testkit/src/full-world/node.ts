// SPDX-License-Identifier: Apache-2.0
import { nodeId } from '@vnfpool/core';
import { AgentCore, type AgentInput, type AgentOutput } from '@vnfpool/core/agent';
import { MobilityNode, type MobilityNodeInput, type MobilityNodeOutput } from '@vnfpool/core/mobility';
import { CoreDriver } from '@vnfpool/runtime/driver';
import { decodeMobility, encodeMobility, ntpTimestamp } from '@vnfpool/wire/mobility';
import { withFaults } from './effects.ts';
import { SimFunctionHost } from './function-host.ts';
import { type FromWorker, SimLeaseWorker, type ToWorker } from './lease-worker.ts';
import { Machine } from './machine.ts';
import { SimMover, STATE_PORT } from './mover.ts';
import { SimProcess } from './process.ts';
import { SimRegistrations } from './registrations.ts';
import type { StreamEnd } from './streams.ts';
import type { World } from './world.ts';

const CONNECT_MS = 5_000;
const JOIN_AGAIN_MS = 200;
/** Time for functions to end when an agent stops. */
const STOP_MS = 3_000;
const STOP_LOOK_MS = 50;
const LEASE_PORT = 49_880;

export interface NodeSurroundings {
  readonly managerHost: number;
  /** The node's number, or undefined when the manager cannot be asked now. */
  readonly join: (host: number, name: string) => number | undefined;
  readonly deliver: (fromHost: number, address: string, bytes: Uint8Array) => void;
  /** Node ID of a machine; null: it has not joined. */
  readonly peerOf: (host: number) => number | null;
  readonly hostOf: (address: string) => number | undefined;
  readonly checkFences: () => void;
}

/** The parts of one life of an agent. */
interface Life {
  readonly worker: SimLeaseWorker;
  readonly functions: SimFunctionHost;
  readonly registrations: SimRegistrations;
  readonly agent: CoreDriver<AgentInput, AgentOutput>;
  readonly mobility: CoreDriver<MobilityNodeInput, MobilityNodeOutput>;
  /** Null: nothing moves in this world. */
  readonly mover: SimMover | null;
}

/** An execution node: a machine and its agent, wired as the node daemon wires it. */
export class FullNode {
  readonly machine: Machine;
  readonly process: SimProcess;
  readonly #world: World;
  readonly #around: NodeSurroundings;
  #alive: Life | undefined;
  /** Somebody wants it back, who found it stopping. */
  #startsAgain = false;

  constructor(world: World, name: string, host: number, around: NodeSurroundings) {
    this.#world = world;
    this.#around = around;
    this.machine = new Machine(world, name, host);
    this.process = new SimProcess(world, name, host, this.machine.clock);
  }

  get name(): string {
    return this.machine.name;
  }

  /** Undefined while no agent runs. */
  get life(): Life | undefined {
    return this.#alive;
  }

  start(): void {
    if (this.process.isAlive) {
      this.#startsAgain = true;
      return;
    }
    this.#startsAgain = false;
    this.#world.streams.dark.delete(this.machine.host);
    this.process.begin();
    this.process.onEnd(() => {
      this.#alive = undefined;
      this.#world.streams.processEnded(this.process, !this.#world.streams.dark.has(this.machine.host));
    });
    this.#join();
  }

  /** The agent ends in order: functions and registrations first, then slots, addresses and fence. */
  stop(): void {
    const life = this.#alive;
    if (!life || this.process.isPaused) return;
    this.#world.log(() => `${this.name} is stopped`);
    this.#startsAgain = false;
    life.agent.submit({ type: 'stop' });
    life.mobility.submit({ type: 'stop' });
    life.functions.close();
    life.mover?.close();
    life.registrations.close();
    const untilMs = this.#world.nowMs + STOP_MS;
    const end = (): void => {
      if (life.functions.programs.size > 0 && this.#world.nowMs < untilMs) {
        this.process.after(STOP_LOOK_MS, end);
        return;
      }
      this.machine.cleanUp();
      this.process.kill();
      if (this.#startsAgain) this.start();
    };
    this.process.after(STOP_LOOK_MS, end);
  }

  /** The agent ends, and its functions with it; the kernel keeps fence and addresses. */
  kill(): void {
    this.process.kill();
  }

  powerOff(): void {
    if (!this.process.isAlive) return;
    this.#world.log(() => `${this.name} loses power`);
    this.#world.streams.dark.add(this.machine.host);
    this.machine.losePower();
    this.process.kill();
  }

  datagram(bytes: Uint8Array): void {
    this.process.deliver(() => this.#alive?.worker.datagram(bytes), 'datagram');
  }

  #join(): void {
    const { disk, host, name } = this.machine;
    if (disk.nodeId === 0) {
      const id = this.#around.join(host, name);
      if (id === undefined) {
        this.process.after(JOIN_AGAIN_MS, () => this.#join());
        return;
      }
      disk.nodeId = id;
    }
    this.#run();
  }

  #run(): void {
    const world = this.#world;
    const { machine, process } = this;
    const { random } = world;
    const self = nodeId(machine.disk.nodeId);
    const clock = process.driverClock;
    const onFault = ({ error }: { readonly error: unknown }): void =>
      world.fail(`${this.name}: ${described(error)}`);
    const maybeFault = (): void => this.#maybeFault();

    const toMain = this.#channel();
    const worker = new SimLeaseWorker({
      world,
      process,
      machine,
      tell: (message) => toMain(() => this.#fromWorker(message)),
      deliver: (address, bytes) => this.#around.deliver(machine.host, address, bytes),
      checkFences: this.#around.checkFences,
      maybeFault,
    });
    const toWorkerThread = this.#channel();
    const post = (message: ToWorker): void => toWorkerThread(() => worker.post(message));
    const functions = new SimFunctionHost(
      world,
      process,
      machine.address,
      (input) => void agent.submit(input),
    );
    const registrations = new SimRegistrations(world, process);
    const isMovable = world.plan.moves !== undefined;
    const mover = isMovable ? this.#mover(functions, (input) => void agent.submit(input)) : null;

    const agent: CoreDriver<AgentInput, AgentOutput> = new CoreDriver<AgentInput, AgentOutput>({
      core: new AgentCore({ random, node: self }),
      clock,
      onFault,
      effects: withFaults<AgentOutput>(
        {
          answer: ({ type: _type, ...answer }) => give({ type: 'answer', ...answer }),
          'function-changed': ({ functionId, status, report, reason }) => {
            if (status === 'Unknown') mover?.gone(functionId);
            give({
              type: 'function-changed',
              functionId,
              status,
              report,
              reason,
              information: {},
              urgent: !report.healthy,
            });
          },
          'slots-changed': ({ type: _type, muteMs, ...told }) =>
            give({ type: 'slots-changed', report: { v: 1, muteMs: Math.round(muteMs), ...told } }),
          start: (output) => functions.start(output),
          stop: (output) => functions.stop(output),
          'check-health': (output) => functions.check(output),
          role: (output) => functions.role(output),
          // No user of them is in this world.
          'cookie-secrets': () => {},
          // They end with their agent.
          keep: () => {},
          'keep-failovers': ({ records }) => {
            machine.disk.failovers = records;
          },
          'receive-state': (output) => {
            functions.awaitState(output.functionId);
            mover?.receive(output);
          },
          'send-state': (output) => mover?.send(output),
          'keep-state': ({ functionId }) => mover?.keep(functionId),
          'select-sessions': () => {},
          'expect-sessions': () => {},
          'send-sessions': () => {},
          'receive-sessions': () => {},
          'cancel-transfer': (output) => mover?.cancel(output),
          'settle-transfer': (output) => mover?.decide(output),
          'configure-leases': ({ configuration }) => {
            machine.disk.configuration = configuration;
            post({ type: 'configure', configuration });
            registrations.useRegistrars(configuration.registrars);
          },
          candidate: ({ slot, functionId, incarnation, ready, rank }) => {
            const functionIncarnation = BigInt(`0x${incarnation}`);
            post({ type: 'candidate-state', slot, functionId, functionIncarnation, ready, rank });
          },
          'no-candidate': ({ slot, functionId }) => post({ type: 'candidate-gone', slot, functionId }),
          release: ({ slot, cause }) =>
            post({
              type: 'release',
              slot,
              reason: cause === 'function-exit' || cause === 'function-unhealthy' ? cause : 'operator',
            }),
          'hand-over': ({ slot, to, nonce }) => post({ type: 'hand-over', slot, to, nonce }),
          register: (output) => registrations.register(output),
          deregister: (output) => registrations.deregister(output),
          event: ({ message }) => world.log(() => `${this.name} ${message}`),
        },
        maybeFault,
      ),
    });

    // A council member that comes back has its voice without waiting for a manager.
    const kept = machine.disk.configuration;
    if (kept !== null) post({ type: 'configure', configuration: kept });

    const connections = new Map<number, StreamEnd>();
    let lastConnection = 0;
    const mobility: CoreDriver<MobilityNodeInput, MobilityNodeOutput> = new CoreDriver<
      MobilityNodeInput,
      MobilityNodeOutput
    >({
      core: new MobilityNode({
        random,
        nodeId: self,
        highestTerm: machine.disk.term,
        bootTime: ntpTimestamp(machine.clock.wallMs(world.nowMs)),
        instance: random.u64(),
        addresses: [machine.address],
        ...(isMovable ? { transfers: true, statePort: STATE_PORT } : {}),
        leaseEndpoint: {
          v: 1,
          name: this.name,
          address: machine.address,
          port: LEASE_PORT,
          key: btoa(String.fromCharCode(...new Uint8Array(32).fill(machine.host))),
          version: '0.0.0',
          fence: 'nft',
        },
      }),
      clock,
      onFault,
      effects: withFaults<MobilityNodeOutput>(
        {
          connect: () =>
            world.streams.connect(process, this.#around.managerHost, {
              timeoutMs: CONNECT_MS,
              fail: (reason) => give({ type: 'connect-failed', reason }),
              open: (end) => {
                const connection = ++lastConnection;
                connections.set(connection, end);
                end.onClose = () => {
                  connections.delete(connection);
                  give({ type: 'disconnected', connection });
                };
                give({ type: 'connected', connection });
                end.onFrame = (frame) =>
                  give({ type: 'message', connection, message: decodeMobility(frame) });
              },
            }),
          send: ({ connection, message }) => connections.get(connection)?.send(encodeMobility(message)),
          close: ({ connection, reason }) => connections.get(connection)?.close(reason),
          managed: ({ term }) => {
            world.log(() => `${this.name} is managed, term ${term}`);
            agent.submit({ type: 'managed', term });
          },
          unmanaged: ({ reason }) => world.log(() => `${this.name} is not managed: ${reason}`),
          add: ({ type: _type, name: _name, ...add }) => void agent.submit({ type: 'add', ...add }),
          delete: (order) => void agent.submit(order),
          configure: ({ operation, configuration }) =>
            void agent.submit({ type: 'configure', operation, configuration }),
          // Come only to an endpoint that was made with `transfers`.
          prepare: ({ type: _type, name: _name, ...order }) =>
            void agent.submit({ type: 'prepare', ...order }),
          move: ({ token, ...order }) => {
            const { operation, functionId, destination } = order;
            if (token === null) noTransfer(order);
            else
              agent.submit({
                type: 'transfer',
                mode: 'move',
                targetFunctionId: functionId,
                operation,
                functionId,
                destination,
                token,
              });
          },
          copy: noTransfer,
          'move-session': noTransfer,
          'state-order': ({ operation }) =>
            give({ type: 'answer', operation, code: 128, text: 'no state of slots is shared here' }),
          'failovers-acknowledged': ({ ids }) => void agent.submit({ type: 'failovers-acknowledged', ids }),
          persist: ({ highestTerm }) => {
            machine.disk.term = highestTerm;
          },
          event: ({ event, reason }) => world.log(() => `${this.name} mobility ${event}: ${reason}`),
        },
        maybeFault,
      ),
    });
    function give(input: MobilityNodeInput): void {
      mobility.submit(input);
    }
    function noTransfer({ operation }: { readonly operation: number }): void {
      give({ type: 'answer', operation, code: 128, text: 'this agent moves no state' });
    }
    agent.submit({ type: 'restore-failovers', records: machine.disk.failovers });
    process.onEnd(() => {
      agent.stop();
      mobility.stop();
    });
    this.#alive = { worker, functions, registrations, agent, mobility, mover };
    mover?.settleLeft();
    give({ type: 'start' });
  }

  #mover(functions: SimFunctionHost, give: (input: AgentInput) => void): SimMover {
    const { peerOf, hostOf } = this.#around;
    return new SimMover({
      world: this.#world,
      process: this.process,
      machine: this.machine,
      self: this.machine.disk.nodeId,
      peerOf,
      hostOf,
      find: (functionId) => () => functions.programs.get(functionId)?.counter,
      give,
      maybeFault: () => this.#maybeFault(),
    });
  }

  #fromWorker(message: FromWorker): void {
    const agent = this.#alive?.agent;
    agent?.submit(message);
  }

  /** Messages from one thread to another: in order, a moment later. */
  #channel(): (run: () => void) => void {
    let freeAtMs = 0;
    return (run) => {
      const { nowMs, random } = this.#world;
      freeAtMs = Math.max(freeAtMs, nowMs + random.between(0.02, 0.3));
      this.process.at(freeAtMs, run);
    };
  }

  #maybeFault(): void {
    const { isCalm, plan, random, schedule } = this.#world;
    if (isCalm || plan.stepFault === 0 || !this.process.isAlive || !random.chance(plan.stepFault)) return;
    if (random.chance(0.5)) {
      this.process.pause(random.between(0, 2 * plan.leaseMs));
      return;
    }
    this.kill();
    schedule.after(random.between(1, 1_000), () => this.start());
  }
}

function described(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
