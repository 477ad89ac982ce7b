// SPDX-License-Identifier: Apache-2.0
import type { AgentInput } from '@vnfpool/core/agent';
import type { MobilityNodeInput } from '@vnfpool/core/mobility';
import type { Logger } from '@vnfpool/runtime/logging';
import type { LeaseEndpoint } from '@vnfpool/wire/mobility';
import type { ManagerLink } from './manager-link.ts';
import type { NodeTransfers } from './node-transfers.ts';
import type { AddressChange, OwnAddress } from './own-address.ts';
import type { SlotStates } from './slot-state/index.ts';

/** Who depends on the address of a node. */
export interface AddressUsers {
  readonly transfers: Pick<NodeTransfers, 'move' | 'port'>;
  readonly slotStates?: Pick<SlotStates, 'move'>;
  readonly link: Pick<ManagerLink, 'addressGone'>;
  readonly agent: (input: AgentInput) => void;
  readonly mobility: (input: MobilityNodeInput) => void;
  /** Of a node in a set: lease datagrams, its certificate, and what it measures. */
  readonly member?: {
    readonly moved: (address: string) => void;
    readonly leaseEndpoint: (address: string) => LeaseEndpoint;
  };
  readonly logger: Logger;
}

/**
 * Lets everything follow that depends on the address of a node, in the order in which it is needed: leases first, as
 * they run out; then where state is taken; then the manager is told, on the connection that there is or by a new one, as the
 * same node with the functions that it has. One change after the other.
 */
export function followAddress(own: OwnAddress, users: AddressUsers): void {
  let following: Promise<void> = Promise.resolve();
  own.onChange((change) => {
    users.member?.moved(change.address);
    following = following.then(() => follow(change, users));
  });
}

async function follow(
  { address, former }: AddressChange,
  { transfers, slotStates, link, agent, mobility, member, logger }: AddressUsers,
): Promise<void> {
  await transfers.move(address).catch((error: Error) => {
    logger.error({ address, reason: error.message }, 'state of functions cannot be taken at the new address');
  });
  await slotStates?.move(address).catch((error: Error) => {
    logger.error({ address, reason: error.message }, 'copies of state cannot be taken at the new address');
  });
  agent({ type: 'readdressed', from: former, to: address });
  mobility({
    type: 'node-changed',
    addresses: [address],
    statePort: transfers.port,
    ...(member === undefined ? {} : { leaseEndpoint: member.leaseEndpoint(address) }),
  });
  link.addressGone(former);
}
