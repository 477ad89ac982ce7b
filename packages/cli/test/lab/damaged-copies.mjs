// SPDX-License-Identifier: Apache-2.0
import { ReplicaStore } from '@vnfpool/core/replication';

/*
 * Loaded into an agent ahead of its program: at SIGWINCH, which means nothing to it, its memory fails. In each state that it keeps the first value changes by a bit, and
 * nobody is told.
 */

const stores = new Set();
const { value: apply } = Object.getOwnPropertyDescriptor(ReplicaStore.prototype, 'apply');
ReplicaStore.prototype.apply = function (...update) {
  stores.add(this);
  return apply.call(this, ...update);
};
process.on('SIGWINCH', () => {
  for (const store of stores)
    for (const { value } of store) {
      if (value === null || value.length === 0) continue;
      value[0] ^= 1;
      break;
    }
});
