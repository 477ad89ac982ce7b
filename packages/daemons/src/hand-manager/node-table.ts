// SPDX-License-Identifier: Apache-2.0
import type { MobilityManagerOutput } from '@vnfpool/core/mobility';
import type {
  FunctionInformation,
  FunctionReport,
  NodeInformation,
  RunningStatus,
} from '@vnfpool/wire/mobility';

/** What a manager without a store knows of a function. */
export interface HandFunction {
  readonly functionId: number;
  readonly status: RunningStatus;
  readonly information: FunctionInformation;
  /** Null: of a plain peer, or not told. */
  readonly report: FunctionReport | null;
  readonly reason: string;
}

export interface HandNode {
  readonly nodeId: number;
  readonly name: string;
  readonly state: 'registered' | 'suspect' | 'lost';
  readonly reason: string;
  readonly addresses: readonly string[];
  readonly information: NodeInformation;
  /** Port at which it takes state; null: it did not tell. */
  readonly statePort: number | null;
  /** It has told all that it runs since it registered; a plain peer is not asked. */
  readonly isHeard: boolean;
  /** In the order of their IDs. */
  readonly functions: readonly HandFunction[];
}

interface Row extends Omit<HandNode, 'functions'> {
  readonly functions: Map<number, HandFunction>;
}

/** Functions kept of one node; others are told of as they come, and not kept. */
const FUNCTIONS_MAX = 4096;

/** Nodes that registered and did not leave, as the mobility endpoint told of them. */
export class NodeTable {
  readonly #rows = new Map<number, Row>();

  take(
    output: Exclude<
      MobilityManagerOutput,
      { type: 'send' | 'close' | 'event' | 'operation-result' | 'reserve-numbers' }
    >,
  ): void {
    const row = this.#rows.get(output.node);
    switch (output.type) {
      case 'node-registered': {
        const { node, name, addresses, information, statePort } = output;
        const functions = output.resumed && row ? row.functions : new Map<number, HandFunction>();
        this.#rows.set(node, {
          nodeId: node,
          name,
          state: 'registered',
          reason: '',
          addresses,
          information,
          statePort,
          isHeard: output.resumed && row?.isHeard === true,
          functions,
        });
        return;
      }
      case 'node-left':
        this.#rows.delete(output.node);
        return;
      case 'node-suspect':
        return this.#change(row, { state: 'suspect', reason: output.reason });
      case 'node-lost':
        return this.#change(row, { state: 'lost', reason: output.reason });
      case 'node-back':
        return this.#change(row, { state: 'registered', reason: '' });
      case 'node-moved':
        return this.#change(row, {
          addresses: output.addresses,
          ...(output.statePort === null ? {} : { statePort: output.statePort }),
        });
      case 'node-information':
        return this.#change(row, { information: { ...row?.information, ...output.information } });
      case 'node-functions': {
        const ids: readonly number[] = output.functionIds;
        for (const id of row?.functions.keys() ?? []) if (!ids.includes(id)) row?.functions.delete(id);
        return this.#change(row, { isHeard: true });
      }
      case 'function-status': {
        const { functionId, status, report, reason } = output;
        if (output.gone) row?.functions.delete(functionId);
        else if (row && (row.functions.has(functionId) || row.functions.size < FUNCTIONS_MAX)) {
          const information = { ...row.functions.get(functionId)?.information, ...output.information };
          row.functions.set(functionId, { functionId, status, information, report, reason });
        }
        return;
      }
      case 'slot-report':
        return;
    }
  }

  /** In the order of their IDs. */
  list(): readonly HandNode[] {
    return [...this.#rows.values()].sort((a, b) => a.nodeId - b.nodeId).map(view);
  }

  find(nodeId: number): HandNode | undefined {
    const row = this.#rows.get(nodeId);
    return row && view(row);
  }

  #change(row: Row | undefined, change: Partial<Row>): void {
    if (row) this.#rows.set(row.nodeId, { ...row, ...change });
  }
}

function view(row: Row): HandNode {
  return { ...row, functions: [...row.functions.values()].sort((a, b) => a.functionId - b.functionId) };
}
