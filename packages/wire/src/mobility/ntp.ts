// SPDX-License-Identifier: Apache-2.0

/** Seconds from 1900-01-01, where NTP counts from, to 1970-01-01. */
const UNIX_EPOCH_S = 2_208_988_800n;
const ERA_S = 1n << 32n;

/**
 * The 64-bit NTP timestamp of a moment: 32 bits of seconds, 32 bits of fraction. Moments outside 1968-01-20 to
 * 2104-02-26 have none and give 0n, "unknown".
 * @param unixMs wall-clock milliseconds since 1970
 * @see RFC 5905 §6
 */
export function ntpTimestamp(unixMs: number): bigint {
  if (!Number.isFinite(unixMs)) return 0n;
  const wholeMs = Math.floor(unixMs);
  const ms = BigInt(wholeMs);
  const milli = ((ms % 1000n) + 1000n) % 1000n;
  const seconds = (ms - milli) / 1000n + UNIX_EPOCH_S;
  if (seconds < 1n << 31n || seconds >= ERA_S + (1n << 31n)) return 0n;
  const fraction = ((milli << 32n) + 500n) / 1000n;
  return ((seconds % ERA_S) << 32n) | fraction;
}

/**
 * Wall-clock milliseconds since 1970, with a fraction; undefined for 0n. Seconds with the top bit 0 belong to
 * era 1, which starts on 2036-02-07T06:28:16Z.
 */
export function ntpToUnixMs(timestamp: bigint): number | undefined {
  if (timestamp === 0n) return undefined;
  const seconds = timestamp >> 32n;
  const era = seconds < 1n << 31n ? ERA_S : 0n;
  const fraction = Number(timestamp & 0xffff_ffffn) / 2 ** 32;
  return Number(seconds + era - UNIX_EPOCH_S) * 1000 + fraction * 1000;
}
