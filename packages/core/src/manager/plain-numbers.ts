// SPDX-License-Identifier: Apache-2.0
import { type NodeId, nodeId } from '../identity.ts';
import type { MobilityManagerOutput, PlainNumbers } from '../mobility/types.ts';
import type { ManagerWrite, NumbersRecord } from './records.ts';

/** The row that keeps what a `reserve-numbers` of the mobility endpoint reserves. */
export function numbersWrite({
  node,
  bootTime,
  upTo,
}: Extract<MobilityManagerOutput, { readonly type: 'reserve-numbers' }>): ManagerWrite {
  return { table: 'numbers', key: String(node), value: { bootTime: String(bootTime), upTo } };
}

/** All that was reserved, for the mobility endpoint of the next process. `rows` are those of the table `numbers`. */
export function restoreNumbers(
  rows: readonly { readonly key: string; readonly value: NumbersRecord }[],
): ReadonlyMap<NodeId, PlainNumbers> {
  return new Map(
    rows.map(({ key, value: { bootTime, upTo } }) => [
      nodeId(Number(key)),
      { bootTime: BigInt(bootTime), upTo },
    ]),
  );
}
