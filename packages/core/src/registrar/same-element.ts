// SPDX-License-Identifier: Apache-2.0
import { causeInfo, type PoolElement, writePoolElement } from '@vnfpool/wire/parameters';

/** Whether both would be told in the same octets. */
export function sameElement(a: PoolElement, b: PoolElement): boolean {
  const [left, right] = [a, b].map((element) => causeInfo((writer) => writePoolElement(writer, element)));
  return left?.length === right?.length && left?.every((octet, at) => octet === right?.[at]) === true;
}
