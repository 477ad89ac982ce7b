// SPDX-License-Identifier: Apache-2.0
import { functionId, type NodeId, nodeId } from '@vnfpool/core';
import {
  MobilityManager,
  type MobilityManagerInput,
  type MobilityManagerOutput,
  type PlainNumbers,
} from '@vnfpool/core/mobility';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { systemRandom } from '@vnfpool/runtime/random';
import type { Listener } from '@vnfpool/transport/stream';
import type { MobilityTransportKind } from '../mobility-transports.ts';
import { Arbiter, type Judgement } from './arbiter.ts';
import { type HandNode, NodeTable } from './node-table.ts';
import { type HandSecurity, Peers, transportOf } from './peers.ts';

/** Keeps the union apart, so that each order has its own fields. */
type WithoutRequest<T> = T extends { readonly requestId: number } ? Omit<T, 'requestId'> : never;

/** What a node can be told to do; see `MobilityManagerInput`. */
export type HandOrder = WithoutRequest<MobilityManagerInput>;
export type HandResult = Omit<MobilityManagerOutput & { type: 'operation-result' }, 'type' | 'requestId'>;

/** What happens to nodes and functions, and whoever was not let in. */
export type HandEvent =
  | Exclude<MobilityManagerOutput, { type: 'send' | 'close' | 'operation-result' | 'reserve-numbers' }>
  | { readonly type: 'connection-refused'; readonly address: string; readonly reason: string }
  /** One end of a move did not know how it ended, and was told. */
  | ({ readonly type: 'move-settled' } & Judgement);

export interface HandManagerOptions {
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Over each of these nodes reach it, at the same port. Default: TCP. */
  readonly transports?: readonly MobilityTransportKind[];
  readonly security: HandSecurity;
  readonly onEvent: (event: HandEvent) => void;
  /** A programmer's error: nothing can be relied on any more. */
  readonly onFault: (error: unknown) => void;
  /** T of KEEP-ALIVE. Default 1000. */
  readonly keepAliveIntervalMs?: number;
}

/** Orders waiting for their result; more are refused. */
const ORDERS_MAX = 1024;

/**
 * The manager's side of the service-mobility protocol, alone: no set, no store, no planner. It knows what nodes told
 * since it was started, and orders what it is told to.
 *
 * Its term is 0, so a node that has served a set's manager refuses it: two managers of one node would be one too many.
 */
export class HandManager {
  readonly #driver: CoreDriver<MobilityManagerInput, MobilityManagerOutput>;
  readonly #table = new NodeTable();
  readonly #arbiter = new Arbiter();
  readonly #waiting = new Map<number, (result: HandResult) => void>();
  readonly peers: Peers;
  #lastRequest = 0;

  constructor(options: Omit<HandManagerOptions, 'host' | 'port' | 'transports'>) {
    const { onEvent, onFault, security, keepAliveIntervalMs } = options;
    const random = systemRandom();
    const plainNumbers = new Map<NodeId, PlainNumbers>();
    const tell = (
      output: Exclude<
        MobilityManagerOutput,
        { type: 'send' | 'close' | 'operation-result' | 'reserve-numbers' | 'event' }
      >,
    ): void => {
      this.#table.take(output);
      onEvent(output);
      for (const judgement of this.#arbiter.judge(this.#table.list())) {
        onEvent({ type: 'move-settled', ...judgement });
        const order = { node: nodeId(judgement.node), functionId: functionId(judgement.functionId) };
        void this.order({ type: judgement.order, ...order });
      }
    };
    this.#driver = new CoreDriver<MobilityManagerInput, MobilityManagerOutput>({
      core: new MobilityManager({
        random,
        instance: random.u64(),
        term: 0n,
        plainNumbers,
        ...(keepAliveIntervalMs === undefined ? {} : { keepAliveIntervalMs }),
      }),
      clock: systemClock(),
      onFault: ({ error }) => onFault(error),
      effects: {
        send: (output) => this.peers.send(output),
        close: (output) => this.peers.close(output),
        // Nothing is kept; the wall clock says where numbers begin.
        'reserve-numbers': () => {},
        'node-registered': tell,
        'node-functions': tell,
        'node-suspect': tell,
        'node-lost': tell,
        'node-back': tell,
        'node-left': tell,
        'node-moved': tell,
        'node-information': tell,
        'function-status': tell,
        'slot-report': tell,
        'operation-result': ({ type: _type, requestId, ...result }) => {
          const settle = this.#waiting.get(requestId);
          this.#waiting.delete(requestId);
          settle?.(result);
        },
        event: onEvent,
      },
    });
    this.peers = new Peers(security, plainNumbers, (input) => this.#driver.submit(input));
  }

  /** In the order of their IDs. */
  nodes(): readonly HandNode[] {
    return this.#table.list();
  }

  node(nodeId: number): HandNode | undefined {
    return this.#table.find(nodeId);
  }

  /** Sends an order; resolves when it was answered, or cannot be any more: code 131. */
  order(order: HandOrder): Promise<HandResult> {
    if (this.#waiting.size >= ORDERS_MAX) return Promise.resolve(noResult(129, 'too many orders wait'));
    this.#lastRequest += 1;
    const requestId = this.#lastRequest;
    return new Promise((resolve) => {
      this.#waiting.set(requestId, resolve);
      if (this.#driver.submit({ ...order, requestId })) return;
      this.#waiting.delete(requestId);
      resolve(noResult(129, 'overloaded'));
    });
  }

  stop(): void {
    this.#driver.stop();
    for (const settle of this.#waiting.values()) settle(noResult(131, 'the manager stopped'));
    this.#waiting.clear();
  }
}

function noResult(code: number, text: string): HandResult {
  return { code, text, error: null, status: null, report: null };
}

export interface RunningHandManager {
  readonly manager: HandManager;
  readonly address: { readonly address: string; readonly port: number };
  /** Closes every connection; nodes keep their functions and look for a manager again. */
  stop(): Promise<void>;
}

/**
 * @throws TransportError when it cannot listen there; Error when the kernel does not have a transport, or it does not
 *   suit the security
 */
export async function runHandManager(options: HandManagerOptions): Promise<RunningHandManager> {
  const { host, security, transports = ['tcp'], onEvent } = options;
  const manager = new HandManager(options);
  const refused = (address: string, reason: string): void =>
    onEvent({ type: 'connection-refused', address, reason });
  const listeners: Listener[] = [];
  const stop = async (): Promise<void> => {
    manager.stop();
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  try {
    for (const kind of transports) {
      const listener = await transportOf(kind, security, refused).listen({
        host,
        // Whatever the first one got is that of the others.
        port: listeners[0]?.address.port ?? options.port,
        onConnection: (connection) => manager.peers.open(connection),
      });
      listeners.push(listener);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const [first] = listeners;
  if (first === undefined) throw new RangeError('a manager listens by one transport at least');
  return { manager, address: first.address, stop };
}
