// SPDX-License-Identifier: Apache-2.0
import type { ReplicationBound, ReplicationStandby } from '@vnfpool/core/replication';
import { type Oracle, ReplicationViolation, told } from './oracle.ts';
import type { Reign } from './reign.ts';

/** Behind the calm: everybody has the same, and may take over. @param standbys by node @param listed as the council has it */
export function checkEqual(
  reign: Reign | undefined,
  standbys: ReadonlyMap<number, ReplicationStandby>,
  listed: ReadonlyMap<number, number>,
): void {
  if (reign === undefined) throw new ReplicationViolation('nobody holds it behind the calm');
  const { store } = reign.core;
  for (const [node, standby] of standbys) {
    const { epoch, sequence } = standby.position;
    if (!standby.isWhole || epoch !== reign.epoch || sequence !== store.sequence)
      throw new ReplicationViolation(
        `behind the calm node ${node} is at ${epoch}/${sequence}, and the holder at ${reign.epoch}/${store.sequence}`,
      );
    if (told(standby.store) !== told(store))
      throw new ReplicationViolation(`node ${node} differs in the end`);
    if (!listed.has(node)) throw new ReplicationViolation(`node ${node} is not listed in the end`);
  }
  if (reign.acknowledged < store.sequence)
    throw new ReplicationViolation(
      `update ${store.sequence} is not acknowledged in the end, ${reign.acknowledged} is`,
    );
  if (reign.waiting.length > 0) throw new ReplicationViolation('updates still wait in the end');
}

/** A standby of the list goes on from this sequence: no more is lost than was agreed. */
export function checkTakeOver(oracle: Oracle, bound: ReplicationBound, node: number, sequence: number): void {
  const lost = oracle.lost(sequence);
  if (lost > bound.updates)
    throw new ReplicationViolation(
      `${lost} updates are lost, and ${bound.updates} may be: node ${node} is at ${sequence}; ${oracle.present}`,
    );
  const lostMs = oracle.lostMs(sequence);
  if (lostMs > (bound.ageMs ?? Number.POSITIVE_INFINITY))
    throw new ReplicationViolation(
      `updates of ${lostMs} ms are lost, and of ${bound.ageMs} ms may be: node ${node} is at ${sequence}; ${oracle.present}`,
    );
}
