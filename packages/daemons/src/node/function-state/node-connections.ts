// SPDX-License-Identifier: Apache-2.0
import { FunctionStateError } from './function-state.ts';
import { NoFunctionState } from './no-state.ts';

/** Connections that the kernel tracks of the node: they are shared with standbys, and do not leave with a function. */
export class NodeConnections extends NoFunctionState {
  override export(): Promise<{ readonly bytes: number }> {
    return Promise.reject(refusal());
  }

  override import(): Promise<void> {
    return Promise.reject(refusal());
  }
}

function refusal(): FunctionStateError {
  return new FunctionStateError('unsupported', 'connections of the node are shared, they do not move');
}
