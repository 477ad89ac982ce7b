// SPDX-License-Identifier: Apache-2.0
import { etcdAddressOf, sharedStateStoreFault, storeAddressFault } from '../addresses.ts';
import { EtcdSharedState } from './etcd-shared-state.ts';
import { SharedStateError, type SharedStateStore } from './shared-state-store.ts';
import { ValkeySharedState } from './valkey-shared-state.ts';

/**
 * The store at this address: `redis://[user:password@]host[:port][/db]`, `rediss://` for TLS, `redis+unix:///socket[?db=N]`,
 * `etcd://[user:password@]host[:port][,host[:port]]`, `etcds://`. Nothing is opened yet. @throws SharedStateError `address`
 */
export function openSharedStateStore(address: string): SharedStateStore {
  const fault = storeAddressFault(address) ?? sharedStateStoreFault(address);
  if (fault !== null) throw new SharedStateError('address', fault);
  const etcd = etcdAddressOf(address);
  return etcd === null ? new ValkeySharedState(new URL(address)) : new EtcdSharedState(etcd);
}
