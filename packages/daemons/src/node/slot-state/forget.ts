// SPDX-License-Identifier: Apache-2.0
import { forgetCheckpoints } from '@vnfpool/runtime/checkpoint';
import { forgetSharedState } from '@vnfpool/runtime/shared-state';
import { openObjectStore } from '@vnfpool/store/objects';
import { openSharedStateStore } from '@vnfpool/store/shared-state';
import type { Forget } from './state-tasks.ts';

/** What a slot has left in a store is removed. By a connection of its own: nobody here may need that store again. */
export const forget: Forget = async ({ slot, method, store: address }) => {
  if (method === 'shared') {
    const store = openSharedStateStore(address);
    try {
      await forgetSharedState(store, slot);
    } finally {
      await store.close();
    }
    return;
  }
  const objects = openObjectStore(address);
  try {
    await forgetCheckpoints(objects, slot, Date.now);
  } finally {
    await objects.close();
  }
};
