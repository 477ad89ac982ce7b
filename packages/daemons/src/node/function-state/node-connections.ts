// SPDX-License-Identifier: Apache-2.0
import { SlotConnections } from '../slot-state/slot-connections.ts';
import { FunctionStateError } from './function-state.ts';
import { NoFunctionState } from './no-state.ts';

/** Connections that the kernel tracks of the node: they are shared with standbys, and do not leave with a function. */
export class NodeConnections extends NoFunctionState {
  readonly connections: SlotConnections;

  constructor(options: Omit<ConstructorParameters<typeof SlotConnections>[0], 'network'>) {
    super();
    this.connections = new SlotConnections({ ...options, network: null });
  }

  override export(): Promise<{ readonly bytes: number }> {
    return Promise.reject(refusal());
  }

  override import(): Promise<void> {
    return Promise.reject(refusal());
  }

  override async close(isLeft = false): Promise<void> {
    await this.connections.close(isLeft);
    await super.close();
  }
}

function refusal(): FunctionStateError {
  return new FunctionStateError('unsupported', 'connections of the node are shared, they do not move');
}
