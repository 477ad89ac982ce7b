// SPDX-License-Identifier: Apache-2.0

/** A DNS SRV record. `name` is the target; empty: there is decidedly no such service. */
export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  /** Lower ones first. */
  readonly priority: number;
  /** Within one priority: how often, by share, a record comes first. */
  readonly weight: number;
}

/**
 * The order in which servers are tried.
 *
 * @param fraction Random, from 0 up to but without 1
 * @see RFC 2782, "The format of the SRV RR", Weight
 */
export function srvOrder(records: readonly SrvRecord[], fraction: () => number): SrvRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].toSorted((x, y) => x - y);
  return priorities.flatMap((priority) =>
    drawn(
      records.filter((record) => record.priority === priority),
      fraction,
    ),
  );
}

function drawn(records: readonly SrvRecord[], fraction: () => number): SrvRecord[] {
  // Those of weight 0 stand first, so that they are chosen when 0 is drawn, and only then.
  const left = records.toSorted((x, y) => Number(x.weight > 0) - Number(y.weight > 0));
  const order: SrvRecord[] = [];
  while (left.length > 0) {
    const total = left.reduce((sum, { weight }) => sum + weight, 0);
    const mark = Math.floor(fraction() * (total + 1));
    let sum = 0;
    const index = left.findIndex(({ weight }) => {
      sum += weight;
      return sum >= mark;
    });
    order.push(...left.splice(index, 1));
  }
  return order;
}
