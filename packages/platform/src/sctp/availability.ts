// SPDX-License-Identifier: Apache-2.0
import { PlatformError } from '../errors.ts';
import { watch } from '../readiness/readiness.ts';
import { SctpSocket } from './sctp-socket.ts';

let missing: string | null | undefined;

/** Whether this kernel speaks SCTP, asked once. */
export function sctpAvailable(): boolean {
  return sctpMissing() === null;
}

/** Why there is no SCTP here and how to get it, in one line for people; null: there is. */
export function sctpMissing(): string | null {
  if (missing === undefined) missing = probe();
  return missing;
}

function probe(): string | null {
  try {
    const socket = SctpSocket.open(['127.0.0.1'], { sharesPort: true });
    try {
      socket.bind(['127.0.0.1'], 0);
      // Without the HMAC that signs its cookies a kernel makes sockets, but does not listen.
      socket.listen(1);
      watch(socket.fd, () => {}).end();
    } finally {
      socket.close();
    }
    return null;
  } catch (error) {
    if (!(error instanceof PlatformError)) throw error;
    if (error.call === 'listen') {
      return `the kernel cannot sign SCTP's cookies (${error.message}): load its module for the HMAC named in sysctl net.sctp.cookie_hmac_alg`;
    }
    if (error.call !== 'socket') return `SCTP cannot be used here: ${error.message}`;
    return (
      `no SCTP in this kernel (${error.message}): as root \`modprobe sctp\`; its module may be kept from loading by ` +
      '/etc/modprobe.d, or be in a package of its own (linux-modules-extra-$(uname -r), kernel-modules-extra); or run ' +
      'in a kernel of your own, see docs/transports.md'
    );
  }
}
