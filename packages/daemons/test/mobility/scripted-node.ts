// SPDX-License-Identifier: Apache-2.0
import type { FunctionId } from '@vnfpool/core';
import { MobilityNode, type MobilityNodeInput, type MobilityNodeOutput } from '@vnfpool/core/mobility';
import { CoreDriver, systemClock } from '@vnfpool/runtime/driver';
import { silentLogger } from '@vnfpool/runtime/logging';
import { fixedManagers, ManagerSearch } from '@vnfpool/runtime/manager-discovery';
import { systemRandom } from '@vnfpool/runtime/random';
import type { Connection, StreamTransport } from '@vnfpool/transport/stream';
import { ManagerLink } from '../../src/node/manager-link.ts';

type Order = Extract<MobilityNodeOutput, { readonly operation: number }>;

export interface ScriptedNodeOptions {
  readonly nodeId: number;
  readonly transport: StreamTransport;
  readonly manager: { readonly host: string; readonly port: number };
  readonly information?: { readonly capacityGhz: number };
  /** Keeps every order unanswered until `answerAll`. */
  readonly holds?: boolean;
}

/** The node's side of the protocol over real sockets; its agent starts what it is told, and says so. */
export class ScriptedNode {
  readonly orders: Order[] = [];
  readonly events: string[] = [];
  /** Every connection it had, in order. */
  readonly connections: Connection[] = [];
  readonly #driver: CoreDriver<MobilityNodeInput, MobilityNodeOutput>;
  readonly #link: ManagerLink;
  readonly #functions = new Set<FunctionId>();
  #held: Order[] | null;

  constructor(options: ScriptedNodeOptions) {
    const { nodeId, transport, manager, information = { capacityGhz: 2.4 } } = options;
    const random = systemRandom();
    this.#held = options.holds === true ? [] : null;
    const connections = this.connections;
    this.#link = new ManagerLink({
      transport: {
        kind: transport.kind,
        counters: transport.counters,
        listen: (order) => transport.listen(order),
        connect: async (order) => {
          const connection = await transport.connect(order);
          connections.push(connection);
          return connection;
        },
      },
      search: new ManagerSearch({ sources: [fixedManagers([manager])], onFault: () => {} }),
      give: (input) => void this.#driver.submit(input),
      logger: silentLogger,
    });
    const take = (order: Order): void => {
      this.orders.push(order);
      if (this.#held === null) this.#answer(order);
      else this.#held.push(order);
    };
    this.#driver = new CoreDriver<MobilityNodeInput, MobilityNodeOutput>({
      core: new MobilityNode({
        random,
        nodeId,
        highestTerm: 0n,
        bootTime: 0xed00_3780_8000_0000n,
        instance: random.u64(),
        addresses: ['127.0.0.1'],
        information,
        statePort: 50_000 + nodeId,
        transfers: true,
      }),
      clock: systemClock(),
      onFault: ({ error }) => {
        throw error;
      },
      effects: {
        connect: () => void this.#link.connect(),
        send: (output) => this.#link.send(output),
        close: (output) => this.#link.close(output),
        managed: () => void this.events.push('managed'),
        unmanaged: ({ reason }) => void this.events.push(`unmanaged: ${reason}`),
        add: take,
        prepare: take,
        move: take,
        copy: take,
        'move-session': take,
        delete: take,
        configure: take,
        'state-order': take,
        'failovers-acknowledged': () => {},
        persist: () => {},
        event: ({ event, reason }) => void this.events.push(`${event}: ${reason}`),
      },
    });
    this.give({ type: 'start' });
  }

  give(input: MobilityNodeInput): void {
    this.#driver.submit(input);
  }

  /** Answers what was held back, and holds nothing back any more. */
  answerAll(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const order of held) this.#answer(order);
  }

  /** The path to the manager breaks. */
  cut(): void {
    this.connections.at(-1)?.close('cut by the test');
  }

  close(): void {
    this.#link.closeAll();
    this.#driver.stop();
  }

  #answer(order: Order): void {
    const { operation } = order;
    const status = (functionId: FunctionId, now: 'Starting' | 'Running' | 'Terminating' | 'Unknown'): void =>
      this.give({ type: 'function-changed', functionId, status: now, report: null });
    switch (order.type) {
      case 'add':
      case 'prepare':
        this.#functions.add(order.functionId);
        status(order.functionId, 'Starting');
        this.give({ type: 'answer', operation, code: 0, status: 'Starting' });
        if (order.type === 'add') status(order.functionId, 'Running');
        return;
      case 'delete':
        if (this.#functions.delete(order.functionId)) status(order.functionId, 'Unknown');
        this.give({ type: 'answer', operation, code: 0, status: 'Unknown' });
        return;
      case 'move':
      case 'copy':
        this.give({ type: 'answer', operation, code: 0, status: 'Running' });
        return;
      case 'move-session':
        this.give({ type: 'answer', operation, code: 0, status: 'Running', sessions: 3n });
        return;
      case 'configure':
      case 'state-order':
        this.give({ type: 'answer', operation, code: 0 });
    }
  }
}
