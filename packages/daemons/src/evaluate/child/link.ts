// SPDX-License-Identifier: Apache-2.0
import { connect, createServer, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/**
 * A way to a port that takes its time: what comes in at one end goes out at the other so much later, the end of a connection too.
 * Resolves with the port by which it is reached.
 */
export function openLink(port: number, delayMs: number): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ host: HOST, port, allowHalfOpen: true });
    carry(near, far, delayMs);
    carry(far, near, delayMs);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, HOST, () => resolve((server.address() as { readonly port: number }).port));
  });
}

/** Timers of one length fire in the order in which they were set: octets stay in theirs. */
function carry(from: Socket, to: Socket, delayMs: number): void {
  from.setNoDelay(true);
  from.on('data', (octets) => setTimeout(() => to.write(octets), delayMs));
  from.on('end', () => setTimeout(() => to.end(), delayMs));
  from.on('error', () => setTimeout(() => to.destroy(), delayMs));
}
