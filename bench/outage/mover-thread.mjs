// SPDX-License-Identifier: Apache-2.0
import { parentPort, workerData } from 'node:worker_threads';
import { createVirtualAddresses } from '@vnfpool/platform/addresses';
import { inNamespace } from '@vnfpool/platform/namespaces';
import { requestRealtime } from '@vnfpool/platform/realtime';
import { monotonicMs } from './watch.mjs';

/*
 * A thread with real-time priority, as the agent's and keepalived's are: it makes the fault itself and moves the address at once, so that no
 * message stands between. Messages: { pid, to } is done and answered by the moment of the fault; pid null: there is none.
 */

const { address, namespaces } = workerData;
/** As the others are: code that was never run is not what is compared. */
const WARM_UP = 50;
const places = namespaces.map((fd) => inNamespace(fd, () => createVirtualAddresses({ interface: 'eth0' })));

function move(to) {
  places[1 - to].withdraw(address);
  places[to].raise(address);
  places[to].announce(address, 2);
}

const realtime = requestRealtime();
for (let n = WARM_UP; n > 0; n--) move(n % 2);
move(0);
parentPort.on('message', ({ pid, to }) => {
  const at = monotonicMs();
  if (pid !== null) process.kill(pid, 'SIGKILL');
  move(to);
  parentPort.postMessage({ at });
});
parentPort.postMessage({ ready: realtime.isGranted });
