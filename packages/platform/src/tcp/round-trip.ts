// SPDX-License-Identifier: Apache-2.0
import { isPlatformError } from '../errors.ts';
import { IPPROTO_TCP } from '../libc/constants.ts';
import { native } from '../libc/native.ts';

const TCP_INFO = 11;
/** Of `tcpi_rtt`, µs, in struct tcp_info. */
const RTT_OFFSET = 68;

/** Smoothed round-trip time of a TCP connection, or of the first subflow of an MPTCP one; null where it is not told. */
export function tcpRoundTripMs(fd: number): number | null {
  const info = new DataView(new ArrayBuffer(RTT_OFFSET + 4));
  const bytes = new Uint8Array(info.buffer);
  const signature = 'int getsockopt(int, int, int, void *, void *)';
  const length = Uint32Array.of(bytes.length);
  try {
    const result = native().attempt(signature, fd, IPPROTO_TCP, TCP_INFO, bytes, length);
    return result === 0 && length[0] === bytes.length
      ? info.getUint32(RTT_OFFSET, true) / 1000 || null
      : null;
  } catch (error) {
    if (isPlatformError(error, 'UNSUPPORTED')) return null;
    throw error;
  }
}
