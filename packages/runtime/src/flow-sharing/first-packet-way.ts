// SPDX-License-Identifier: Apache-2.0
import { ALIVE_EVERY_MS, FirstPacketTable, PacketQueue, readOverflow } from '@vnfpool/platform/packet-queue';
import type { FirstPacketWay, FirstPacketWayListener } from './first-packets.ts';

/** Packets that wait at most: further ones the kernel drops. */
const PACKETS_MAX = 4096;
/** Of each: headers of IPv6 and TCP with all their options, and some extensions. */
const OCTETS = 160;

/**
 * The kernel's, in the namespace of the calling thread, which `within` enters later.
 * @throws PlatformError `UNSUPPORTED` where the kernel hands packets to no program, with what it lacks; `EPERM`
 */
export function kernelWay(
  table: string,
  listener: FirstPacketWayListener,
  within: <Result>(work: () => Result) => Result,
): FirstPacketWay {
  const queue = new PacketQueue({ packetsMax: PACKETS_MAX, octets: OCTETS }, listener);
  let rules: FirstPacketTable;
  try {
    rules = new FirstPacketTable(table, queue.number);
  } catch (error) {
    queue.close();
    throw error;
  }
  const living = setInterval(() => {
    try {
      rules.live();
    } catch (error) {
      listener.failed(error as Error);
    }
  }, ALIVE_EVERY_MS);
  let overflowed = 0;
  return {
    accept: (ids) => queue.accept(ids),
    drop: (ids) => queue.drop(ids),
    originalOf: (packet) => rules.originalOf(packet),
    overflowed: () => {
      overflowed = within(() => readOverflow(queue.number)) ?? overflowed;
      return overflowed;
    },
    close: () => {
      clearInterval(living);
      queue.close();
      rules.close();
    },
  };
}
